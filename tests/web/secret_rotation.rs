//! `keydesk secret-file rotate` and `retire`, as somebody types them whose secret file was stolen, beside nodes that serve:
//! keys keep working, whatever is cut off half way, and the record still shows who touched it.

use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use keydesk::clock::Clock;
use keydesk::entropy::Entropy;
use keydesk::model::audit::Actor as Author;
use keydesk::model::authenticator::{Authenticator, Holder};
use keydesk::model::secret_file::SecretFile;
use keydesk::store::{authenticators, installation, secret_loss, secret_rotation};
use tempfile::TempDir;

use crate::commands::{finished, folder, keydesk, said};
use crate::support::{Actor, PASSWORD, SECRET_FILE, TestApp, key_path};

const ROTATE: [&str; 2] = ["secret-file", "rotate"];
const RETIRE: [&str; 2] = ["secret-file", "retire"];
const RETIRE_ALL: [&str; 3] = ["secret-file", "retire", "--yes"];

/// A desk, and the machine that its operator types on.
struct Operated {
    desk: TestApp,
    alice: Actor,
    folder: TempDir,
}

impl Operated {
    async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    async fn of(desk: TestApp) -> Self {
        // The commands read the machine's clock: what this desk makes must not be a day old to them.
        desk.pass(Clock::System.now().since(desk.app.now()));
        let alice = desk.alice().await;
        let folder = folder();
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        let operated = Self { desk, alice, folder };
        operated.puts(&SECRET_FILE);
        operated
    }

    fn typed(&self, arguments: &[&str]) -> (bool, String, String) {
        let mut command = keydesk(self.folder.path(), arguments);
        command.env("KEYDESK_DATABASE_URL", &self.desk.database.url);
        said(&finished(command.spawn().expect("it starts")))
    }

    /// What is typed must go well; answers what is said.
    fn does(&self, arguments: &[&str]) -> String {
        let (fine, out, err) = self.typed(arguments);
        assert!(fine, "{arguments:?}: {out}{err}");
        out
    }

    /// What is typed must be refused; answers why.
    fn is_refused(&self, arguments: &[&str]) -> String {
        let (fine, out, err) = self.typed(arguments);
        assert!(!fine, "{arguments:?}: {out}{err}");
        err
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("data/secret")).expect("the secret file")
    }

    fn puts(&self, bytes: &[u8]) {
        let path = self.folder.path().join("data/secret");
        let _ = std::fs::remove_file(&path);
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        std::io::Write::write_all(&mut file.expect("a file"), bytes).expect("a secret file");
    }

    /// A node that starts now with the secret file as it lies there, no earlier than it was written.
    async fn restarted(&self) -> TestApp {
        let file = SecretFile::parse(&self.bytes()).expect("a secret file");
        let recognised = installation::recognise(&self.desk.app.db, &file).await.expect("it belongs here");
        self.desk.pass(Clock::System.now().since(self.desk.app.now()));
        self.desk.under(recognised.keyring).await
    }

    /// A node that knows the first secret file alone, and remembers nothing.
    async fn left_behind(&self) -> TestApp {
        self.desk.restarted(|_| {}, SECRET_FILE).await
    }

    fn verifies(&self) -> bool {
        self.typed(&["audit", "verify"]).0
    }
}

async fn status(desk: &TestApp, secret: &str) -> u16 {
    desk.holder(secret).get("/v1/key").await.status
}

