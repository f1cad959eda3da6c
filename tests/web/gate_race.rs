//! Ten thousand verdicts against rotations and deletions, behind a gate that remembers two keys and so forgets and
//! learns all the time. The promise: no verdict that begins after a secret's end was answered lets it through; and
//! none that ends before that end was asked for refuses it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keydesk::gate::Need;
use keydesk::gate::credential::Credential;
use keydesk::model::api_key::{AllowedIps, KeyType};
use keydesk::model::key_form::NewKey;
use keydesk::model::scopes::Scopes;
use keydesk::model::secret::Secret;
use keydesk::store::api_keys::{self, Issue, Issued, Rotation};
use tokio::task::JoinSet;

use crate::support::{Dice, TestApp};

const VERDICTS: usize = 10_000;
const JUDGES: usize = 4;
const LIVING: usize = 5;

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
}

impl World {
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
        let issue = Issue { new: &new, secret: &secret, once: None, sealed: false };
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
            let rotation = Rotation { secret: &secret, grace_hours: 0, expires_at: None, sealed: false };
            assert!(api_keys::rotate(&app.db, &app.act(&author), &key, rotation).await.expect("a write"));
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
        let verdict = app.gate.decide(credential, source, Ok(need), app.now()).await.expect("a verdict");
        let doomed_after = life.doomed.load(Ordering::SeqCst);
        match verdict.refusal {
            None => assert!(!dead_before, "a dead secret passed"),
            Some(refusal) => assert!(doomed_after, "a living secret was refused: {refusal:?}"),
        }
        self.judged.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_verdict_that_begins_after_the_end_of_a_secret_lets_it_through() {
    let desk = TestApp::remembering(2).await;
    let account_id = desk.alice().await.account_id;
    let world = Arc::new(World { desk, account_id, lives: Mutex::default(), judged: AtomicUsize::new(0) });
    let mut held = Vec::new();
    for number in 0..LIVING {
        held.push(world.issue(format!("first {number}")).await);
    }
    let mut judges = JoinSet::new();
    for number in 0..JUDGES {
        let world = world.clone();
        judges.spawn(async move {
            let dice = Dice::seeded(number as u64);
            while world.judged.load(Ordering::SeqCst) < VERDICTS {
                world.judge(&dice).await;
            }
        });
    }
    let dice = Dice::seeded(77);
    let mut ended = 0;
    while world.judged.load(Ordering::SeqCst) < VERDICTS && !judges.is_empty() {
        let at = dice.below(LIVING);
        world.end(&mut held[at], dice.one_in(3), ended).await;
        ended += 1;
        while let Some(done) = judges.try_join_next() {
            done.expect("a judge who is content");
        }
    }
    judges.join_all().await;
    assert!(ended >= 20, "only {ended} secrets ended meanwhile");
    // The dust has settled: whoever is dead stays so, and the living live.
    let lives = world.lives.lock().expect("a lock").clone();
    for life in lives {
        let answer = world.desk.holder(life.secret.reveal()).asks("scope=mail:send").await;
        let expected = if life.dead.load(Ordering::SeqCst) { 401 } else { 200 };
        assert_eq!(answer.status, expected);
    }
}
