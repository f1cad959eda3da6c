//! Ten thousand verdicts against rotations and deletions, behind a gate that remembers two keys and so forgets and
//! learns all the time. The promise: no verdict that begins after a secret's end was answered lets it through; and
//! none that ends before that end was asked for refuses it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keydesk::gate::Need;
use keydesk::gate::credential::Credential;
use keydesk::gate::verdict::Refusal;
use keydesk::model::api_key::{AllowedIps, KeyType};
use keydesk::model::key_form::NewKey;
use keydesk::model::scopes::Scopes;
use keydesk::model::secret::Secret;
use keydesk::store::api_keys::{self, Issue, Issued, Rotated, Rotation};
use tokio::task::JoinSet;

use crate::support::{Dice, TestApp, key_path};

const VERDICTS: usize = 10_000;
const JUDGES: usize = 4;
const LIVING: usize = 5;
const ENDS: usize = 20;

/// One secret: whether its end was asked for, and whether that was answered.
struct Life {
    secret: Secret,
    doomed: AtomicBool,
    dead: AtomicBool,
}

/// A key, and the secret of it that works.
struct Held {
    id: String,
    life: Arc<Life>,
}

struct World {
    desk: TestApp,
    account_id: String,
    /// The living and those who died last.
    lives: Mutex<Vec<Arc<Life>>>,
    judged: AtomicUsize,
    /// Refusals that a key of ours was known for.
    refused: AtomicUsize,
    /// Secrets that ended meanwhile.
    ended: AtomicUsize,
}

impl World {
    /// Whether enough was judged, and enough ended, however busy the machine.
    fn is_over(&self) -> bool {
        self.judged.load(Ordering::SeqCst) >= VERDICTS && self.ended.load(Ordering::SeqCst) >= ENDS
    }

    fn born(&self, secret: Secret) -> Arc<Life> {
        let life = Arc::new(Life { secret, doomed: AtomicBool::new(false), dead: AtomicBool::new(false) });
        let mut lives = self.lives.lock().expect("a lock");
        lives.push(life.clone());
        if lives.len() > LIVING * 3 {
            // The longest dead are presented no more.
            let at = lives.iter().position(|life| life.dead.load(Ordering::SeqCst));
            if let Some(at) = at {
                lives.remove(at);
            }
        }
        life
    }

    fn secret(&self) -> Secret {
        Secret::generate("kd_live_", &self.desk.app.entropy)
    }

    async fn issue(&self, name: String) -> Held {
        let secret = self.secret();
        let new = NewKey {
            name,
            key_type: KeyType::Standard,
            environment: "live".into(),
            inbox_id: None,
            scopes: "mail:send".parse::<Scopes>().expect("scopes"),
            expires_at: None,
            allowed_ips: AllowedIps::default(),
        };
        let (author, app) = (TestApp::author(), &self.desk.app);
        let issue = Issue { new: &new, secret: &secret, once: None, reveal: None };
        let issued = api_keys::issue(&app.db, &app.act(&author), &self.account_id, issue, 0).await.expect("a write");
        let Issued::Key(id) = issued else { panic!("{issued:?}") };
        Held { id, life: self.born(secret) }
    }

    /// Rotates the key at once, or deletes it for another.
    async fn end(&self, held: &mut Held, delete: bool, number: usize) {
        let (author, app) = (TestApp::author(), &self.desk.app);
        let key = api_keys::find(&app.db, &self.account_id, &held.id).await.expect("a read").expect("a key");
        let old = held.life.clone();
        old.doomed.store(true, Ordering::SeqCst);
        if delete {
            assert!(api_keys::delete(&app.db, &app.act(&author), &key).await.expect("a write"));
            old.dead.store(true, Ordering::SeqCst);
            *held = self.issue(format!("key {number}")).await;
        } else {
            let secret = self.secret();
            let rotation = Rotation { secret: &secret, grace_hours: 0, expires_at: None, once: None, reveal: None };
            let rotated = api_keys::rotate(&app.db, &app.act(&author), &key, rotation).await.expect("a write");
            assert_eq!(rotated, Rotated::Now);
            old.dead.store(true, Ordering::SeqCst);
            held.life = self.born(secret);
        }
    }

