//! Who may open what: every route × everybody. The routes are read from the source of `routes.rs`, so a new one
//! without a row here fails, and so does a row without a route.

use std::collections::BTreeSet;

use axum::http::Method;

use crate::support::{Actor, Answer, Field, TestApp};

/// Sent to `/sign-in`, and back afterwards.
const SIGN_IN: u16 = 1303;

/// The body of a request.
#[derive(Clone, Copy)]
enum Sent {
    Nothing,
    Form(&'static [Field<'static>]),
    /// The name of the subject, typed.
    Name,
    Json(&'static str),
}
use Sent::{Form, Json, Name, Nothing};

/// Method, path, body, and what a visitor, a member, an auditor, an administrator and an administrator of another
/// account are answered. Below `/v1` and at the gate they come with the session token that `POST /api/auth/login` gives them.
type Row = (&'static str, &'static str, Sent, [u16; 5]);

const ROWS: &[Row] = &[
    ("GET", "/", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("GET", "/sign-up", Nothing, [200, 303, 303, 303, 303]),
    ("POST", "/sign-up", Nothing, [422, 422, 422, 422, 422]),
    ("GET", "/sign-in", Nothing, [200, 303, 303, 303, 303]),
    ("POST", "/sign-in", Nothing, [422, 422, 422, 422, 422]),
    // Nobody can sign in elsewhere at this desk.
    ("GET", "/auth/google", Nothing, [404, 404, 404, 404, 404]),
    ("GET", "/auth/google/callback", Nothing, [404, 404, 404, 404, 404]),
    ("GET", "/settings/security/google/connect", Nothing, [SIGN_IN, 404, 404, 404, 404]),
    ("POST", "/settings/security/google/disconnect", Nothing, [SIGN_IN, 404, 404, 404, 404]),
    ("GET", "/forgot-password", Nothing, [200, 200, 200, 200, 200]),
    ("POST", "/forgot-password", Nothing, [422, 422, 422, 422, 422]),
    ("GET", "/reset-password", Nothing, [410, 410, 410, 410, 410]),
    ("POST", "/reset-password", Nothing, [410, 410, 410, 410, 410]),
    ("GET", "/invitation", Nothing, [410, 410, 410, 410, 410]),
    ("POST", "/invitation", Nothing, [410, 410, 410, 410, 410]),
    ("GET", "/two-factor", Nothing, [SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN]),
    ("POST", "/two-factor", Nothing, [SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN]),
    ("POST", "/two-factor/passkey", Nothing, [SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN]),
    ("POST", "/two-factor/passkey/options", Nothing, [200, 200, 200, 200, 200]),
    ("POST", "/re-authenticate/passkey", Nothing, [SIGN_IN, 422, 422, 422, 422]),
    // Nobody at this desk has a passkey.
    ("POST", "/re-authenticate/passkey/options", Nothing, [SIGN_IN, 404, 404, 404, 404]),
    ("GET", "/settings/security/two-factor", Nothing, [SIGN_IN, 200, 200, 200, 200]),
    ("GET", "/settings/security/two-factor/authenticator", Nothing, [SIGN_IN, 200, 200, 200, 200]),
    ("POST", "/settings/security/two-factor/authenticator", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("POST", "/settings/security/two-factor/authenticator/remove", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("GET", "/settings/security/two-factor/recovery-codes", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("POST", "/settings/security/two-factor/recovery-codes", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("GET", "/settings/security/two-factor/passkeys", Nothing, [SIGN_IN, 200, 200, 200, 200]),
    ("POST", "/settings/security/two-factor/passkeys", Nothing, [SIGN_IN, 422, 422, 422, 422]),
    ("POST", "/settings/security/two-factor/passkeys/options", Nothing, [SIGN_IN, 200, 200, 200, 200]),
    ("POST", "/settings/security/two-factor/passkeys/{id}/remove", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("GET", "/settings/security/rules/key-lifetime", Nothing, [SIGN_IN, 403, 403, 200, 200]),
    ("POST", "/settings/security/rules/key-lifetime", Nothing, [SIGN_IN, 403, 403, 303, 303]),
    ("GET", "/settings/security/rules/two-factor", Nothing, [SIGN_IN, 403, 403, 200, 200]),
    ("POST", "/settings/security/rules/two-factor", Form(&[("rule", "off")]), [SIGN_IN, 403, 403, 303, 303]),
    ("GET", "/.well-known/change-password", Nothing, [303, 303, 303, 303, 303]),
    ("GET", "/report-leaked-key", Nothing, [200, 200, 200, 200, 200]),
    ("POST", "/report-leaked-key", Nothing, [422, 422, 422, 422, 422]),
    ("GET", "/docs", Nothing, [200, 200, 200, 200, 200]),
    ("POST", "/theme", Form(&[("theme", "dark")]), [303, 303, 303, 303, 303]),
    ("GET", "/static/{hash}/{file}", Nothing, [200, 200, 200, 200, 200]),
    ("POST", "/sign-out", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("GET", "/re-authenticate", Nothing, [SIGN_IN, 200, 200, 200, 200]),
    ("POST", "/re-authenticate", Nothing, [SIGN_IN, 422, 422, 422, 422]),
    ("GET", "/settings", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("GET", "/settings/inboxes", Nothing, [SIGN_IN, 200, 200, 200, 200]),
    ("GET", "/settings/security", Nothing, [SIGN_IN, 200, 200, 200, 200]),
    ("GET", "/settings/security/password", Nothing, [SIGN_IN, 200, 200, 200, 200]),
    ("POST", "/settings/security/password", Nothing, [SIGN_IN, 422, 422, 422, 422]),
    ("POST", "/settings/security/sessions/{id}/end", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("POST", "/settings/security/verify-email", Nothing, [SIGN_IN, 303, 303, 303, 303]),
    ("GET", "/verify-email", Nothing, [SIGN_IN, 410, 410, 410, 410]),
    ("POST", "/verify-email", Nothing, [SIGN_IN, 410, 410, 410, 410]),
    ("GET", "/settings/api-keys", Nothing, [SIGN_IN, 403, 200, 200, 200]),
    ("GET", "/settings/api-keys/{id}", Nothing, [SIGN_IN, 403, 200, 200, 404]),
    ("GET", "/settings/api-keys.csv", Nothing, [SIGN_IN, 403, 200, 200, 200]),
    ("GET", "/settings/api-keys/{id}/notes", Nothing, [SIGN_IN, 403, 200, 200, 404]),
    ("POST", "/settings/api-keys/{id}/notes", Form(&[("note", "Who uses it?")]), [SIGN_IN, 403, 303, 303, 404]),
    ("GET", "/settings/usage", Nothing, [SIGN_IN, 403, 200, 200, 200]),
    ("GET", "/settings/audit-log", Nothing, [SIGN_IN, 403, 200, 200, 200]),
    ("GET", "/settings/audit-log.csv", Nothing, [SIGN_IN, 403, 200, 200, 200]),
    ("GET", "/settings/audit-log.jsonl", Nothing, [SIGN_IN, 403, 200, 200, 200]),
    // For staff of the platform; to everybody else there is no such page.
    ("GET", "/support", Nothing, [SIGN_IN, 404, 404, 404, 404]),
    ("POST", "/support", Form(&[("q", "7Qx2")]), [SIGN_IN, 404, 404, 404, 404]),
    ("GET", "/support/keys/{id}", Nothing, [SIGN_IN, 404, 404, 404, 404]),
    ("GET", "/support/requests/{id}", Nothing, [SIGN_IN, 404, 404, 404, 404]),
    ("GET", "/settings/team", Nothing, [SIGN_IN, 403, 200, 200, 200]),
    ("GET", "/welcome", Nothing, [SIGN_IN, 403, 403, 200, 200]),
    ("GET", "/welcome/status", Nothing, [SIGN_IN, 403, 403, 204, 204]),
    ("POST", "/settings/api-keys", Nothing, [SIGN_IN, 403, 403, 422, 422]),
    ("GET", "/settings/api-keys/new", Nothing, [SIGN_IN, 403, 403, 200, 200]),
    // Nothing is selected.
    ("GET", "/settings/api-keys/selected/delete", Nothing, [SIGN_IN, 403, 403, 303, 303]),
    ("POST", "/settings/api-keys/selected/delete", Nothing, [SIGN_IN, 403, 403, 303, 303]),
    ("GET", "/settings/api-keys/selected/pause", Nothing, [SIGN_IN, 403, 403, 303, 303]),
    ("POST", "/settings/api-keys/selected/pause", Nothing, [SIGN_IN, 403, 403, 303, 303]),
    ("POST", "/settings/api-keys/{id}/reveal", Nothing, [SIGN_IN, 403, 403, 200, 404]),
    ("GET", "/settings/api-keys/{id}/rotate", Nothing, [SIGN_IN, 403, 403, 200, 404]),
    ("POST", "/settings/api-keys/{id}/rotate", Form(&[("grace", "1h")]), [SIGN_IN, 403, 403, 303, 404]),
    ("POST", "/settings/api-keys/{id}/stop-old", Nothing, [SIGN_IN, 403, 403, 303, 404]),
    ("GET", "/settings/api-keys/{id}/rename", Nothing, [SIGN_IN, 403, 403, 200, 404]),
    ("POST", "/settings/api-keys/{id}/rename", Form(&[("name", "another name")]), [SIGN_IN, 403, 403, 303, 404]),
    ("GET", "/settings/api-keys/{id}/scopes", Nothing, [SIGN_IN, 403, 403, 200, 404]),
    ("POST", "/settings/api-keys/{id}/scopes", Form(&[("preset", "read")]), [SIGN_IN, 403, 403, 303, 404]),
    ("POST", "/settings/api-keys/{id}/pause", Nothing, [SIGN_IN, 403, 403, 303, 404]),
    ("POST", "/settings/api-keys/{id}/resume", Nothing, [SIGN_IN, 403, 403, 303, 404]),
    ("GET", "/settings/api-keys/{id}/delete", Nothing, [SIGN_IN, 403, 403, 200, 404]),
    ("POST", "/settings/api-keys/{id}/delete", Name, [SIGN_IN, 403, 403, 303, 404]),
    ("POST", "/settings/inboxes", Nothing, [SIGN_IN, 403, 403, 422, 422]),
    ("GET", "/settings/inboxes/new", Nothing, [SIGN_IN, 403, 403, 200, 200]),
    ("GET", "/settings/inboxes/{id}/delete", Nothing, [SIGN_IN, 403, 403, 200, 404]),
    ("POST", "/settings/inboxes/{id}/delete", Name, [SIGN_IN, 403, 403, 303, 404]),
    ("POST", "/settings/team/invitations", Nothing, [SIGN_IN, 403, 403, 422, 422]),
    ("GET", "/settings/team/invitations/new", Nothing, [SIGN_IN, 403, 403, 200, 200]),
    ("POST", "/settings/team/invitations/{id}/send-again", Nothing, [SIGN_IN, 403, 403, 303, 404]),
    ("POST", "/settings/team/invitations/{id}/withdraw", Nothing, [SIGN_IN, 403, 403, 303, 404]),
    ("GET", "/settings/team/{id}/role", Nothing, [SIGN_IN, 403, 403, 200, 404]),
    ("POST", "/settings/team/{id}/role", Form(&[("role", "auditor")]), [SIGN_IN, 403, 403, 303, 404]),
    ("GET", "/settings/team/{id}/remove", Nothing, [SIGN_IN, 403, 403, 200, 404]),
    ("POST", "/settings/team/{id}/remove", Nothing, [SIGN_IN, 403, 403, 303, 404]),
    ("GET", "/v1/key", Nothing, [401, 200, 200, 200, 200]),
    ("GET", "/v1/inboxes", Nothing, [401, 200, 200, 200, 200]),
    ("POST", "/v1/inboxes", Json("{}"), [401, 403, 403, 400, 400]),
    ("GET", "/v1/inboxes/{id}", Nothing, [401, 200, 200, 200, 404]),
    ("DELETE", "/v1/inboxes/{id}", Nothing, [401, 403, 403, 204, 404]),
    ("GET", "/v1/servers", Nothing, [401, 200, 200, 200, 200]),
    ("POST", "/v1/servers", Json("{}"), [401, 403, 403, 400, 400]),
    ("GET", "/v1/servers/{id}", Nothing, [401, 200, 200, 200, 404]),
    ("DELETE", "/v1/servers/{id}", Nothing, [401, 403, 403, 204, 404]),
    ("GET", "/v1/keys", Nothing, [401, 403, 200, 200, 200]),
    ("POST", "/v1/keys", Json("{}"), [401, 403, 403, 400, 400]),
    ("GET", "/v1/keys/{id}", Nothing, [401, 403, 200, 200, 404]),
    ("DELETE", "/v1/keys/{id}", Nothing, [401, 403, 403, 204, 404]),
    ("POST", "/v1/keys/{id}/rotate", Json(r#"{"grace":"1h"}"#), [401, 403, 403, 200, 404]),
    ("GET", "/v1/team", Nothing, [401, 403, 200, 200, 200]),
    ("GET", "/v1/team/invitations", Nothing, [401, 403, 200, 200, 200]),
    ("POST", "/v1/team/invitations", Json("{}"), [401, 403, 403, 400, 400]),
    ("DELETE", "/v1/team/invitations/{id}", Nothing, [401, 403, 403, 204, 404]),
    ("PATCH", "/v1/team/{id}", Json(r#"{"role":"auditor"}"#), [401, 403, 403, 204, 404]),
    ("DELETE", "/v1/team/{id}", Nothing, [401, 403, 403, 204, 404]),
    ("GET", "/v1/usage", Nothing, [401, 403, 200, 200, 200]),
    ("GET", "/v1/audit-events", Nothing, [401, 403, 200, 200, 200]),
    ("ANY", "/v1", Nothing, [404, 404, 404, 404, 404]),
    ("ANY", "/v1/", Nothing, [404, 404, 404, 404, 404]),
    ("ANY", "/v1/{*path}", Nothing, [404, 404, 404, 404, 404]),
    ("ANY", "/api", Nothing, [404, 404, 404, 404, 404]),
    ("ANY", "/api/", Nothing, [404, 404, 404, 404, 404]),
    ("ANY", "/api/{*path}", Nothing, [404, 404, 404, 404, 404]),
    ("POST", "/api/auth/signup", Json("{}"), [400, 400, 400, 400, 400]),
    ("POST", "/api/auth/login", Json("{}"), [400, 400, 400, 400, 400]),
    ("POST", "/api/auth/refresh", Json(r#"{"refresh_token":"x"}"#), [401, 401, 401, 401, 401]),
    ("POST", "/api/auth/logout", Json(r#"{"refresh_token":"x"}"#), [204, 204, 204, 204, 204]),
    ("POST", "/api/report-leaked-key", Json(r#"{"secret":"x"}"#), [202, 202, 202, 202, 202]),
    // Nobody's findings are taken at this desk.
    ("POST", "/api/secret-scanning/github", Json("[]"), [404, 404, 404, 404, 404]),
    ("GET", "/gate/authorize", Nothing, [401, 200, 200, 200, 200]),
    ("POST", "/gate/authorize", Nothing, [401, 200, 200, 200, 200]),
    ("POST", "/gate/verify", Json(r#"{"secret":"x"}"#), [401, 401, 401, 401, 401]),
    ("GET", "/healthz", Nothing, [200, 200, 200, 200, 200]),
    ("GET", "/readyz", Nothing, [200, 200, 200, 200, 200]),
    ("GET", "/.well-known/jwks.json", Nothing, [200, 200, 200, 200, 200]),
    ("GET", "/.well-known/security.txt", Nothing, [200, 200, 200, 200, 200]),
    ("GET", "/openapi.json", Nothing, [200, 200, 200, 200, 200]),
    // Last, because it ends the sessions that the rows above come with.
    ("POST", "/settings/security/sessions/end-others", Nothing, [SIGN_IN, 303, 303, 303, 303]),
];

/// Method and path of every row.
pub fn paths() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROWS.iter().map(|(method, path, ..)| (*method, *path))
}

/// Every `METHOD path` that `routes.rs` names.
pub fn routes() -> BTreeSet<String> {
    let source = include_str!("../../src/web/routes.rs");
    let (above, v1) = source.split_once("\nfn v1(").expect("the function that is nested under /v1");
    let (v1, below) = v1.split_once("\n}\n").expect("its end");
    let mut found = named(above, "");
    found.extend(named(v1, "/v1"));
    found.extend(named(below, ""));
    found
}

/// Every `METHOD path` of `source`, behind `prefix`. What the definition calls inboxes is `servers` in this test.
fn named(source: &str, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for call in source.split(".route(").skip(1) {
        let (path, methods) = arguments(call);
        let path = path.trim_start_matches('&').trim_start_matches("format!(").trim_end_matches(')').trim_matches('"');
        // The definition's own word: the variable `own`, alone or in a format string.
        let path = if path == "own" { "/servers".into() } else { path.replace("{own}", "/servers") };
        let path = path.replace("{{", "{").replace("}}", "}");
        for method in ["get", "post", "put", "patch", "delete", "any"] {
            let named = methods
                .match_indices(&format!("{method}("))
                .any(|(at, _)| !methods[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
            if named {
                found.insert(format!("{} {prefix}{path}", method.to_uppercase()));
            }
        }
    }
    found
}

/// The two arguments of a call that `rest` begins inside of.
fn arguments(rest: &str) -> (&str, &str) {
    let (mut depth, mut comma) = (0, 0);
    for (at, character) in rest.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return (rest[..comma].trim(), &rest[comma + 1..at]),
            ')' => depth -= 1,
            ',' if depth == 0 && comma == 0 => comma = at,
            _ => {}
        }
    }
    panic!("a route without an end: {rest}")
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let rows: BTreeSet<String> = ROWS.iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    let routes = routes();
    assert_eq!(routes.difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new(), "routes without a row");
    assert_eq!(rows.difference(&routes).collect::<Vec<_>>(), Vec::<&String>::new(), "rows without a route");
    assert_eq!(rows.len(), ROWS.len(), "a row stands twice");
}

#[tokio::test]
async fn everybody_reaches_what_is_theirs_and_nothing_else() {
    let desk = TestApp::with_product(|product| product.words.api_name = "servers".into()).await;
    let alice = desk.alice().await;
    let people = [desk.visitor(), desk.mei(&alice).await, desk.amir(&alice).await, alice.clone(), desk.bob().await];
    let mut tokens = vec![desk.visitor()];
    for person in &people[1..] {
        tokens.push(desk.token_of(person).await);
    }
    let mut wrong = Vec::new();
    for (number, (method, path, body, expected)) in ROWS.iter().enumerate() {
        for (who, expected) in expected.iter().enumerate() {
            let subject = format!("subject-{number}-{who}");
            let path = filled(path, &subject, &alice, &desk).await;
            let actor = if path.starts_with("/v1") || path.starts_with("/gate") { &tokens[who] } else { &people[who] };
            // Everybody from an address of their own, so that no throttle is in the way; and nobody's cookie is used
            // up.
            let actor = actor.copied().at(&format!("198.51.100.{who}"));
            let actor = if path == "/sign-out" && who > 0 { desk.signed_in(&people[who].email).await } else { actor };
            let before = desk.holdings().await;
            let answer = sent(&actor, method, &path, *body, &subject).await;
            let is = answered(&answer);
            if is != *expected {
                wrong.push(format!("{method} {path} by {who}: {is}, not {expected}"));
            }
            if matches!(*expected, SIGN_IN | 400..) {
                assert_eq!(desk.holdings().await, before, "{method} {path} by {who} changed something");
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The path with an id of the administrator's in it, made for this one request.
async fn filled(path: &str, subject: &str, alice: &Actor, desk: &TestApp) -> String {
    let kind = if path.contains("{id}") { path } else { "" };
    let id = match kind {
        kind if kind.contains("keys/") => alice.creates(subject, &[]).await,
        "" => String::new(),
        kind if kind.contains("/invitations/") => desk.invited(alice, subject).await,
        kind if kind.contains("/team/") => desk.colleague(alice, subject).await,
        _ => {
            let author = TestApp::author();
            keydesk::web::new_inbox::add(&desk.app, &desk.app.act(&author), &alice.account_id, subject, None)
                .await
                .map_or_else(|_| panic!("no inbox {subject}"), |inbox| inbox.id)
        }
    };
    let base = keydesk::web::assets::base().trim_start_matches("/static/");
    let path = path.replace("{id}", &id).replace("{hash}", base).replace("{file}", "keydesk.css");
    path.replace("{*path}", "no/such/path")
}

async fn sent(actor: &Actor, method: &str, path: &str, body: Sent, subject: &str) -> Answer {
    let method = if method == "ANY" { Method::GET } else { method.parse().expect("a method") };
    let ask = actor.ask(method.clone(), path);
    let ask = match body {
        Nothing if method == Method::POST => ask.form(&[]),
        Nothing => ask,
        Form(fields) => ask.form(fields),
        Name => ask.form(&[("name", subject)]),
        Json(text) => ask.json(&serde_json::from_str(text).expect("JSON")),
    };
    ask.send().await
}

fn answered(answer: &Answer) -> u16 {
    // A sign-out leads there too; it is the one answer that clears what the browser kept.
    let sent_away = answer.location().starts_with("/sign-in") && answer.header("clear-site-data").is_empty();
    if sent_away { SIGN_IN } else { answer.status }
}
