//! One verdict, whichever door asks: forward-auth, `/gate/verify`, the gate itself, and `/v1` where one of its routes
//! takes that right. Questions are drawn by a seeded dice; the first disagreement names its draw.

use axum::http::Method;
use keydesk::gate::Need;
use keydesk::gate::credential::Credential;
use keydesk::web::api::problem::Problem;
use serde_json::{Value, json};

use crate::support::{Answer, Cast, Dice, TestApp};

const DRAWS: usize = 400;
const SCOPES: [&str; 8] =
    ["mail:send", "mail:read", "mail:write", "inboxes:read", "inboxes:write", "keys:read", "keys:write", "*"];
const ADDRESSES: [&str; 5] = ["198.51.100.3", "198.51.100.77", "203.0.113.24", "2001:db8:1::7", "::ffff:198.51.100.4"];

#[derive(Debug)]
struct Question {
    name: &'static str,
    token: String,
    scope: Option<&'static str>,
    inbox: Option<String>,
    ip: &'static str,
}

/// Status, code, required scope, challenge.
type Said = (u16, String, String, String);

impl Question {
    fn draw(dice: &Dice, cast: &Cast) -> Self {
        let (name, secret) = dice.pick(&cast.credentials);
        let inboxes = [&cast.own, &cast.other];
        Self {
            name,
            token: presented(dice, secret),
            scope: (!dice.one_in(4)).then(|| *dice.pick(&SCOPES)),
            inbox: dice.one_in(2).then(|| (*dice.pick(&inboxes)).clone()),
            ip: *dice.pick::<&'static str>(&ADDRESSES),
        }
    }

    fn query(&self) -> String {
        let scope = self.scope.map(|scope| format!("scope={scope}"));
        let inbox = self.inbox.as_ref().map(|inbox| format!("inbox={inbox}"));
        scope.into_iter().chain(inbox).collect::<Vec<_>>().join("&")
    }

    /// The route of `/v1` that takes this right, if there is one, and its answer once the right is there.
    fn route(&self) -> Option<(Method, String, u16)> {
        match (self.scope, &self.inbox) {
            (None, None) => Some((Method::GET, "/v1/key".into(), 200)),
            (Some("keys:read"), None) => Some((Method::GET, "/v1/keys".into(), 200)),
            (Some("inboxes:read"), None) => Some((Method::GET, "/v1/inboxes".into(), 200)),
            (Some("inboxes:read"), Some(inbox)) => Some((Method::GET, format!("/v1/inboxes/{inbox}"), 200)),
            // Past the gate, the empty body is refused.
            (Some("inboxes:write"), None) => Some((Method::POST, "/v1/inboxes".into(), 400)),
            (Some("keys:write"), None) => Some((Method::POST, "/v1/keys".into(), 400)),
            _ => None,
        }
    }
}

/// The secret as it is, or as somebody mangled it.
fn presented(dice: &Dice, secret: &str) -> String {
    let at = dice.below(secret.len());
    match dice.below(10) {
        0 => format!("{}{}{}", &secret[..at], char::from(*dice.pick(b"0aZ_-, \t;")), &secret[at + 1..]),
        1 => secret[..at].to_owned(),
        2 => secret.replace("kd_", dice.pick::<&str>(&["mk_", "KD_", "kd", ""])),
        3 => format!("{secret}{}", dice.pick::<&str>(&["A", " ", ",", "="])),
        _ => secret.to_owned(),
    }
}

fn said(answer: &Answer) -> Said {
    let (status, code, scope, challenge) = answer.refusal();
    (status, code, scope, challenge.to_owned())
}

async fn inside(desk: &TestApp, question: &Question) -> Said {
    let need = Need { scope: question.scope, inbox_id: question.inbox.as_deref() };
    let (credential, source) = (Credential::bearer(&question.token), question.ip.parse().expect("an address"));
    let verdict = desk.app.gate.decide(credential, source, Ok([need]), desk.app.now()).await.expect("a verdict");
    let Some(refusal) = verdict.refusal else { return (200, String::new(), String::new(), String::new()) };
    let answer = Problem::from(refusal).answer("req_0");
    let challenge = answer.headers().get("www-authenticate").map_or("", |value| value.to_str().expect("text"));
    let (status, challenge) = (answer.status().as_u16(), challenge.to_owned());
    let body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body");
    let error = serde_json::from_slice::<Value>(&body).expect("JSON")["error"].take();
    let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("required_scope"), challenge)
}

#[tokio::test]
async fn every_door_gives_the_same_verdict() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let cast = desk.cast().await;
    let dice = Dice::seeded(20_261_121);
    let (mut passed, mut over_v1) = (0, 0);
    for number in 0..DRAWS {
        let question = Question::draw(&dice, &cast);
        let what = format!("draw {number}: {} from {}, {}", question.name, question.ip, question.query());
        let program = desk.holder(&question.token).at(question.ip);
        let authorized = said(&program.asks(&question.query()).await);

        let mut body = json!({ "secret": question.token, "ip": question.ip });
        question.scope.into_iter().for_each(|scope| body["scope"] = scope.into());
        question.inbox.iter().for_each(|inbox| body["inbox"] = inbox.as_str().into());
        let verified = said(&desk.visitor().post_json("/gate/verify", &body).await);
        assert_eq!(verified, authorized, "/gate/verify, {what}");
        assert_eq!(inside(&desk, &question).await, authorized, "the gate itself, {what}");
        if let Some((method, path, allowed)) = question.route() {
            let ask = program.ask(method.clone(), &path);
            let answer = if method == Method::POST { ask.json(&json!({})) } else { ask }.send().await;
            match authorized.0 {
                200 => assert_eq!(answer.status, allowed, "{method} {path}, {what}"),
                _ => assert_eq!(said(&answer), authorized, "{method} {path}, {what}"),
            }
            over_v1 += 1;
        }
        passed += usize::from(authorized.0 == 200);
        // The source's allowance of garbage grows again.
        desk.pass(std::time::Duration::from_millis(100));
    }
    assert!(passed > DRAWS / 8 && over_v1 > DRAWS / 8, "{passed} passed, {over_v1} asked /v1: the dice are loaded");
}

/// What stands between the doors: `/v1` asks the database whose inbox it is.
#[tokio::test]
async fn another_accounts_inbox_is_out_of_reach_at_every_door() {
    let desk = TestApp::new().await;
    let (alice, bob) = (desk.alice().await, desk.bob().await);
    let theirs = alice.inbox("Orders").await;
    let program = desk.holder(&bob.key("curious", &[]).await.secret);
    assert_eq!(program.get(&format!("/v1/inboxes/{theirs}")).await.status, 404);
    assert_eq!(program.asks(&format!("scope=inboxes:read&inbox={theirs}")).await.status, 404);
    // An id that nobody has is nobody's, until somebody has it; and again once it is deleted.
    let own = alice.inbox("Invoices").await;
    let alices = desk.holder(&alice.key("hers", &[]).await.secret);
    assert_eq!(alices.asks(&format!("scope=inboxes:read&inbox={own}")).await.status, 200);
    assert_eq!(alices.asks("scope=inboxes:read&inbox=inb_nobodys").await.status, 404);
    alice.post(&format!("/settings/inboxes/{own}/delete"), &[("name", "Invoices")]).await;
    assert_eq!(alices.asks(&format!("scope=inboxes:read&inbox={own}")).await.status, 404);
    let secret = program.secret.as_deref().expect("a secret");
    let body = json!({ "secret": secret, "scope": "inboxes:read", "inbox": theirs });
    assert_eq!(desk.visitor().post_json("/gate/verify", &body).await.status, 404);
}
