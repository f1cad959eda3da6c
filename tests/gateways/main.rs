//! Keydesk behind real gateways: the configurations in `deploy/`, each in front of a product that says what reached it.
//!
//! Every test needs nginx, Caddy, HAProxy, Traefik or Envoy, so `cargo test` leaves them out and `scripts/test gateways`
//! runs them.

#[path = "../browser/audit.rs"]
mod audit;
mod cases;
mod desk;
mod gateway;
mod upstream;
mod wire;

use std::net::SocketAddr;

use cases::{Case, Outcome, bearer, hostile, plain};
use desk::{Desk, Keys};
use gateway::{Gateway, Kind, lonely_address};
use tokio::net::TcpListener;
use upstream::Upstream;
use wire::{CLIENT, Client, Message, ask};

/// What a 200 says of the key, in this order.
const IDENTITY: [&str; 6] = ["Key-Id", "Account-Id", "Type", "Environment", "Scopes", "Inbox"];

/// A gateway between a client and a product, with a Keydesk to ask.
struct Site {
    kind: Kind,
    desk: Desk,
    keys: Keys,
    upstream: Upstream,
    gateway: Gateway,
}

impl Site {
    async fn start(kind: Kind) -> Self {
        Self::start_with(kind, 0, None).await
    }

    async fn start_with(kind: Kind, per_minute: u32, public_url: Option<&'static str>) -> Self {
        let desk = Desk::start(per_minute, public_url);
        let keys = desk.keys().await;
        let upstream = Upstream::start().await;
        let gateway = Gateway::start(kind, desk.address, upstream.address).await;
        Self { kind, desk, keys, upstream, gateway }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.address
    }

    async fn list_with(&self, key: &str) -> Message {
        ask(self.address(), "GET /v1/inboxes", &bearer(key), "").await
    }

    /// Makes the request, and answers what is wrong with its outcome.
    async fn run(&self, case: &Case<'_>) -> Vec<String> {
        let before = self.upstream.count();
        let answer = ask(self.address(), &case.line, &case.all_headers(), case.body).await;
        let reached = self.upstream.count() - before;
        let wrong = match (case.outcome, reached) {
            (Outcome::Passes, 1) => self.passed(case, &answer),
            (Outcome::Refused(status, code), 0) => refused(&answer, status, code),
            (Outcome::Barred, 0) => barred(&answer),
            (outcome, _) => vec![format!("{outcome:?}, and it reached the product {reached} times")],
        };
        if wrong.is_empty() {
            return wrong;
        }
        vec![format!("{} ({}): {}\n  {answer:?}", case.name, case.line, wrong.join("; "))]
    }

    fn passed(&self, case: &Case<'_>, answer: &Message) -> Vec<String> {
        let arrived = self.upstream.last();
        let mut wrong = self.clean(answer);
        if arrived.line != case.arrives(self.kind) {
            wrong.push(format!("it arrived as {}", arrived.line));
        }
        let body = if case.headers.contains("chunked") { "the whole" } else { case.body };
        if arrived.body != body {
            wrong.push(format!("it arrived with the body {:?}", arrived.body));
        }
        let identity = IDENTITY.map(|name| arrived.one(&format!("X-Keydesk-{name}")).unwrap_or_default().to_owned());
        let bound = case.key == self.keys.bound;
        let expected_type = if bound { "restricted" } else { "standard" };
        let inbox = if bound { self.keys.inbox.as_str() } else { "" };
        let scopes = if bound { "mail:read" } else { "*" };
        let [key_id, account_id, rest @ ..] = &identity;
        if rest != &[expected_type, "live", scopes, inbox].map(str::to_owned) {
            wrong.push(format!("the product was told {identity:?}"));
        }
        if !key_id.starts_with("key_") || (case.key == self.keys.full && *key_id != self.keys.full_id) {
            wrong.push(format!("the product was told of the key {key_id}"));
        }
        if !account_id.starts_with("acc_") {
            wrong.push(format!("the product was told of the account {account_id}"));
        }
        wrong
    }