#[tokio::test]
async fn keys_go_on_working_and_those_that_are_used_outlive_the_old_secret_file() {
    let at = Operated::new().await;
    let (used, unused) = (at.alice.key("used", &[]).await, at.alice.key("unused", &[]).await);
    let out = at.does(&ROTATE);
    assert!(out.contains("Every session was ended") && out.contains("restart the nodes one by one"), "{out}");
    assert_eq!((at.bytes().len(), &at.bytes()[32..]), (64, &SECRET_FILE[..]), "the old one is beside the new one");

    // The node that was not restarted lets keys through, and nobody in.
    at.alice.get("/settings/api-keys").await.redirects_to("/sign-in?next=%2Fsettings%2Fapi-keys");
    let form = [("email", "alice@halden.example"), ("password", PASSWORD)];
    assert_eq!(at.desk.visitor().post("/sign-in", &form).await.status, 503);
    assert_eq!(at.left_behind().await.holder(&used.secret).get("/v1/key").await.status, 200);

    let node = at.restarted().await;
    assert_eq!(status(&node, &used.secret).await, 200);
    assert_eq!(status(&node, &used.secret).await, 200, "from memory");
    node.flush().await;
    assert_eq!(at.desk.count("select count(*) from api_key_secrets where pepper_version = 1").await, 1);
    let alice = node.signed_in("alice@halden.example").await;
    let newest = alice.key("newest", &[]).await;
    let behind = at.left_behind().await;
    for key in [&used, &unused, &newest] {
        assert_eq!(status(&behind, &key.secret).await, 200, "also where the node was not restarted");
    }
    node.flush().await;
    let counted = format!("select used from api_key_secrets where key_id = '{}'", used.id);
    assert_eq!(at.desk.count(&counted).await, 2, "what was counted is counted under the new hash");

    let why = at.is_refused(&RETIRE);
    assert!(why.contains("1 key was not used since") && why.contains("retire --list"), "{why}");
    let list = at.does(&["secret-file", "retire", "--list"]);
    assert!(
        list.contains(&unused.id) && list.contains("\"unused\" of \"Halden Freight\"") && !list.contains(&used.id),
        "{list}"
    );
    assert_eq!(at.bytes().len(), 64, "nothing was dropped");
    let out = at.does(&RETIRE_ALL);
    assert!(out.contains("1 key that was not used stopped working"), "{out}");
    assert_eq!(at.bytes().len(), 32);

    // The nodes that serve hear of it, and those that start know only the new one.
    at.desk.database.run("update installation set id = id").await;
    for node in [&node, &at.restarted().await] {
        node.pass(Clock::System.now().since(node.app.now()));
        assert_eq!(status(node, &used.secret).await, 200);
        assert_eq!(status(node, &newest.secret).await, 200);
        assert_eq!(status(node, &unused.secret).await, 401);
    }
    assert_eq!(at.desk.count("select count(*) from api_key_secrets where old_hash is not null").await, 0);
    let node = at.restarted().await;
    let alice = alice.before(&node);
    alice.get(&key_path(&unused.id, "")).await.says("Retired the old secret file");
    alice.post(&key_path(&unused.id, "rotate"), &[("grace", "0")]).await;
    assert_eq!(status(&node, &alice.reveals(&unused.id).await).await, 200, "rotated, it works again");
    assert!(at.verifies());
    assert!(at.is_refused(&RETIRE).contains("nothing to retire"));
}

#[tokio::test]
async fn unknown_secrets_stay_unknown_and_cost_no_more_once_they_are_remembered() {
    let at = Operated::new().await;
    at.does(&ROTATE);
    let node = at.restarted().await;
    let unknown = keydesk::model::secret::Secret::generate("kd_live_", &Entropy::seeded(7));
    for _ in 0..3 {
        assert_eq!(status(&node, unknown.reveal()).await, 401);
    }
    assert_eq!(node.app.gate.remembered().unknown, 1);
    node.flush().await;
    assert!(at.does(&RETIRE).contains("holds the new generation alone"), "nothing was made but a key that waits");
}

