//! The verdict table: every kind of credential, every kind of question, and what `/gate/authorize` says. Then every
//! shape that a credential can come in.

use axum::http::Method;
use keydesk::entropy::Entropy;
use keydesk::model::secret::Secret;

use crate::support::{Actor, Answer, CHALLENGE, HOME, IDENTITY, INVALID_TOKEN, TestApp, key_path, logged};

/// A row for each credential, a column for each question: the status. `own` is the inbox of the restricted keys,
/// `other` another one of the account; `none` asks for nothing but a working credential, `odd` for a scope that nobody
/// defined. 403 names the scope that was asked for; `homely` is asked from home.
const TABLE: &str = "
                   none send read iread iwrite kread kwrite own other send@own send@other read@own odd
full, live          200  200  200   200    200   200    200 200   200      200        200      200 400
full, test          200  200  200   200    200   200    200 200   200      200        200      200 400
sender              200  200  403   403    403   403    403 200   200      200        200      403 400
manager             200  403  403   403    200   200    403 200   200      403        403      403 400
homely              200  200  200   200    200   200    200 200   200      200        200      200 400
bound sender        200  200  403   200    403   403    403 200   404      200        404      403 400
bound, test         200  200  200   200    403   403    403 200   404      200        404      200 400
retiring, old       200  200  200   200    200   200    200 200   200      200        200      200 400
retiring, new       200  200  200   200    200   200    200 200   200      200        200      200 400
its successor       200  200  200   200    200   200    200 200   200      200        200      200 400
rotated out         401  401  401   401    401   401    401 401   401      401        401      401 401
paused              401  401  401   401    401   401    401 401   401      401        401      401 401
expired             401  401  401   401    401   401    401 401   401      401        401      401 401
deleted             401  401  401   401    401   401    401 401   401      401        401      401 401
its inbox deleted   401  401  401   401    401   401    401 401   401      401        401      401 401
administrator       200  200  200   200    200   200    200 200   200      200        200      200 400
auditor             200  403  403   200    403   200    403 200   200      403        403      403 400
member              200  403  403   200    403   403    403 200   200      403        403      403 400
signed out          401  401  401   401    401   401    401 401   401      401        401      401 401
";