    /// Nothing of what the client forged reached the product, nor its secret; and our own headers did.
    fn clean(&self, answer: &Message) -> Vec<String> {
        let arrived = self.upstream.last();
        let mut wrong = Vec::new();
        for (name, value) in &arrived.headers {
            let folded = name.to_lowercase().replace(['_', '.'], "-");
            let ours = IDENTITY.iter().any(|ours| name.eq_ignore_ascii_case(&format!("x-keydesk-{ours}")));
            let stray = folded.starts_with("x-keydesk-") && !ours;
            let other_request = folded.starts_with("x-original-") || folded.starts_with("x-forwarded-uri");
            let forged = value.contains("forged") || (folded.starts_with("x-forwarded") && value.contains("198.51"));
            if stray || other_request || forged || folded == "authorization" || folded == "forwarded" {
                wrong.push(format!("the product saw {name}: {value}"));
            }
        }
        for name in &IDENTITY[..5] {
            if arrived.all(&format!("X-Keydesk-{name}")).len() != 1 {
                wrong.push(format!("the product did not see X-Keydesk-{name} once"));
            }
        }
        if arrived.one("X-Forwarded-For") != Some(&CLIENT.to_string()) {
            wrong.push(format!("the product saw the source {:?}", arrived.one("X-Forwarded-For")));
        }
        if answer.headers.iter().any(|(name, _)| name.to_lowercase().starts_with("x-ratelimit-")) {
            wrong.push("a limit was told where there is none".to_owned());
        }
        let id = arrived.one("X-Request-Id");
        // Traefik has no way to say anything of the verdict to a client that passed.
        if self.kind != Kind::Traefik && answer.one("X-Request-Id") != id {
            wrong.push(format!("the product saw the request as {id:?}"));
        }
        wrong
    }
}

/// The refusal's own words.
fn refused(answer: &Message, status: u16, code: &str) -> Vec<String> {
    let error = &answer.json()["error"];
    let mut wrong = Vec::new();
    let mut expect = |what: &str, found: bool| {
        if !found {
            wrong.push(format!("not {what}"));
        }
    };
    expect("the status", answer.status() == status);
    expect("the code", error["code"] == code && error["status"] == status);
    expect("JSON", answer.one("Content-Type") == Some("application/json"));
    expect("no-store", answer.one("Cache-Control") == Some("no-store"));
    let id = error["request_id"].as_str();
    expect("the request id", id.is_some() && answer.one("X-Request-Id") == id);
    let scope = error["required_scope"].as_str();
    let challenge = match (status, scope) {
        (401, _) => Some("Bearer realm=\"api\"".to_owned()),
        (403, Some(scope)) => Some(format!("Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"{scope}\"")),
        _ => None,
    };
    let said = answer.one("WWW-Authenticate").map(|said| said.replace(", error=\"invalid_token\"", ""));
    expect("the challenge", said == challenge);
    expect("when to come back", answer.one("Retry-After").is_some() == (status == 429));
    let counted = ["Limit", "Remaining", "Reset"].map(|name| answer.one(&format!("X-RateLimit-{name}")).is_some());
    expect("the rate limit", counted == [status == 429; 3]);
    wrong
}

fn barred(answer: &Message) -> Vec<String> {
    if (400..500).contains(&answer.status()) { vec![] } else { vec!["it was answered all the same".to_owned()] }
}