    /// One verdict on one of the secrets.
    async fn judge(&self, dice: &Dice) {
        let life = dice.pick(&self.lives.lock().expect("a lock")).clone();
        // From anywhere, so that nobody is throttled for what the dead left behind.
        let source = dice.address().parse().expect("an address");
        let (need, app) = (Need { scope: Some("mail:send"), inbox_id: None }, &self.desk.app);
        let dead_before = life.dead.load(Ordering::SeqCst);
        let credential = Credential::bearer(life.secret.reveal());
        let verdict = app.gate.decide(credential, source, Ok([need]), app.now()).await.expect("a verdict");
        let doomed_after = life.doomed.load(Ordering::SeqCst);
        match verdict.refusal {
            None => assert!(!dead_before, "a dead secret passed"),
            Some(refusal) => {
                assert!(doomed_after, "a living secret was refused: {refusal:?}");
                assert!(matches!(refusal, Refusal::Dead(_)), "{refusal:?}");
                self.refused.fetch_add(1, Ordering::SeqCst);
            }
        }
        self.judged.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_verdict_that_begins_after_the_end_of_a_secret_lets_it_through() {
    let desk = TestApp::remembering(2).await;
    let account_id = desk.alice().await.account_id;
    let world = Arc::new(World {
        desk,
        account_id,
        lives: Mutex::default(),
        judged: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        ended: AtomicUsize::new(0),
    });
    let mut held = Vec::new();
    for number in 0..LIVING {
        held.push(world.issue(format!("first {number}")).await);
    }
    let mut judges = JoinSet::new();
    for number in 0..JUDGES {
        let world = world.clone();
        judges.spawn(async move {
            let dice = Dice::seeded(number as u64);
            while !world.is_over() {
                world.judge(&dice).await;
            }
        });
    }
    let dice = Dice::seeded(77);
    while !world.is_over() && !judges.is_empty() {
        let at = dice.below(LIVING);
        world.end(&mut held[at], dice.one_in(3), world.ended.load(Ordering::SeqCst)).await;
        world.ended.fetch_add(1, Ordering::SeqCst);
        if dice.one_in(8) {
            world.desk.flush().await;
        }
        while let Some(done) = judges.try_join_next() {
            done.expect("a judge who is content");
        }
    }
    judges.join_all().await;
    // What was forgotten and learned again was counted all the same.
    world.desk.flush().await;
    let counted = world.desk.count("select cast(coalesce(sum(count), 0) as bigint) from usage_refusals").await;
    assert_eq!(usize::try_from(counted), Ok(world.refused.load(Ordering::SeqCst)), "refusals were lost or invented");
    // The dust has settled: whoever is dead stays so, and the living live.
    let lives = world.lives.lock().expect("a lock").clone();
    for life in lives {
        let answer = world.desk.holder(life.secret.reveal()).asks("scope=mail:send").await;
        let expected = if life.dead.load(Ordering::SeqCst) { 401 } else { 200 };
        assert_eq!(answer.status, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_the_limit_passes_however_often_the_key_is_forgotten() {
    const LIMIT: u32 = 60;
    let desk = Arc::new(TestApp::forgetful(LIMIT).await);
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "7d")]).await;
    let secrets = [key.secret, alice.reveals(&key.id).await, alice.key("other", &[]).await.secret];
    let mut asked = JoinSet::new();
    for number in 0..4 {
        let (desk, secrets) = (desk.clone(), secrets.clone());
        asked.spawn(async move {
            let (dice, mut passed) = (Dice::seeded(number), 0);
            for _ in 0..50 {
                passed += u32::from(desk.holder(dice.pick::<String>(&secrets[..2])).asks("").await.status == 200);
                // Another key takes the only place, and the windows that nobody holds are swept.
                desk.holder(&secrets[2]).asks("scope=odd").await;
                desk.app.gate.sweep(desk.app.now());
            }
            passed
        });
    }
    assert_eq!(asked.join_all().await.iter().sum::<u32>(), LIMIT);
    desk.flush().await;
    let counted = format!("select ok from usage_hours where key_id = '{}'", key.id);
    assert_eq!(desk.count(&counted).await, i64::from(LIMIT));
}