#[tokio::test]
async fn what_is_sealed_outlives_the_old_secret_file() {
    for again in [false, true] {
        let at = Operated::of(if again { TestApp::revealing_again().await } else { TestApp::new().await }).await;
        let waiting = at.alice.creates("waiting", &[]).await;
        at.desk.sets_up(&at.alice).await;
        at.does(&ROTATE);
        let out = at.does(&RETIRE);
        assert!(!out.contains("stopped working"), "what can be opened is not left behind: {out}");
        let node = at.restarted().await;
        let kept = authenticators::find(&node.app.db, &at.alice.user_id).await.expect("the database answers");
        let sealed = kept.expect("an app").sealed_secret;
        let holder =
            Holder { installation_id: &node.app.installation_id, user_id: &at.alice.user_id, email: "", brand: "" };
        assert!(Authenticator::open(&sealed, holder, &node.app.keyring).is_ok());
        let table = if again { "kept_secrets" } else { "sealed_secrets" };
        let left = format!("select count(*) from {table} where secret_version = 1");
        assert_eq!(node.count(&left).await, 0);
        let author = Author { id: at.alice.user_id.clone(), ..TestApp::author() };
        let key = keydesk::store::api_keys::find(&node.app.db, &at.alice.account_id, &waiting).await;
        let key = key.expect("the database answers").expect("a key");
        let reveal = node.app.product.keys.reveal;
        let secret = keydesk::store::sealed_secrets::reveal(&node.app.db, &node.app.act(&author), &key, reveal).await;
        let secret = secret.expect("it opens");
        crate::audit::note(secret.reveal());
        assert_eq!(status(&node, secret.reveal()).await, 200);
    }
}

#[tokio::test]
async fn whatever_is_cut_off_a_start_works_or_says_what_to_run() {
    let at = Operated::new().await;
    let key = at.alice.key("billing", &[]).await;
    let list = ["key", "list", "alice@halden.example"];
    at.does(&list);
    let first = SecretFile::parse(&SECRET_FILE).expect("a file");

    // Between the file and the database: the old one is used, and the rotation goes on.
    let both = first.with_successor(&Entropy::System);
    at.puts(&both.bytes());
    let (fine, _, err) = at.typed(&list);
    assert!(fine && err.contains("run: keydesk secret-file rotate"), "{err}");
    assert!(at.is_refused(&RETIRE).contains("run: keydesk secret-file rotate"));
    assert_eq!(status(&at.restarted().await, &key.secret).await, 200);

    // Between the database and its accounts.
    let alice = at.desk.signed_in("alice@halden.example").await;
    at.desk.pass(Duration::from_secs(1));
    let old = installation::recognise(&at.desk.app.db, &both).await.expect("it belongs here").keyring;
    let author = TestApp::author();
    let act = at.desk.app.act(&author);
    secret_rotation::begin(&at.desk.app.db, &old, &both.newest(), &act).await.expect("it begins");
    assert!(secret_rotation::begin(&at.desk.app.db, &old, &both.newest(), &act).await.is_err(), "once");
    assert!(at.verifies());
    assert_eq!(status(&at.restarted().await, &key.secret).await, 200);
    // A node that started meanwhile went on with the account.
    let alice = alice.before(&at.restarted().await);
    alice.inbox("Orders").await;
    at.does(&ROTATE);
    alice.get("/settings/inboxes").await.redirects_to("/sign-in?next=%2Fsettings%2Finboxes");
    assert_eq!(at.bytes(), both.bytes().to_vec(), "there is no third");
    assert!(at.is_refused(&ROTATE).contains("keydesk secret-file retire"));

    // Another node has the wrong file, or half of it.
    at.puts(&SECRET_FILE);
    for arguments in [&list[..], &["audit", "verify"], &ROTATE] {
        assert!(at.is_refused(arguments).contains("was replaced since (keydesk secret-file rotate): copy the new one"));
    }
    at.puts(&both.newest_alone().bytes());
    assert!(at.is_refused(&list).contains("lacks its old half"));
    at.puts(&[both.newest_alone().bytes().to_vec(), vec![7; 32]].concat());
    assert!(at.is_refused(&list).contains("lacks its old half"));
    at.puts(&[9; 64]);
    assert!(at.is_refused(&list).contains("is not the one that the database was made with"));

    // Between the database and the file, at the end.
    at.puts(&both.bytes());
    at.does(&RETIRE_ALL);
    at.puts(&both.bytes());
    let (fine, _, err) = at.typed(&list);
    assert!(fine && err.contains("run: keydesk secret-file retire"), "{err}");
    assert_eq!(status(&at.restarted().await, &key.secret).await, 401, "the old half does not count");
    assert!(at.is_refused(&ROTATE).contains("Run first: keydesk secret-file retire"));
    at.does(&RETIRE);
    assert_eq!(at.bytes(), both.newest_alone().bytes().to_vec());
    at.does(&list);
    assert!(at.verifies());
}