/// Runs every case, so that all the differences of a gateway are seen at once.
async fn run_all(site: &Site, cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for case in cases {
        wrong.extend(site.run(case).await);
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

async fn a_good_key_passes_and_each_refusal_keeps_its_words(kind: Kind) {
    let site = Site::start(kind).await;
    run_all(&site, &plain(&site.keys)).await;
}

async fn nothing_that_a_client_says_gets_it_further_than_its_key_does(kind: Kind) {
    let site = Site::start(kind).await;
    run_all(&site, &hostile(&site.keys, kind)).await;
}

async fn a_spent_minute_is_a_429_and_each_request_one_verdict(kind: Kind) {
    let site = Site::start_with(kind, 5, None).await;
    let mut passed = 0;
    let answer = loop {
        let answer = site.list_with(&site.keys.full).await;
        if answer.status() != 200 {
            break answer;
        }
        passed += 1;
        assert!(passed <= 10, "more passed than two minutes hold");
        if kind != Kind::Traefik {
            assert_eq!(answer.one("X-RateLimit-Limit"), Some("5"), "{answer:?}");
            assert!(answer.one("X-RateLimit-Remaining").is_some() && answer.one("X-RateLimit-Reset").is_some());
        }
    };
    assert!(passed >= 5, "only {passed} passed of 5");
    assert_eq!(refused(&answer, 429, "rate_limit_exceeded"), Vec::<String>::new(), "{answer:?}");
    assert_eq!(site.upstream.count(), passed);
}

async fn without_keydesk_nothing_passes_and_with_it_again_everything_does(kind: Kind) {
    let mut site = Site::start(kind).await;
    assert_eq!(site.list_with(&site.keys.full).await.status(), 200);
    site.desk.stop();
    for _ in 0..3 {
        let answer = site.list_with(&site.keys.full).await;
        assert!((500..600).contains(&answer.status()), "{answer:?}");
    }
    assert_eq!(site.upstream.count(), 1);
    site.desk.resume();
    assert_eq!(site.list_with(&site.keys.full).await.status(), 200);
    assert_eq!(site.list_with(&site.keys.deleted).await.status(), 401);
    assert_eq!(site.upstream.count(), 2);
}

async fn a_keydesk_that_does_not_answer_lets_nothing_pass(kind: Kind) {
    // The kernel accepts for it, and nobody ever reads.
    let silent = TcpListener::bind(lonely_address()).await.expect("a port is free");
    let upstream = Upstream::start().await;
    let keydesk = silent.local_addr().expect("the listener has an address");
    let gateway = Gateway::start(kind, keydesk, upstream.address).await;
    let answer = ask(gateway.address, "GET /v1/inboxes", &bearer("kd_live_x"), "").await;
    assert!((500..600).contains(&answer.status()), "{answer:?}");
    assert_eq!(upstream.count(), 0);
}

async fn verdicts_do_not_mix_on_kept_connections(kind: Kind) {
    let site = Site::start(kind).await;
    let mut clients = [
        (Client::connect(site.address()).await.expect("a connection"), &site.keys.full, 200),
        (Client::connect(site.address()).await.expect("a connection"), &site.keys.deleted, 401),
        (Client::connect(site.address()).await.expect("a connection"), &site.keys.reader, 403),
    ];
    for _ in 0..20 {
        for (client, key, status) in &mut clients {
            assert_eq!(client.ask("GET /v1/inboxes", &bearer(key), "").await.status(), *status);
        }
    }
    // One connection, and another key each time.
    let [(client, ..), ..] = &mut clients;
    for (key, status) in [(&site.keys.full, 200), (&site.keys.reader, 403), (&site.keys.near, 200)].repeat(5) {
        assert_eq!(client.ask("GET /v1/inboxes", &bearer(key), "").await.status(), status);
    }
    assert_eq!(site.upstream.count(), 30);
}

async fn a_key_in_the_clear_is_refused_where_there_is_tls(kind: Kind) {
    let site = Site::start_with(kind, 0, Some("https://keys.example.com")).await;
    for forged in ["", "X-Forwarded-Proto: https\r\n"] {
        let headers = bearer(&site.keys.full) + forged;
        let answer = ask(site.address(), "GET /v1/inboxes", &headers, "").await;
        assert_eq!(refused(&answer, 403, "https_required"), Vec::<String>::new(), "{answer:?}");
    }
    assert_eq!(site.upstream.count(), 0);
}

/// The tests named, for a gateway.
macro_rules! behind {
    ($gateway:ident, $kind:ident: $($test:ident)*) => {
        mod $gateway {
            $(
                #[tokio::test]
                #[ignore = "needs the gateways: run scripts/test gateways"]
                async fn $test() {
                    super::$test(super::Kind::$kind).await;
                }
            )*
        }
    };
}

/// Every test, for each gateway.
macro_rules! behind_each {
    ($($gateway:ident $kind:ident $($patient:ident)?;)*) => {
        $(
            behind! { $gateway, $kind:
                a_good_key_passes_and_each_refusal_keeps_its_words
                nothing_that_a_client_says_gets_it_further_than_its_key_does
                a_spent_minute_is_a_429_and_each_request_one_verdict
                without_keydesk_nothing_passes_and_with_it_again_everything_does
                verdicts_do_not_mix_on_kept_connections
                a_key_in_the_clear_is_refused_where_there_is_tls
                $($patient)?
            }
        )*
    };
}

// Traefik waits for half a minute, and nothing can be set about it.
behind_each! {
    nginx Nginx a_keydesk_that_does_not_answer_lets_nothing_pass;
    caddy Caddy a_keydesk_that_does_not_answer_lets_nothing_pass;
    haproxy Haproxy a_keydesk_that_does_not_answer_lets_nothing_pass;
    traefik Traefik;
    envoy Envoy a_keydesk_that_does_not_answer_lets_nothing_pass;
}
