//! What is counted of verdicts: in memory, written in one go, and neither lost nor counted twice when the database fails
//! or the process is killed.

use std::time::Duration;

use axum::http::Method;
use keydesk::clock::hours;
use keydesk::product::Route;
use sqlx::{Connection as _, SqliteConnection};
use tokio::time::timeout;

use crate::support::{Binary, TestApp, key_path, logged};

const TABLES: [&str; 8] = [
    "usage_hours",
    "usage_days",
    "usage_refusals",
    "usage_refusal_days",
    "usage_addresses",
    "usage_scopes",
    "account_usage_hours",
    "account_usage_days",
];

impl TestApp {
    /// The only number that `column` of a usage table has for a key, or 0.
    async fn counted(&self, column: &str, table: &str, of: &str, more: &str) -> i64 {
        let sum =
            format!("select cast(coalesce(sum({column}), 0) as bigint) from {table} where key_id = '{of}' {more}");
        self.count(&sum).await
    }

    async fn refused(&self, of: &str, reason: &str) -> i64 {
        self.counted("count", "usage_refusals", of, &format!("and reason = '{reason}'")).await
    }

    async fn passed(&self, of: &str) -> i64 {
        self.counted("ok", "usage_hours", of, "").await
    }
}

#[tokio::test]
async fn requests_are_counted_by_the_hour_and_refusals_by_their_reason() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 5).await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let fields = [
        ("type", "restricted"),
        ("inbox", inbox.as_str()),
        ("preset", "custom"),
        ("scopes[]", "mail:send"),
        ("allowed_ips", "203.0.113.0/24"),
    ];
    let key = alice.key("bound", &fields).await;
    let program = desk.holder(&key.secret);
    for (query, times) in [("scope=mail:send", 2), ("scope=mail:read", 3), ("inbox=inb_other", 4), ("scope=odd", 1)] {
        for _ in 0..times {
            program.asks(query).await;
        }
    }
    program.at("198.51.100.3").asks("").await;
    for _ in 0..4 {
        program.asks("").await;
    }
    desk.pass(hours(1));
    program.asks("").await;
    desk.flush().await;
    for (reason, count) in [
        ("scope_missing", 3),
        ("inbox_out_of_reach", 4),
        ("address_not_allowed", 1),
        ("rate_limited", 1),
        ("input_ambiguous", 1),
    ] {
        assert_eq!(desk.refused(&key.id, reason).await, count, "{reason}");
    }
    let first = desk.app.now().hour() - 1;
    let of = async |column: &str, hour: i64| {
        desk.counted(column, "usage_hours", &key.id, &format!("and hour = {hour}")).await
    };
    assert_eq!((of("ok", first).await, of("refused", first).await), (5, 10));
    assert_eq!((of("ok", first + 1).await, of("refused", first + 1).await), (1, 0));
    let days =
        (desk.counted("ok", "usage_days", &key.id, "").await, desk.counted("refused", "usage_days", &key.id, "").await);
    assert_eq!(days, (6, 10));
}

#[tokio::test]
async fn a_dead_key_that_is_still_used_is_counted_by_how_it_died() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let [deleted, paused, rotated] = ["deleted", "paused", "rotated"].map(|name| alice.key(name, &[]));
    let (deleted, paused, rotated) = (deleted.await, paused.await, rotated.await);
    alice.post(&key_path(&deleted.id, "delete"), &[("name", "deleted")]).await;
    alice.post(&key_path(&rotated.id, "rotate"), &[("grace", "0")]).await;
    desk.database.run(&format!("update api_keys set paused_at = 1 where id = '{}'", paused.id)).await;
    for (key, reason) in [(&deleted, "key_deleted"), (&paused, "key_paused"), (&rotated, "secret_rotated")] {
        assert_eq!(desk.holder(&key.secret).asks("").await.status, 401);
        assert_eq!(desk.holder(&key.secret).get("/v1/key").await.status, 401);
        desk.flush().await;
        assert_eq!((desk.refused(&key.id, reason).await, desk.passed(&key.id).await), (2, 0), "{reason}");
    }
}