#[tokio::test]
async fn the_record_verifies_across_secret_files_and_what_was_touched_shows_on_either_side() {
    let at = Operated::new().await;
    at.alice.inbox("Orders").await;
    at.does(&ROTATE);
    at.does(&RETIRE_ALL);
    at.does(&ROTATE);
    let node = at.restarted().await;
    let alice = node.signed_in("alice@halden.example").await;
    alice.inbox("Parcels").await;
    at.does(&RETIRE_ALL);
    assert!(at.verifies(), "two secret files later");
    let events = node.events(&alice).await;
    let cuts: Vec<_> = events.iter().filter(|event| event.action.code() == "secret_file.rotated").collect();
    assert_eq!(cuts.len(), 2);

    at.desk.database.allow_tampering().await;
    let account = &alice.account_id;
    let named = |seq: i64, what: &str| {
        let (fine, out, _) = at.typed(&["audit", "verify"]);
        assert!(!fine && out.starts_with(&format!("{account}: event {seq} ")) && out.contains(what), "{out}");
    };
    for seq in [2, cuts[0].seq, cuts[0].seq + 1, cuts[1].seq, i64::try_from(events.len()).expect("few")] {
        let set = |detail: &str| {
            format!("update audit_events set detail = {detail} where account_id = '{account}' and seq = {seq}")
        };
        at.desk.database.run(&set("detail || ' '")).await;
        named(seq, "edited");
        at.desk.database.run(&set("substr(detail, 1, length(detail) - 1)")).await;
        assert!(at.verifies(), "brought back");
    }
    // Whoever stole the first file and writes to the database can end the record before it was replaced, and is seen.
    let before = &events[usize::try_from(cuts[0].seq - 2).expect("a place")];
    at.desk
        .database
        .run(&format!("delete from audit_events where account_id = '{account}' and seq > {}", before.seq))
        .await;
    at.desk
        .database
        .run(&format!(
            "update accounts set audit_seq = {}, audit_mac = '{}' where id = '{account}'",
            before.seq, before.mac
        ))
        .await;
    named(before.seq, "under a secret file that was replaced");
    at.desk.database.run("update former_secret_files set audit_key = 'AAAA' where version = 1").await;
    assert!(at.is_refused(&["audit", "verify"]).contains("former_secret_files was changed"));
}

const LOST: [&str; 2] = ["secret-file", "lost"];
const LOST_FOR_GOOD: [&str; 3] = ["secret-file", "lost", "--yes"];

impl Operated {
    fn loses_the_file(&self) {
        std::fs::remove_file(self.folder.path().join("data/secret")).expect("a file that was there");
    }
}

#[tokio::test]
async fn without_the_secret_file_every_key_waits_to_be_rotated_and_a_password_alone_lets_nobody_in() {
    let at = Operated::new().await;
    let key = at.alice.key("billing", &[]).await;
    let bob = at.desk.bob().await;
    let (_, codes) = at.desk.sets_up(&bob).await;
    assert!(at.verifies());
    assert!(at.is_refused(&LOST_FOR_GOOD).contains("is there, and is the one of this database"));
    at.does(&["key", "list", "alice@halden.example"]);

    at.loses_the_file();
    assert!(at.is_refused(&["key", "list", "alice@halden.example"]).contains("run: keydesk secret-file lost"));
    let why = at.is_refused(&LOST);
    assert!(why.contains("3 secrets of keys and 1 authenticator app are void for good"), "{why}");
    assert!(!at.folder.path().join("data/secret").exists(), "nothing was changed");
    let out = at.does(&LOST_FOR_GOOD);
    assert!(out.contains("Of 2 accounts, every session was ended and every key waits to be rotated"), "{out}");
    assert!(at.is_refused(&LOST_FOR_GOOD).contains("Nothing was changed"));

    // A node that still has the old keys in memory follows.
    at.desk.database.run("update installation set id = id").await;
    at.alice.get("/settings/api-keys").await.redirects_to("/sign-in?next=%2Fsettings%2Fapi-keys");
    let node = at.restarted().await;
    for desk in [&at.desk, &node] {
        assert_eq!(status(desk, &key.secret).await, 401);
    }
    let alice = node.signed_in("alice@halden.example").await;
    alice.get("/settings/api-keys").await.says("billing");
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "0")]).await;
    assert_eq!(status(&node, &alice.reveals(&key.id).await).await, 200);

    let bob = node.visitor();
    let form = [("email", "bob@brill.example"), ("password", PASSWORD)];
    bob.post("/sign-in", &form).await.redirects_to("/two-factor");
    assert_eq!(bob.post("/two-factor", &[("code", "123456")]).await.status, 422, "no code of the lost app is right");
    bob.post("/two-factor", &[("code", &codes[0])]).await.redirects_to("/settings/api-keys");
    assert_eq!(bob.get("/settings/security/two-factor/authenticator").await.status, 200, "it can be set up anew");
}