/// The query of a column, and the scope in it.
fn question(column: &str, own: &str, other: &str) -> (String, &'static str) {
    let (scope, inbox) = column.split_once('@').unwrap_or(match column {
        "own" | "other" => ("", column),
        _ => (column, ""),
    });
    let scope = match scope {
        "send" => "mail:send",
        "read" => "mail:read",
        "iread" => "inboxes:read",
        "iwrite" => "inboxes:write",
        "kread" => "keys:read",
        "kwrite" => "keys:write",
        "odd" => "mail:sned",
        _ => "",
    };
    let inbox = if inbox == "own" {
        own
    } else if inbox == "other" {
        other
    } else {
        ""
    };
    let pairs = [("scope", scope), ("inbox", inbox)].into_iter().filter(|(_, value)| !value.is_empty());
    (pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"), scope)
}

#[tokio::test]
async fn every_credential_gets_the_verdict_of_the_table() {
    let desk = TestApp::new().await;
    let cast = desk.cast().await;
    let (heading, rows) = TABLE.trim_matches('\n').split_once('\n').expect("a heading");
    let columns: Vec<&str> = heading.split_whitespace().collect();
    let mut judged = 0;
    for row in rows.lines() {
        let (name, statuses) = row.split_at(18);
        let statuses: Vec<u16> = statuses.split_whitespace().map(|status| status.parse().expect("a status")).collect();
        assert_eq!(statuses.len(), columns.len(), "{name}");
        let program = desk.holder(cast.secret(name.trim())).at(HOME);
        for (column, status) in columns.iter().zip(statuses) {
            let (query, scope) = question(column, &cast.own, &cast.other);
            let answer = program.asks(&query).await;
            let what = format!("{} asks {column}: {}", name.trim(), answer.text());
            assert_verdict(&answer, status, scope, &what);
            judged += 1;
        }
    }
    assert_eq!(judged, cast.credentials.len() * columns.len(), "somebody was left out of the table");
}

#[track_caller]
fn assert_verdict(answer: &Answer, status: u16, scope: &str, what: &str) {
    let insufficient = format!("{CHALLENGE}, error=\"insufficient_scope\", scope=\"{scope}\"");
    let (code, required_scope, challenge) = match status {
        200 => ("", "", ""),
        400 => ("invalid_request", "", ""),
        401 => ("unauthorized", "", INVALID_TOKEN),
        403 => ("forbidden", scope, insufficient.as_str()),
        404 => ("not_found", "", ""),
        other => panic!("no verdict is {other}"),
    };
    assert_eq!(answer.refusal(), (status, code.into(), required_scope.into(), challenge), "{what}");
    assert_eq!(answer.body.is_empty(), status == 200, "{what}");
    let identified = IDENTITY.iter().filter(|name| answer.headers.contains_key(**name)).count();
    assert_eq!(identified, if status == 200 { IDENTITY.len() } else { 0 }, "{what}");
}

#[tokio::test]
async fn what_the_gateway_is_told_is_what_the_key_is() {
    let desk = TestApp::new().await;
    let cast = desk.cast().await;
    for (name, of_type, environment, scopes, inbox) in [
        ("full, live", "standard", "live", "*", ""),
        ("full, test", "standard", "test", "*", ""),
        ("manager", "standard", "live", "inboxes:write keys:read", ""),
        ("bound sender", "restricted", "live", "mail:send", cast.own.as_str()),
        ("bound, test", "restricted", "test", "mail:send mail:read", &cast.own),
        ("administrator", "session", "", "*", ""),
        ("auditor", "session", "", "inboxes:read keys:read", ""),
    ] {
        let answer = desk.holder(cast.secret(name)).asks("").await;
        let told = ["type", "environment", "scopes", "inbox"].map(|part| answer.header(&format!("x-keydesk-{part}")));
        assert_eq!(told, [of_type, environment, scopes, inbox], "{name}");
        assert!(answer.header("x-keydesk-account-id").starts_with("acc_"), "{name}");
        let key_id = answer.header("x-keydesk-key-id");
        assert_eq!((key_id.is_empty(), key_id.starts_with("key_")), (of_type == "session", of_type != "session"));
    }
}

#[tokio::test]
async fn where_the_definition_says_so_a_session_token_opens_nothing() {
    let desk = TestApp::with_product(|product| product.api.session_token = false).await;
    let alice = desk.alice().await;
    let answer = desk.token_of(&alice).await.asks("scope=mail:send").await;
    assert_verdict(&answer, 401, "mail:send", "a session token");
}

#[tokio::test]
async fn a_key_away_from_home_is_refused_without_a_scope_to_name() {
    let desk = TestApp::new().await;
    let cast = desk.cast().await;
    let answer = desk.holder(cast.secret("homely")).at("198.51.100.16").asks("scope=mail:send").await;
    assert_eq!(answer.refusal(), (403, "forbidden".into(), String::new(), ""));
}

/// What a client may send, the headers of it, and what it is answered with.
type Form = (&'static str, Vec<(&'static str, String)>, u16, &'static str);

fn forms(secret: &str) -> Vec<Form> {
    let authorization = |value: String| vec![("authorization", value)];
    let bearer = format!("Bearer {secret}");
    let (prefix, random) = secret.split_at("kd_live_".len());
    let other_last = if secret.ends_with('a') { 'b' } else { 'a' };
    let swapped = format!("{prefix}{}{}{}", &random[1..2], &random[..1], &random[2..]);
    vec![
        ("nothing", vec![], 401, CHALLENGE),
        ("X-API-Key", vec![("x-api-key", secret.into())], 401, CHALLENGE),
        ("a cookie", vec![("cookie", format!("api_key={secret}; keydesk={secret}"))], 401, CHALLENGE),
        ("Proxy-Authorization", vec![("proxy-authorization", bearer.clone())], 401, CHALLENGE),
        ("Bearer", authorization(bearer.clone()), 200, ""),
        ("bearer", authorization(format!("bearer {secret}")), 200, ""),
        ("BEARER", authorization(format!("BEARER {secret}")), 200, ""),
        ("Basic", authorization(format!("Basic {secret}")), 401, INVALID_TOKEN),
        ("Token", authorization(format!("Token {secret}")), 401, INVALID_TOKEN),
        ("no scheme", authorization(secret.into()), 401, INVALID_TOKEN),
        ("nothing behind Bearer", authorization("Bearer".into()), 401, INVALID_TOKEN),
        ("a space behind Bearer", authorization("Bearer ".into()), 401, INVALID_TOKEN),
        ("two spaces", authorization(format!("Bearer  {secret}")), 401, INVALID_TOKEN),
        ("a tab", authorization(format!("Bearer\t{secret}")), 401, INVALID_TOKEN),
        ("a space behind it", authorization(format!("{bearer} ")), 401, INVALID_TOKEN),
        ("a list", authorization(format!("{bearer}, {bearer}")), 401, INVALID_TOKEN),
        ("a parameter", authorization(format!("{bearer}; realm=x")), 401, INVALID_TOKEN),
        ("twice", vec![("authorization", bearer.clone()), ("authorization", bearer.clone())], 401, INVALID_TOKEN),
        (
            "once more",
            vec![("authorization", bearer.clone()), ("authorization", "Basic eDp5".into())],
            401,
            INVALID_TOKEN,
        ),
        ("too long", authorization(format!("{bearer}{}", "A".repeat(256))), 401, INVALID_TOKEN),
        ("a huge one", authorization(format!("Bearer {}", "A".repeat(9000))), 401, INVALID_TOKEN),
        ("beyond ASCII", authorization(format!("{bearer}é")), 401, INVALID_TOKEN),
        ("a Cyrillic e", authorization(bearer.replace("live", "liv\u{435}")), 401, INVALID_TOKEN),
        ("a foreign prefix", authorization(bearer.replace("kd_live_", "mk_live_")), 401, INVALID_TOKEN),
        ("a look-alike", authorization(bearer.replace("kd_live_", "kd_liveX_")), 401, INVALID_TOKEN),
        ("half a prefix", authorization(bearer.replace("kd_live_", "kd_live")), 401, INVALID_TOKEN),
        ("a louder prefix", authorization(bearer.replace("kd_live_", "KD_LIVE_")), 401, INVALID_TOKEN),
        ("the other environment", authorization(bearer.replace("kd_live_", "kd_test_")), 401, INVALID_TOKEN),
        ("a typo", authorization(format!("Bearer {}{other_last}", &secret[..secret.len() - 1])), 401, INVALID_TOKEN),
        (
            "two letters swapped",
            authorization(format!("Bearer {swapped}")),
            if swapped == secret { 200 } else { 401 },
            INVALID_TOKEN,
        ),
        ("one short", authorization(format!("Bearer {}", &secret[..secret.len() - 1])), 401, INVALID_TOKEN),
        ("one more", authorization(format!("{bearer}A")), 401, INVALID_TOKEN),
        ("a dash", authorization(format!("Bearer {}-", &secret[..secret.len() - 1])), 401, INVALID_TOKEN),
        ("what JSON begins with", authorization(format!("Bearer eyJ{secret}")), 401, INVALID_TOKEN),
    ]
}

#[tokio::test]
async fn one_bearer_header_is_a_credential_and_nothing_else_is() {
    let desk = TestApp::new().await;
    let secret = desk.alice().await.key("billing", &[]).await.secret;
    let nobody = desk.visitor();
    for (what, headers, status, challenge) in forms(&secret) {
        for path in ["/gate/authorize?scope=mail:send", "/v1/key"] {
            let ask = nobody.ask(Method::GET, path);
            let answer = headers.iter().fold(ask, |ask, (name, value)| ask.with(name, value)).send().await;
            assert_eq!((answer.status, answer.header("www-authenticate")), (status, challenge), "{what} on {path}");
            answer.says_nothing_of(&secret[8..]);
        }
    }
}

#[tokio::test]
async fn a_credential_in_the_query_is_refused_and_not_logged() {
    let desk = TestApp::new().await;
    let secret = desk.alice().await.key("billing", &[]).await.secret;
    let program = desk.holder(&secret);
    for query in ["api_key=", "access_token=", "token=", "key=", "scope=mail:send&secret=", "Scope=", "inbox=a&inbox="]
    {
        for asks in [&program, &desk.visitor()] {
            let answer = asks.asks(&format!("{query}{secret}")).await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{query}");
            answer.says_nothing_of(&secret[8..]);
            let headers = format!("{:?}", answer.headers);
            assert!(!headers.contains(&secret[8..]), "{query} came back in {headers}");
        }
    }
    // Where it could be the name of something, it is none, and is not said back either.
    assert_eq!(program.asks(&format!("scope={secret}")).await.status, 400);
    program.asks(&format!("scope={secret}")).await.says_nothing_of(&secret[8..]);
    desk.flush().await;
    assert!(!logged().contains(&secret[8..]), "a secret was logged");
}

#[tokio::test]
async fn nobody_can_sound_out_keys() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let deleted = alice.key("deleted", &[]).await;
    alice.post(&key_path(&deleted.id, "delete"), &[("name", "deleted")]).await;
    let cast = desk.cast_beside(&alice).await;
    let unknown = Secret::generate("kd_live_", &Entropy::seeded(99));
    let checksum = format!("{}x", &deleted.secret[..deleted.secret.len() - 1]);
    let foreign = deleted.secret.replace("kd_", "mk_");
    let refused: Vec<String> = [deleted.secret, checksum, foreign, unknown.reveal().to_owned(), cast].into();
    for query in ["", "scope=mail:send", "scope=nonsense", "inbox=inb_1", "mode=nginx"] {
        let mut answers = Vec::new();
        for secret in &refused {
            answers.push(desk.holder(secret).asks(query).await.whole());
        }
        assert!(answers[0].starts_with("401\n"), "{}", answers[0]);
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:#?}");
    }
}

impl TestApp {
    /// The secret of a key that is paused.
    async fn cast_beside(&self, alice: &Actor) -> String {
        let paused = alice.key("paused", &[]).await;
        self.database.run(&format!("update api_keys set paused_at = 1 where id = '{}'", paused.id)).await;
        paused.secret
    }
}
