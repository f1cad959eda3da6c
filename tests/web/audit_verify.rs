//! `keydesk audit verify`, as somebody types it who does not trust whoever holds the database; and the checkpoints in the
//! log that it takes for its word against them. Tampering begins with dropping the triggers, as it would.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use keydesk::model::audit::AuditEvent;
use tempfile::TempDir;

use crate::commands::{finished, folder, keydesk, said};
use crate::support::{Actor, SECRET_FILE, TestApp, key_path, logged};

/// A desk with some history, and a place to check it from.
struct Checked {
    desk: TestApp,
    alice: Actor,
    bob: Actor,
    folder: TempDir,
}

impl Checked {
    async fn new() -> Self {
        let desk = TestApp::new().await;
        let (alice, bob) = (desk.alice().await, desk.bob().await);
        let key = alice.key("billing", &[]).await;
        alice.inbox("Orders").await;
        alice.post(&key_path(&key.id, "delete"), &[("name", "billing")]).await;
        bob.inbox("Parcels").await;
        let folder = folder();
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        let secret = folder.path().join("data/secret");
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(secret);
        std::io::Write::write_all(&mut file.expect("a file"), &SECRET_FILE).expect("a secret file");
        Self { desk, alice, bob, folder }
    }

    /// Whether it verifies, what is said, and what is complained of.
    fn verify(&self, more: &[&str]) -> (bool, String, String) {
        let arguments: Vec<&str> = ["audit", "verify"].into_iter().chain(more.iter().copied()).collect();
        let mut command = keydesk(self.folder.path(), &arguments);
        command.env("KEYDESK_DATABASE_URL", &self.desk.database.url);
        said(&finished(command.spawn().expect("it starts")))
    }

    async fn run(&self, sql: &str) {
        let sql = sql.replace("{alice}", &self.alice.account_id).replace("{bob}", &self.bob.account_id);
        self.desk.database.run(&sql).await;
    }

    /// Keeps what is there, to be brought back.
    async fn keep(&self) {
        self.desk.database.allow_tampering().await;
        self.run("create table kept_events as select * from audit_events").await;
        self.run("create table kept_accounts as select * from accounts").await;
    }

    async fn bring_back(&self) {
        self.run("delete from audit_events").await;
        self.run("insert into audit_events select * from kept_events").await;
        for column in ["audit_seq", "audit_mac"] {
            self.run(&format!(
                "update accounts set {column} = (select k.{column} from kept_accounts k where k.id = accounts.id)"
            ))
            .await;
        }
    }

    async fn events(&self) -> Vec<AuditEvent> {
        self.desk.events(&self.alice).await
    }
}

#[tokio::test]
async fn what_was_recorded_verifies_and_is_counted() {
    let checked = Checked::new().await;
    let events = checked.events().await.len() + checked.desk.events(&checked.bob).await.len();
    let (fine, out, err) = checked.verify(&[]);
    assert!(fine, "{out}{err}");
    assert_eq!(out, format!("The audit log is what was recorded: {events} events of 2 accounts."));
}

#[tokio::test]
async fn an_edit_of_any_field_is_found_and_named() {
    let checked = Checked::new().await;
    let third = checked.events().await.swap_remove(2);
    checked.keep().await;
    for (column, value) in [
        ("id", "'evt_0000000000000000'"),
        ("at", "at + 1"),
        ("action", "'key.created'"),
        ("action", "'key.exploded'"),
        ("actor_kind", "'system'"),
        ("actor_id", "'usr_0'"),
        ("actor_name", "'Nobody'"),
        ("actor_role", "'member'"),
        ("session_id", "'ses_0'"),
        ("ip", "'192.0.2.1'"),
        ("user_agent", "''"),
        ("request_id", "'req_0'"),
        ("target_id", "'key_0'"),
        ("target_name", "'other'"),
        ("detail", "detail || ' '"),
        ("mac", "'00'"),
        ("detail", if checked.desk.database.is_postgres() { "'x'" } else { "x'ff00'" }),
    ] {
        let set = format!("update audit_events set {column} = {value} where account_id = '{{alice}}' and seq = 3");
        checked.run(&set).await;
        let (fine, out, err) = checked.verify(&[]);
        let id = if column == "id" { "evt_0000000000000000" } else { &third.id };
        assert!(!fine, "{column}: {out}");
        assert_eq!(
            out,
            format!("{}: event 3 ({id}) edited: it is not what was recorded", checked.alice.account_id),
            "{column}"
        );
        assert_eq!(err, "keydesk: 1 of 2 accounts does not verify");
        checked.bring_back().await;
    }
    assert!(checked.verify(&[]).0, "brought back, it verifies");
}

