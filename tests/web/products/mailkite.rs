//! MailKite: one live key for everything from the moment of sign-up, rotated in the dashboard, and session tokens.

mod sessions;

use axum::http::Method;
use serde_json::{Value, json};

use super::{ACTS, KEYS, desk, is_open_to_browsers, reads, refused_with, works};
use crate::support::{Actor, Key, PASSWORD, TestApp, key_path};

const LIST: &str = "GET /api/domains";

/// Every request of the API.
const REQUESTS: [&str; 15] = [
    "POST /v1/send",
    "GET /api/domains",
    "POST /api/domains",
    "GET /api/domains/{own}",
    "POST /api/domains/{own}/register",
    "POST /api/domains/{own}/verify",
    "DELETE /api/domains/{own}",
    "GET /api/webhooks",
    "POST /api/webhooks",
    "DELETE /api/webhooks/w_1",
    "GET /api/routes",
    "POST /api/routes",
    "DELETE /api/routes/r_1",
    "GET /api/inbound",
    "GET /api/inbound/m_1",
];

/// The id of the account's key, from the first screen.
async fn the_id(alice: &Actor) -> String {
    let page = alice.get("/welcome").await;
    let (_, after) = page.html().split_once("/settings/api-keys/key_").expect("the key on the first screen");
    format!("key_{}", &after[..16])
}

/// The account's key, revealed.
async fn the_key(alice: &Actor) -> Key {
    let id = the_id(alice).await;
    Key { secret: alice.reveals(&id).await, id }
}

/// Rotates the key and reveals it.
async fn rotated(alice: &Actor, key: &Key) -> Key {
    alice.post(&key_path(&key.id, "rotate"), &[("grace", "0")]).await.redirects_to(&key_path(&key.id, ""));
    Key { secret: alice.reveals(&key.id).await, id: key.id.clone() }
}

/// “Every request authenticates with a bearer token in the Authorization header.”
#[tokio::test]
async fn every_request_authenticates_with_a_bearer_token() {
    let (desk, alice) = desk("mailkite").await;
    for request in REQUESTS {
        assert_eq!(desk.visitor().through_gate(request).await.status, 401, "{request}");
    }
    let secret = the_key(&alice).await.secret;
    for scheme in ["Basic", "Token", ""] {
        refused_with(&desk, LIST, &[("authorization", format!("{scheme} {secret}").trim())]).await;
    }
    refused_with(&desk, LIST, &[("x-api-key", &secret)]).await;
    assert!(works(&desk, &secret, LIST).await);
}

/// “One mk_live_… API key does everything — sending, domains, webhooks, and inbound — so it's all you need for code or for an
/// agent.”
#[tokio::test]
async fn one_key_does_everything() {
    let (desk, alice) = desk("mailkite").await;
    let own = alice.inbox("example.com").await;
    let program = desk.holder(&the_key(&alice).await.secret);
    assert_eq!(program.may(&REQUESTS, &own).await, REQUESTS);
    let me = program.get("/api/key").await;
    assert_eq!((&me.json()["scopes"], &me.json()["expires_at"]), (&json!(["*"]), &Value::Null));
    assert_eq!(me.header("x-ratelimit-limit"), "", "no limit is named");
}

/// “Your account has a single mk_live_… API key from the moment you sign up.”
#[tokio::test]
async fn an_account_has_a_single_key_from_sign_up() {
    let (desk, alice) = desk("mailkite").await;
    assert_eq!(desk.holdings().await[1], 1);
    let key = the_key(&alice).await;
    assert!(key.secret.starts_with("mk_live_"), "{}", key.secret);
    let me = desk.holder(&key.secret).get("/api/key").await.json();
    assert_eq!((&me["name"], &me["type"]), (&json!("api-key"), &json!("standard")));
    let body = json!({ "email": "agent@example.com", "password": PASSWORD });
    let signed_up = desk.visitor().post_json("/api/auth/signup", &body).await;
    assert_eq!(signed_up.status, 201);
    assert_eq!(desk.holdings().await[1], 2, "over the API too");
    desk.visitor().get("/docs").await.says("An account has one key.");
}