#[tokio::test]
async fn the_record_names_the_loss_and_shows_what_was_touched_before_and_after_it() {
    let at = Operated::new().await;
    at.alice.inbox("Orders").await;
    at.does(&ROTATE);
    at.loses_the_file();
    at.does(&LOST_FOR_GOOD);
    let node = at.restarted().await;
    let alice = node.signed_in("alice@halden.example").await;
    alice.inbox("Parcels").await;
    let out = at.does(&["audit", "verify"]);
    assert!(out.contains("A secret file was lost"), "{out}");

    at.desk.database.allow_tampering().await;
    let events = node.events(&alice).await;
    let account = &alice.account_id;
    let loss = events.iter().find(|event| event.action.code() == "secret_file.lost").expect("the loss").seq;
    assert!(loss > 3 && loss < i64::try_from(events.len()).expect("few"));
    for (seq, named, what) in [
        (2, loss, "does not match"),
        (loss - 1, loss, "does not match"),
        (loss, loss, "edited"),
        (loss + 1, loss + 1, "edited"),
    ] {
        let set = |detail: &str| {
            format!("update audit_events set detail = {detail} where account_id = '{account}' and seq = {seq}")
        };
        at.desk.database.run(&set("detail || ' '")).await;
        let (fine, out, _) = at.typed(&["audit", "verify"]);
        assert!(!fine && out.starts_with(&format!("{account}: event {named} ")) && out.contains(what), "{out}");
        at.desk.database.run(&set("substr(detail, 1, length(detail) - 1)")).await;
        assert!(at.verifies(), "brought back");
    }
    at.desk.database.run(&format!("delete from audit_events where account_id = '{account}' and seq = 2")).await;
    let (fine, out, _) = at.typed(&["audit", "verify"]);
    assert!(!fine && out.contains("event 2 (none) missing"), "{out}");
}

#[tokio::test]
async fn a_loss_that_was_cut_off_is_recorded_to_the_end_before_anything_else_is() {
    let at = Operated::new().await;
    let list = ["key", "list", "alice@halden.example"];
    at.does(&list);

    // Between the file and the database.
    at.puts(&[7; 32]);
    let why = at.is_refused(&list);
    assert!(why.contains("move this one away and run: keydesk secret-file lost"), "{why}");
    assert_eq!(at.is_refused(&LOST_FOR_GOOD), why);

    // Between the database and its accounts.
    let newest = SecretFile::parse(&[7; 32]).expect("a file").newest();
    let author = TestApp::author();
    secret_loss::begin(&at.desk.app.db, &newest, &at.desk.app.act(&author)).await.expect("it begins");
    for arguments in [&list[..], &["audit", "verify"], &ROTATE] {
        assert!(at.is_refused(arguments).contains("run: keydesk secret-file lost"));
    }
    assert!(at.does(&LOST).contains("Of 1 account"));
    at.does(&list);
    at.does(&ROTATE);
    at.does(&RETIRE_ALL);
    assert!(at.verifies(), "and it can be replaced again");
}