#[tokio::test]
async fn a_deletion_a_swap_a_move_and_a_cut_are_told_apart() {
    let checked = Checked::new().await;
    let events = checked.events().await;
    let (last, id) = (events.len(), |seq: usize| events[seq - 1].id.as_str());
    checked.keep().await;
    let head = "update accounts set audit_mac";
    for (tampering, found) in [
        (vec!["delete from audit_events where account_id = '{alice}' and seq = 3"], "3 (none) missing".to_owned()),
        (vec!["delete from audit_events where account_id = '{alice}' and seq < 3"], "1 (none) missing".to_owned()),
        (
            vec![
                "update audit_events set seq = -1 where account_id = '{alice}' and seq = 3",
                "update audit_events set seq = 3 where account_id = '{alice}' and seq = 5",
                "update audit_events set seq = 5 where account_id = '{alice}' and seq = -1",
            ],
            format!("3 ({}) swapped: the event that belongs here stands at 5", id(5)),
        ),
        (
            vec!["update audit_events set seq = 0 where account_id = '{alice}' and seq = 1"],
            format!("0 ({}) added", id(1)),
        ),
        (
            vec!["delete from audit_events where account_id = '{alice}' and seq > 4"],
            format!("5 (none) tail cut: the account counts {last} events"),
        ),
        (vec![&format!("{head} = '00' where id = '{{alice}}'")], format!("{last} (none) head does not match")),
        (vec!["update accounts set audit_seq = 2 where id = '{alice}'"], format!("{last} (none) head does not match")),
    ] {
        for sql in &tampering {
            checked.run(sql).await;
        }
        let (fine, out, err) = checked.verify(&[]);
        assert!(!fine, "{tampering:?}");
        assert!(out.starts_with(&format!("{}: event {found}", checked.alice.account_id)), "{tampering:?}: {out}");
        assert!(!out.contains('\n') && err.ends_with("1 of 2 accounts does not verify"), "{out}{err}");
        checked.bring_back().await;
    }
}

#[tokio::test]
async fn an_event_that_was_given_to_another_account_is_found_in_both() {
    let checked = Checked::new().await;
    checked.desk.database.allow_tampering().await;
    let of_bob = checked.desk.events(&checked.bob).await.len() + 1;
    checked
        .run(&format!(
            "update audit_events set account_id = '{{bob}}', seq = {of_bob} where account_id = '{{alice}}' and seq = 2"
        ))
        .await;
    let (fine, out, err) = checked.verify(&[]);
    assert!(!fine && out.contains(&format!("{}: event 2 (none) missing", checked.alice.account_id)), "{out}");
    assert!(out.contains(&format!("{}: event {of_bob} (evt_", checked.bob.account_id)), "{out}");
    assert_eq!(err, "keydesk: 2 of 2 accounts do not verify");
}

/// Starts the desk with a log for machines until it has said the heads of both accounts, and answers the log.
fn served(checked: &Checked) -> String {
    let mut command = keydesk(checked.folder.path(), &[]);
    command.env("KEYDESK_DATABASE_URL", &checked.desk.database.url).env("KEYDESK_LOG_FORMAT", "json");
    // Even a log that was told to be quiet says them.
    command.env("RUST_LOG", "warn").stdout(Stdio::null());
    let mut desk = command.spawn().expect("it starts");
    let mut log = String::from("not JSON\n{\"message\":\"Audit checkpoint\"}\n");
    let mut lines = BufReader::new(desk.stderr.take().expect("its log")).lines();
    while log.matches("keydesk::audit").count() < 2 {
        log += &(lines.next().expect("it goes on").expect("a line") + "\n");
    }
    desk.kill().expect("it ends");
    desk.wait().expect("it has ended");
    let file = checked.folder.path().join("keydesk.log");
    std::fs::write(&file, log).expect("a log file");
    file.to_str().expect("a path").to_owned()
}