/// “It's scoped to all your domains and authenticates every endpoint: POST /v1/send and the whole management API (/api/*) —
/// create & register domains, verify DNS, set webhooks, create routes, and read inbound.”
#[tokio::test]
async fn it_is_scoped_to_all_domains_and_endpoints() {
    let (desk, alice) = desk("mailkite").await;
    let program = desk.holder(&the_key(&alice).await.secret);
    let made = program.post_json("/api/domains", &json!({ "name": "example.com" })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    reads(&alice, "domain", "domains").await;
    let domains = [alice.inbox("example.org").await, made.json()["id"].as_str().expect("an id").to_owned()];
    for domain in &domains {
        assert_eq!(program.get(&format!("/api/domains/{domain}")).await.status, 200);
        for request in ["register", "verify"].map(|step| format!("POST /api/domains/{domain}/{step}")) {
            assert_eq!(program.through_gate(&request).await.status, 200, "{request}");
        }
    }
    for request in ["POST /v1/send", "POST /api/webhooks", "POST /api/routes", "GET /api/inbound"] {
        assert_eq!(program.through_gate(request).await.status, 200, "{request}");
    }
    assert_eq!(program.through_gate("GET /v1/send").await.code(), "route_unknown");
}

/// “The same key works for your own code and for an AI agent, so there's nothing extra to provision.”
#[tokio::test]
async fn there_is_nothing_extra_to_provision() {
    let (desk, alice) = desk("mailkite").await;
    let key = the_key(&alice).await;
    for user_agent in ["mailkite-node/1.4", "agent/0.1"] {
        let mut program = desk.holder(&key.secret).at("198.51.100.7");
        program.user_agent = user_agent.into();
        assert_eq!(program.get("/api/domains").await.status, 200, "{user_agent}");
    }
    let second =
        alice.post(KEYS, &[("type", "standard"), ("name", "agent"), ("environment", "live"), ("preset", "full")]);
    let second = second.await;
    assert!((400..500).contains(&second.status), "{} {}", second.status, second.text());
    let over_api = desk.holder(&key.secret).post_json("/api/keys", &json!({ "name": "agent", "preset": "full" })).await;
    assert!(matches!(over_api.status, 403 | 404), "{} {}", over_api.status, over_api.text());
    assert_eq!(desk.holdings().await[1], 1);
}

/// “API key | mk_live_… | Everything — sending and the full management API, from your server or your agent.” “Session token |
/// JWT (eyJ…) | The dashboard's own browser session”
#[tokio::test]
async fn the_two_credentials_are_told_apart() {
    let desk = TestApp::of_product("mailkite").await;
    let docs = desk.visitor().get("/docs").await;
    docs.has_heading("MailKite API");
    docs.says("mk_live_… Live key");
    docs.says("eyJ… Session token");
    docs.says("For servers, use a key.");
}

/// “Grab your key from the dashboard (it's on your first screen and under Settings → API key)”
#[tokio::test]
async fn the_key_is_on_the_first_screen() {
    let (_desk, alice) = desk("mailkite").await;
    let page = alice.get("/welcome").await;
    page.has_heading("Welcome to MailKite");
    page.says("A live key with full access, named api-key.");
    page.says("Reveal once");
    let id = the_id(&alice).await;
    let opened = alice.post(&key_path(&id, "reveal"), &[("from", "welcome")]).await;
    assert_eq!(opened.secrets().len(), 1, "{}", opened.text());
}

/// “and under Settings → API key”
#[tokio::test]
async fn the_key_is_under_settings_api_key() {
    let (_desk, alice) = desk("mailkite").await;
    let key = the_key(&alice).await;
    let mut page = alice.get(KEYS).await;
    if page.status == 303 {
        page = alice.get(page.location()).await;
    }
    assert_eq!(page.status, 200);
    page.says("API key");
    page.says_nothing_of("API keys");
    assert!(page.html().contains(&key_path(&key.id, "rotate")), "{}", page.text());
    page.says("Rotate");
    assert!(!page.hrefs().iter().any(|href| href.contains("/new")), "{:?}", page.hrefs());
}

/// “it goes out as Authorization: Bearer mk_live_… on every request:”
#[tokio::test]
async fn the_key_goes_out_as_a_bearer_token() {
    let (desk, alice) = desk("mailkite").await;
    let key = the_key(&alice).await;
    let nobody = desk.visitor();
    let bearer = format!("Bearer {}", key.secret);
    let ask = nobody.ask(Method::GET, "/api/domains").with("authorization", &bearer);
    assert_eq!(ask.send().await.status, 200);
    desk.visitor().get("/docs").await.says("Authorization: Bearer mk_live_…");
}

/// “import { MailKite } from "mailkite"; const mk = new MailKite(process.env.MAILKITE_API_KEY);”, and the same in Python, PHP,
/// Java, Go, Ruby and curl.
#[tokio::test]
async fn seven_languages_read_the_key_from_the_environment() {
    let (desk, alice) = desk("mailkite").await;
    for page in [desk.visitor().get("/docs").await, alice.get("/welcome").await] {
        for (language, sample) in [
            ("Node.js", "new MailKite(process.env.MAILKITE_API_KEY)"),
            ("Python", "MailKite(os.environ[\"MAILKITE_API_KEY\"])"),
            ("PHP", "new \\MailKite\\Client(getenv('MAILKITE_API_KEY'))"),
            ("Java", "new MailKite(System.getenv(\"MAILKITE_API_KEY\"))"),
            ("Go", "mailkite.New(os.Getenv(\"MAILKITE_API_KEY\"))"),
            ("Ruby", "Mailkite::Client.new(ENV[\"MAILKITE_API_KEY\"])"),
            ("curl", "-H \"Authorization: Bearer $MAILKITE_API_KEY\""),
        ] {
            assert!(page.html().contains(&format!("aria-label=\"{language} example\"")), "{language}");
            page.says(sample);
        }
        page.says("curl http://localhost:8080/api/domains");
    }
}

/// “Treat it like a password — store it in a secret manager or environment variable, never in client-side code or a git repo,
/// and use it server-side only.”
#[tokio::test]
async fn the_key_is_treated_like_a_password() {
    let (desk, alice) = desk("mailkite").await;
    let id = the_id(&alice).await;
    let opened = alice.post(&key_path(&id, "reveal"), &[("from", "welcome")]).await;
    let secret = opened.secrets()[0].clone();
    opened.says("Treat it like a password.");
    opened.says(&format!("MAILKITE_API_KEY={secret}"));
    assert_eq!(alice.post(&key_path(&id, "reveal"), &[]).await.status, 410, "shown once");
    assert!(!is_open_to_browsers(&desk.holder(&secret), "/api/domains").await);
}

/// “Need a fresh one? Rotate it in the dashboard; rotating invalidates the old key immediately.”
#[tokio::test]
async fn rotating_invalidates_the_old_key_immediately() {
    let (desk, alice) = desk("mailkite").await;
    let old = the_key(&alice).await;
    assert!(works(&desk, &old.secret, LIST).await, "the gate knows it now");
    let page = alice.get(&key_path(&old.id, "rotate")).await;
    page.says("You get a new key with the same name. The old one stops at once.");
    page.says_nothing_of("You can end the wait early");
    for grace in ["1h", "24h", "7d"] {
        assert!(!page.html().contains(&format!("value=\"{grace}\"")), "{grace}");
        let refused = alice.post(&key_path(&old.id, "rotate"), &[("grace", grace)]).await;
        assert_eq!(refused.status, 422, "{grace}");
    }
    let new = rotated(&alice, &old).await;
    assert!(!works(&desk, &old.secret, LIST).await && works(&desk, &new.secret, LIST).await);
    desk.visitor().get("/docs").await.says("The old one stops working at once.");
}

/// “Scoped, least-privilege agent keys are on the roadmap.”
#[tokio::test]
async fn there_are_no_scoped_keys_yet() {
    let (desk, alice) = desk("mailkite").await;
    let key = the_key(&alice).await;
    assert_eq!(alice.is_offered(&key.id).await, ["rotate"]);
    for path in ["/settings/api-keys/new", "/settings/api-keys/new?type=restricted"] {
        let page = alice.get(path).await;
        assert!(page.status != 200, "{path}: {}", page.text());
    }
    for act in ACTS.into_iter().filter(|act| *act != "rotate") {
        let refused = alice.post(&key_path(&key.id, act), &[("name", "api-key")]).await;
        assert!((400..500).contains(&refused.status), "{act}: {}", refused.status);
    }
    let program = desk.holder(&key.secret);
    let one = format!("/api/keys/{}", key.id);
    for refused in [program.delete(&one).await, program.post_json(&format!("{one}/rotate"), &json!({})).await] {
        assert!(matches!(refused.status, 403 | 404), "{} {}", refused.status, refused.text());
    }
    assert!(works(&desk, &key.secret, LIST).await);
    let docs = desk.visitor().get("/docs").await;
    assert!(!docs.text().to_lowercase().contains("restricted"), "one type of key");
    docs.says_nothing_of("Presets");
    docs.says("Keys don’t expire.");
}

/// “A missing or invalid credential returns 401 Unauthorized.”
#[tokio::test]
async fn a_missing_or_invalid_credential_returns_401() {
    let desk = TestApp::of_product("mailkite").await;
    refused_with(&desk, LIST, &[]).await;
    for invalid in ["mk_live_…", &format!("mk_live_{}", "0".repeat(49)), "mk_test_x", "eyJhbGci"] {
        refused_with(&desk, LIST, &[("authorization", &format!("Bearer {}", invalid.replace('…', "x")))]).await;
    }
}

/// “A valid credential that lacks access to a resource returns 403 Forbidden”
#[tokio::test]
async fn a_credential_that_lacks_access_returns_403() {
    let (desk, alice) = desk("mailkite").await;
    let own = alice.inbox("example.com").await;
    let member = desk.token_of(&desk.mei(&alice).await).await;
    assert_eq!(member.get("/api/domains").await.status, 200);
    let made = member.post_json("/api/domains", &json!({ "name": "example.org" })).await;
    assert_eq!((made.status, made.required_scope().as_str()), (403, "domains:write"));
    assert_eq!(member.may(&REQUESTS, &own).await, ["GET /api/domains", "GET /api/domains/{own}"]);
}

/// “and an unknown or non-owned resource returns 404 Not Found.”
#[tokio::test]
async fn an_unknown_or_non_owned_resource_returns_404() {
    let (desk, alice) = desk("mailkite").await;
    let foreign = desk.bob().await.inbox("example.org").await;
    let program = desk.holder(&the_key(&alice).await.secret);
    for id in [foreign.as_str(), "inb_0000000000000000"] {
        let path = format!("/api/domains/{id}");
        let answers = [
            program.get(&path).await,
            program.delete(&path).await,
            program.through_gate(&format!("GET {path}")).await,
            program.through_gate(&format!("POST {path}/verify")).await,
        ];
        for answer in answers {
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{id}");
        }
    }
    assert_eq!(program.get("/api/nowhere").await.status, 404);
}

/// “See the API reference for the full list.”
#[tokio::test]
async fn the_reference_lists_the_errors() {
    let desk = TestApp::of_product("mailkite").await;
    let docs = desk.visitor().get("/docs").await;
    for refusal in ["401 unauthorized", "403 forbidden", "404 not_found"] {
        docs.says(refusal);
    }
    docs.says("GET /api/domains/{domain}");
    // One key does everything: there is no scope to tell anybody of.
    docs.says_nothing_of("domains:read");
    for request in REQUESTS.iter().filter(|request| !request.contains('{') && !request.contains("_1")) {
        docs.says(request);
    }
}