/// The last use of a key, as one line.
async fn last_use(desk: &TestApp, id: &str, at: i64, ip: &str, agent: &str, route: &str) -> bool {
    let found = format!(
        "select count(*) from api_keys where id = '{id}' and last_used_at = {at} and last_used_ip = '{ip}'
         and last_used_agent = '{agent}' and last_used_route = '{route}'"
    );
    desk.count(&found).await == 1
}

#[tokio::test]
async fn the_last_use_says_when_from_where_with_what_and_for_what() {
    let route = Route { method: "POST".into(), path: "/v1/messages/{id}".into(), scope: "mail:send".into() };
    let desk = TestApp::with_product(|product| product.routes = vec![route]).await;
    let key = desk.alice().await.key("billing", &[]).await;
    let now = desk.app.now().micros();
    let gateway = desk.holder(&key.secret).at("10.0.0.1");
    let ask = gateway.ask(Method::GET, "/gate/authorize").with("x-forwarded-for", "198.51.100.3");
    let ask = ask.with("x-original-method", "POST").with("x-original-uri", "/v1/messages/m_1?token=hush");
    assert_eq!(ask.send().await.status, 200);
    desk.flush().await;
    assert!(last_use(&desk, &key.id, now, "198.51.100.3", "curl/8.14", "POST /v1/messages/m_1").await);

    desk.pass(Duration::from_secs(1));
    let direct = desk.holder(&key.secret).at("::ffff:198.51.100.4");
    assert_eq!(direct.asks("scope=mail:send").await.status, 200);
    direct.at("198.51.100.9").asks("scope=odd").await;
    desk.flush().await;
    let at = now + 1_000_000;
    assert!(
        last_use(&desk, &key.id, at, "198.51.100.4", "curl/8.14", "GET /gate/authorize").await,
        "a refusal is no use"
    );
    let secret = "select count(*) from api_key_secrets where last_used_ip = '198.51.100.4'";
    assert_eq!(desk.count(secret).await, 1, "and of the secret that was used");
}

#[tokio::test]
async fn what_a_client_says_of_itself_is_kept_short() {
    let desk = TestApp::new().await;
    let key = desk.alice().await.key("billing", &[]).await;
    let mut program = desk.holder(&key.secret).at("10.0.0.1");
    program.user_agent = "x".repeat(9000);
    let ask = program.ask(Method::GET, "/gate/authorize?scope=mail:send");
    let long = format!("/{}", "segment/".repeat(900));
    let ask = ask.with("x-original-method", &"M".repeat(9000)).with("x-original-uri", &long);
    assert_eq!(ask.send().await.status, 200);
    desk.flush().await;
    let longest = "select cast(length(last_used_agent) + length(last_used_route) as bigint) from api_keys where id = ";
    let length = desk.count(&format!("{longest}'{}'", key.id)).await;
    assert!(length <= 500, "{length} characters are remembered of one request");
}

#[tokio::test]
async fn a_secret_in_the_wrong_place_is_not_written_down() {
    let desk = TestApp::new().await;
    let key = desk.alice().await.key("billing", &[]).await;
    let mut program = desk.holder(&key.secret).at("10.0.0.1");
    program.user_agent = format!("acme/1.0 (key={}; +https://acme.example)", key.secret);
    let uri = format!("/v1/messages/{0}?api_key={0}", key.secret);
    let ask = program.ask(Method::GET, "/gate/authorize?scope=mail:send");
    assert_eq!(ask.with("x-original-method", &key.secret).with("x-original-uri", &uri).send().await.status, 200);
    desk.flush().await;
    let inbox = program.post_json("/v1/inboxes", &serde_json::json!({ "name": "Orders" })).await;
    assert_eq!(inbox.status, 201, "{}", inbox.text());
    desk.flush().await;
    let raw = String::from_utf8_lossy(&desk.database.raw().await).into_owned();
    let at = raw.find(&key.secret[8..]).map(|at| raw[at.saturating_sub(60)..].chars().take(60).collect::<String>());
    assert_eq!(at, None, "a secret lies in the database");
    assert!(!logged().contains(&key.secret[8..]), "a secret was logged");
    let agent =
        format!("select count(*) from api_keys where id = '{}' and last_used_agent like 'acme/1.0 (key=%'", key.id);
    assert_eq!(desk.count(&agent).await, 1, "the rest of it is kept");
}