#[tokio::test]
async fn a_cut_tail_whose_head_was_rewritten_is_found_by_the_checkpoints_of_the_real_log() {
    let checked = Checked::new().await;
    let log = served(&checked);
    let (fine, out, err) = checked.verify(&["--checkpoints", &log]);
    assert!(fine && out.ends_with("of 2 accounts, against 2 checkpoints."), "{out}{err}");

    let events = checked.events().await;
    let (last, kept) = (events.len(), events.len() - 2);
    checked.keep().await;
    checked.run(&format!("delete from audit_events where account_id = '{{alice}}' and seq > {kept}")).await;
    let mac = &events[kept - 1].mac;
    checked.run(&format!("update accounts set audit_seq = {kept}, audit_mac = '{mac}' where id = '{{alice}}'")).await;
    assert!(checked.verify(&[]).0, "the database alone does not know better");
    let (fine, out, _) = checked.verify(&["--checkpoints", &log]);
    let cut =
        format!("{}: event {} (none) tail cut: a checkpoint in the log saw event", checked.alice.account_id, kept + 1);
    assert_eq!((fine, out), (false, format!("{cut} {last}")));

    // What is recorded since covers the cut, and not what the log says.
    for name in ["One", "Two", "Three"] {
        checked.alice.inbox(name).await;
    }
    assert!(checked.verify(&[]).0, "and the chain is whole again");
    let (fine, out, _) = checked.verify(&["--checkpoints", &log]);
    let rewritten = checked.events().await.swap_remove(last - 1).id;
    let found = format!("{}: event {last} ({rewritten}) rewritten", checked.alice.account_id);
    assert!(!fine && out.starts_with(&found), "{out}");
}

#[tokio::test]
async fn checkpoints_of_an_account_that_is_gone_and_files_without_any_are_named() {
    let checked = Checked::new().await;
    let log = checked.folder.path().join("other.log");
    let line = r#"{"message":"Audit checkpoint","account":"acc_gone","seq":7,"mac":"00","target":"keydesk::audit"}"#;
    std::fs::write(&log, format!("{line}\n{}\n", &line[..line.len() - 1])).expect("a log file");
    let (fine, out, err) = checked.verify(&["--checkpoints", log.to_str().expect("a path")]);
    assert!(!fine && out == "acc_gone: event 1 (none) missing: the account itself is gone", "{out}");
    assert!(err.contains("line 2 of") && err.contains("passed over"), "{err}");
    std::fs::write(&log, "nothing\n").expect("a log file");
    let (fine, out, err) = checked.verify(&["--checkpoints", log.to_str().expect("a path")]);
    assert!(!fine && out.is_empty() && err.contains("holds no checkpoint"), "{out}{err}");
}

#[test]
fn without_a_database_or_its_secret_file_nothing_is_made_and_nothing_judged() {
    let folder = folder();
    let (fine, out, err) = said(&finished(keydesk(folder.path(), &["audit", "verify"]).spawn().expect("it starts")));
    assert!(!fine && out.is_empty() && err.contains("no database"), "{err}");
    assert!(!folder.path().join("data").exists());
}

/// The head that the log says of an account, as often as it says it.
fn said_of(who: &Actor) -> Vec<String> {
    let said = format!("Audit checkpoint account={} seq=", who.account_id);
    logged().lines().filter_map(|line| Some(line.split_once(&said)?.1.split(' ').next()?.to_owned())).collect()
}

#[tokio::test]
async fn an_account_with_new_events_leaves_a_checkpoint_every_hour_and_one_without_none() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let first = desk.events(&alice).await.len();
    desk.sweep().await;
    assert_eq!(said_of(&alice), [first.to_string()], "a new account at once");
    alice.inbox("Orders").await;
    desk.pass(Duration::from_secs(59 * 60));
    desk.sweep().await;
    assert_eq!(said_of(&alice).len(), 1);
    desk.pass(Duration::from_secs(60));
    desk.sweep().await;
    assert_eq!(said_of(&alice), [first.to_string(), (first + 1).to_string()]);
    desk.pass(Duration::from_secs(7200));
    desk.sweep().await;
    assert_eq!(said_of(&alice).len(), 2, "nothing is new");
}

#[tokio::test]
async fn every_thousandth_event_leaves_a_checkpoint_with_its_commit() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    desk.database.run(&format!("update accounts set audit_seq = 1998 where id = '{}'", alice.account_id)).await;
    alice.inbox("Orders").await;
    assert_eq!(said_of(&alice), Vec::<String>::new());
    alice.inbox("Returns").await;
    alice.inbox("Parcels").await;
    assert_eq!(said_of(&alice), ["2000"]);
}