#[tokio::test]
async fn nothing_is_written_per_request_and_one_flush_writes_all() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let alice = desk.alice().await;
    let keys = [alice.key("one", &[]).await, alice.key("two", &[]).await];
    let rows = async || {
        let mut rows = 0;
        for table in TABLES {
            rows += desk.count(&format!("select count(*) from {table}")).await;
        }
        rows + desk.count("select count(*) from api_keys where last_used_at is not null").await
    };
    for key in &keys {
        for _ in 0..50 {
            assert_eq!(desk.holder(&key.secret).asks("scope=mail:send").await.status, 200);
            assert_eq!(desk.holder(&key.secret).asks("scope=odd").await.status, 400);
        }
    }
    assert_eq!(rows().await, 0, "a request wrote");
    desk.flush().await;
    assert_eq!(
        rows().await,
        2 * 7 + 4,
        "hour, day, reason, its day, address, scope and last use of each; and the account's hour and day, passed and refused"
    );
    for key in &keys {
        assert_eq!((desk.passed(&key.id).await, desk.refused(&key.id, "input_ambiguous").await), (50, 50));
    }
    desk.flush().await;
    assert_eq!(desk.passed(&keys[0].id).await, 50, "nothing is written twice");
}

#[tokio::test]
async fn a_flush_that_fails_loses_nothing_and_the_next_writes_it_once() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let alice = desk.alice().await;
    let key = alice.key("billing", &[]).await;
    let program = desk.holder(&key.secret);
    for (number, table) in TABLES.iter().enumerate() {
        // Another scope each time, so that there is one to write.
        let scope = &desk.app.product.scopes[number].id;
        program.at(&format!("198.51.100.{number}")).asks(&format!("scope={scope}")).await;
        program.asks("scope=odd").await;
        desk.database.run(&format!("alter table {table} rename to away")).await;
        for _ in 0..2 {
            assert!(keydesk::jobs::flush(&desk.app.background()).await.is_err(), "{table} is away");
            program.asks("").await;
            assert!(desk.app.gate.usage.write_some(&desk.app.db).await.is_err(), "{table} is away");
        }
        desk.database.run(&format!("alter table away rename to {table}")).await;
        desk.flush().await;
        let times = i64::try_from(number + 1).expect("a number");
        assert_eq!(desk.passed(&key.id).await, 3 * times, "without {table}");
        assert_eq!(desk.counted("ok", "usage_days", &key.id, "").await, 3 * times);
        assert_eq!(desk.refused(&key.id, "input_ambiguous").await, times);
        for (table, passed) in [("account_usage_hours", 3 * times), ("account_usage_days", 3 * times)] {
            let sum = |which: &str| format!("select cast(sum(count) as bigint) from {table} where reason {which}");
            assert_eq!(desk.count(&sum("= ''")).await, passed, "{table}");
            assert_eq!(desk.count(&sum("<> ''")).await, times, "{table}");
        }
        let scopes = format!("select count(*) from usage_scopes where key_id = '{}'", key.id);
        assert_eq!(desk.count(&scopes).await, times);
        let seen = format!("select count(*) from usage_addresses where ip = '198.51.100.{number}'");
        assert_eq!(desk.count(&seen).await, 1);
    }
}

#[tokio::test]
async fn a_flush_that_is_given_up_half_way_loses_nothing() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let key = desk.alice().await.key("billing", &[]).await;
    for _ in 0..3 {
        assert_eq!(desk.holder(&key.secret).asks("").await.status, 200);
        let background = desk.app.background();
        let mut flushing = Box::pin(keydesk::jobs::flush(&background));
        // As far as it goes without waiting; then the process is told to stop.
        let waker = std::task::Waker::noop();
        assert!(flushing.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    let all = async {
        while desk.passed(&key.id).await < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), all).await.expect("what was taken is written");
    desk.flush().await;
    assert_eq!(desk.passed(&key.id).await, 3);
}

#[tokio::test]
async fn while_many_keys_are_written_at_leisure_an_account_that_is_looked_at_comes_first() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let alice = desk.alice().await;
    let (key, other) = (alice.key("billing", &[]).await, desk.bob().await.key("other", &[]).await);
    let usage = &desk.app.gate.usage;
    let asks = async |secret: &str| assert_eq!(desk.holder(secret).asks("").await.status, 200);
    asks(&key.secret).await;
    asks(&other.secret).await;
    assert_eq!(usage.begin_round().await.expect("a round"), 1);
    // A key of the round that is used again waits in it; it is not counted twice.
    asks(&key.secret).await;
    let account = desk.database.text(&format!("select account_id from api_keys where id = '{}'", key.id)).await;
    usage.flush(&desk.app.db, Some(&account)).await.expect("the database answers");
    assert_eq!((desk.passed(&key.id).await, desk.passed(&other.id).await), (2, 0));
    asks(&key.secret).await;
    assert!(
        !usage.write_some(&desk.app.db).await.expect("the database answers"),
        "the other was the last of the round"
    );
    assert_eq!((desk.passed(&key.id).await, desk.passed(&other.id).await), (2, 1));
    desk.flush().await;
    assert_eq!((desk.passed(&key.id).await, desk.passed(&other.id).await), (3, 1));
}

/// `kill -9`: what was flushed is there, the key is there, and nobody is counted who did not come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_at_most_what_came_after_the_last_flush_and_never_a_key() {
    let mut desk = Binary::start();
    let mut program = desk.connect().await;
    let (_, id, secret) = program.sign_up().await;
    let headers = format!("authorization: Bearer {secret}\r\n");
    let file = desk.data.path().join("keydesk.db").display().to_string();
    let counted = async |wanted: i64| {
        let sum = "select coalesce(sum(ok), 0) from usage_hours where key_id = $1";
        loop {
            let mut file = SqliteConnection::connect(&format!("sqlite://{file}")).await.expect("the file");
            let (ok,): (i64,) = sqlx::query_as(sum).bind(&id).fetch_one(&mut file).await.expect("a sum");
            file.close().await.expect("a goodbye");
            if ok >= wanted {
                return ok;
            }
            tokio::task::yield_now().await;
        }
    };
    let mut before = 0;
    for round in 1..=3 {
        for _ in 0..20 {
            assert_eq!(program.ask("GET /gate/authorize?scope=mail:send", &headers, "").await.status, 200);
        }
        before = timeout(Duration::from_secs(30), counted(before + 20)).await.expect("a flush");
        for _ in 0..20 {
            assert_eq!(program.ask("GET /gate/authorize", &headers, "").await.status, 200);
        }
        desk.kill_and_start_again();
        program = desk.connect().await;
        let kept = counted(0).await;
        assert!((before..=before + 20).contains(&kept), "round {round}: {kept} counted, {before} were on disk");
        assert_eq!(
            program.ask("GET /gate/authorize?scope=mail:send", &headers, "").await.status,
            200,
            "the key is gone"
        );
        before = timeout(Duration::from_secs(30), counted(kept + 1)).await.expect("a flush");
    }
}
