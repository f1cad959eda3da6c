//! `/docs`: what the page says of a product is what that product does, and it says nothing else.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use keydesk::product::{Environment, ExpiryPolicy, KeyAct, Product, Route, Sample};
use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp};

async fn docs(change: impl FnOnce(&mut Product)) -> Answer {
    let desk = TestApp::with_product(change).await;
    let page = desk.visitor().get("/docs").await;
    assert_eq!(page.status, 200);
    page
}

/// Every line of code on the page that stands behind a tab or in a block, by its label.
fn example(page: &Answer, label: &str) -> String {
    let found = page.html().split("<pre ").find(|pre| pre.contains(&format!("aria-label=\"{label}\"")));
    let pre = found.unwrap_or_else(|| panic!("no example {label:?}"));
    let code = pre.split_once('>').and_then(|(_, code)| code.split_once("</pre>")).expect("code").0;
    let mut plain = String::new();
    for piece in code.split('<') {
        plain.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
    }
    plain.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}

#[tokio::test]
async fn everybody_may_read_it_and_whoever_is_signed_in_stays_in_their_desk() {
    let desk = TestApp::new().await;
    let page = desk.visitor().get("/docs").await;
    page.has_heading("Keydesk API");
    assert_eq!(page.link("Sign in").as_deref(), Some("/sign-in?next=%2Fdocs"));
    assert!(page.body.len() < 60 * 1024, "{} bytes", page.body.len());
    let alice = desk.alice().await;
    let mei = desk.mei(&alice).await;
    for actor in [alice, mei] {
        let page = actor.get("/docs").await;
        page.has_heading("Keydesk API");
        page.says("Halden Freight");
        assert_eq!(page.link("Sign in"), None);
        assert!(page.body.len() < 60 * 1024, "{} bytes", page.body.len());
    }
}

#[tokio::test]
async fn it_is_found_from_where_somebody_looks_for_it() {
    let desk = TestApp::new().await;
    for path in ["/sign-in", "/sign-up"] {
        assert_eq!(desk.visitor().get(path).await.link("Docs").as_deref(), Some("/docs"), "{path}");
    }
    let alice = desk.alice().await;
    for path in ["/welcome", "/settings/api-keys"] {
        assert_eq!(alice.get(path).await.link("API docs").as_deref(), Some("/docs"), "{path}");
    }
    let empty = TestApp::with_product(|product| product.sign_up_key = None).await;
    let page = empty.alice().await.get("/settings/api-keys").await;
    assert_eq!(page.link("How keys and scopes work").as_deref(), Some("/docs#key-types"));
}

#[tokio::test]
async fn the_contents_lead_to_every_section() {
    let page = docs(|_| {}).await;
    let anchors: BTreeSet<String> = page.hrefs().into_iter().filter(|href| href.starts_with('#')).collect();
    assert!(anchors.len() > 10, "{anchors:?}");
    for anchor in anchors {
        assert!(page.html().contains(&format!(" id=\"{}\"", &anchor[1..])), "{anchor} leads nowhere");
    }
}

#[tokio::test]
async fn the_built_in_product_is_explained() {
    let page = docs(|_| {}).await;
    for sentence in [
        "kd_test_… Test key Sandboxed. Nothing is delivered.",
        "kd_live_… Live key Sends real email to real people.",
        "Behind the prefix of a key come 49 letters and digits.",
        "mail:send Action Send and reply Restricted keys Yes",
        "inboxes:read Read List inboxes and view their configuration Restricted keys Its own inbox",
        "domains:write Write Add, verify and remove domains Restricted keys No",
        "* is full access",
        "Send only send mail:send",
        "Full access full *",
        "As many as you need.",
        "Your choice: 30 days, 90 days, 1 year, or any date, or no expiry.",
        "The old one keeps working for 1 hour, 24 hours or 7 days, or stops at once: your choice, 24 hours unless you say.",
        "grace is 0, 1h, 24h or 7d.",
        "A test key creates, rotates and deletes no key of another environment.",
        "A key may make 100 requests in a minute.",
    ] {
        page.says(sentence);
    }
    assert_eq!(example(&page, "Header example"), "Authorization: Bearer kd_live_…");
    // Under http://localhost there is nothing to refuse.
    page.says_nothing_of("https_required");
    let https = TestApp::over_https().await;
    let page = https.visitor().get("/docs").await;
    page.says("Plain HTTP. It is refused with 403 https_required and not redirected");
    page.says("403 https_required The request came over plain HTTP");
}

#[tokio::test]
async fn every_sample_of_the_definition_stands_there() {
    let desk = TestApp::with_product(|product| {
        product.samples.push(Sample { id: "shell".into(), label: "Shell".into(), code: "say {base_url} '<&>'".into() });
        product.api.base_url = "https://api.example/".into();
    })
    .await;
    let page = desk.visitor().get("/docs").await;
    for sample in &desk.app.product.samples {
        let code = desk.app.product.sample_code(sample, &desk.app.public_url);
        assert_eq!(example(&page, &format!("{} example", sample.label)), code);
        assert!(code.contains("https://api.example"), "{code}");
    }
    assert_eq!(page.chosen("language"), ["curl"]);
    let visitor = desk.visitor();
    visitor.set_cookie("code_language", "go");
    assert_eq!(visitor.get("/docs").await.chosen("language"), ["go"], "the language chosen last");
}

#[tokio::test]
async fn without_environments_there_is_one_prefix() {
    let page = docs(|product| {
        product.environments.clear();
        product.keys.prefix = "mp".into();
        product.sign_up_key = None;
    })
    .await;
    page.says("mp_… API key Opens the API to your servers, scripts and agents.");
    page.says_nothing_of("mp_live_");
    page.says_nothing_of("another environment");
    page.says_nothing_of("for each environment");
    assert_eq!(example(&page, "Header example"), "Authorization: Bearer mp_…");
}

#[tokio::test]
async fn a_type_that_is_not_offered_is_not_mentioned() {
    let page = docs(|product| product.keys.types = vec!["standard".into()]).await;
    page.says("Reach Every inbox of your account");
    assert!(!page.text().to_lowercase().contains("restricted"), "{}", page.text());
    let page = docs(|product| product.keys.types = vec!["restricted".into()]).await;
    page.says("Reach One inbox");
    page.says("Full access full mail:send mail:read mail:write");
    page.says_nothing_of("is full access");
    page.says_nothing_of("Every inbox of your account");
}

#[tokio::test]
async fn policies_are_the_definitions() {
    let strict = docs(|product| {
        product.keys.over_api.retain(|act| *act != KeyAct::Delete);
        product.keys.limit = 1;
        product.expiry.policy = ExpiryPolicy::None;
        product.rotation.grace = vec!["0".into()];
        product.rotation.default_grace = "0".into();
        product.rate_limit.per_minute = 0;
        product.api.session_token = false;
    })
    .await;
    for sentence in [
        "Keys can’t be deleted over the API, only in the page.",
        "An account has one key.",
        "Keys don’t expire. They work until you delete them.",
        "The old one stops working at once.",
    ] {
        strict.says(sentence);
    }
    for absent in [
        "or over the API.",
        "DELETE /v1/keys",
        "Delete a key",
        "expired",
        "grace is",
        "One key for each service",
        "X-RateLimit",
        "used up",
        "Rate limits",
        "Session token",
        "eyJ",
        "/api/auth/",
        "sign in over the API",
    ] {
        strict.says_nothing_of(absent);
    }
    let strict = docs(|product| {
        product.expiry.policy = ExpiryPolicy::Required;
        product.expiry.choices_days = vec![30];
        product.keys.limit = 5;
        product.rotation.grace = vec!["24h".into()];
        product.rotation.default_grace = "24h".into();
    })
    .await;
    strict.says("Every key expires: 30 days, or any date.");
    strict.says("An account holds at most 5 keys.");
    strict.says("The old one keeps working for 24 hours, while you deploy the new one.");
    strict.says("Delete the key and create another.");
}

#[tokio::test]
async fn the_words_are_the_products() {
    let page = docs(|product| {
        product.brand.name = "Mailosaur".into();
        product.brand.env_var = "MAILOSAUR_API_KEY".into();
        product.words.resource = "mailbox".into();
        product.words.resources = "mailboxes".into();
        product.words.api_name = "servers".into();
        product.words.restricted = "server-restricted".into();
    })
    .await;
    page.has_heading("Mailosaur API");
    page.says("Server-restricted One mailbox");
    page.says("In the API, mailboxes are called servers.");
    page.says("Create a mailbox");
    page.says("/v1/servers/{id}");
    page.says("environment variable MAILOSAUR_API_KEY");
    assert!(!page.html().contains("Keydesk"), "another brand's page names ours");
    assert!(!page.html().contains("/v1/inboxes"), "{}", page.text());
}

#[tokio::test]
async fn what_a_scope_implies_and_what_nobody_but_full_access_reaches() {
    let page = docs(|product| {
        let write = product.scopes.iter_mut().find(|scope| scope.id == "mail:write").expect("a scope");
        write.implies = vec!["mail:read".into()];
        product.scopes.retain(|scope| !scope.id.starts_with("keys:"));
        product.environments.push(Environment {
            id: "dev".into(),
            label: "<Dev>".into(),
            description: "A & B".into(),
            summary: String::new(),
            rehearsal: true,
        });
    })
    .await;
    page.says("Mark, star, move and delete messages Comes with mail:read");
    page.says("GET /v1/keys List keys, the newest first *");
    page.says("kd_dev_… <Dev> key A & B");
    page.says_nothing_of("keys:write");
}

#[tokio::test]
async fn the_products_own_routes_stand_there_if_it_has_any() {
    let table = "Requests and their scopes";
    assert!(!docs(|_| {}).await.html().contains(table));
    let page = docs(|product| {
        let route = |path: &str, scope: &str| Route { method: "GET".into(), path: path.into(), scope: scope.into() };
        product.routes = vec![route("/v1/inboxes/{inbox}/messages", "mail:read"), route("/v1/status", "")];
        product.api.base_url = "https://api.example".into();
    })
    .await;
    assert!(page.html().contains(table));
    page.says("What each request takes, below https://api.example.");
    page.says("GET /v1/inboxes/{inbox}/messages mail:read");
    page.says("GET /v1/status Any key");
}

/// The requests that the page tables, as `METHOD path`.
fn requests(page: &Answer) -> BTreeSet<String> {
    page.rows()
        .into_iter()
        .filter(|row| row.split_once(' ').is_some_and(|(_, path)| path.starts_with("/v1") || path.starts_with("/api")))
        .collect()
}

#[tokio::test]
async fn the_page_tables_the_routes_that_there_are() {
    let desk = TestApp::with_product(|product| product.words.api_name = "servers".into()).await;
    let alice = desk.alice().await;
    let program = desk.holder(&alice.key("backend", &[]).await.secret);
    let tabled = requests(&desk.visitor().get("/docs").await);
    let mut expected = BTreeSet::new();
    for (method, path) in super::permissions::paths() {
        let of_api = path.starts_with("/v1/") || path.starts_with("/api/auth/");
        // What the definition calls servers answers under its first name too; nobody needs to know.
        if of_api && method != "ANY" && !path.starts_with("/v1/inboxes") {
            expected.insert(format!("{method} {path}"));
        }
    }
    assert_eq!(tabled, expected);
    for request in tabled {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        let method: Method = method.parse().expect("a method");
        let answer = program.ask(method, &path.replace("{id}", "none")).json(&json!({})).send().await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        assert_ne!(said["error"]["code"], "method_not_allowed", "{request}");
        assert!(answer.status != 404 || path.contains("{id}"), "{request}: {}", answer.text());
    }
}

/// An answer as the page writes it, without what differs between two of them.
fn wire(answer: &Answer, scope: &str) -> String {
    let status = StatusCode::from_u16(answer.status).expect("a status");
    let mut lines = vec![format!("HTTP/1.1 {status}")];
    let standing = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];
    // Every answer to a key says where it stands; the page shows it where it matters.
    let standing = standing.into_iter().filter(|_| answer.status == 429);
    for name in ["WWW-Authenticate", "Retry-After"].into_iter().chain(standing) {
        if !answer.header(name).is_empty() {
            lines.push(format!("{name}: {}", answer.header(name)));
        }
    }
    plain(&format!("{}\n\n{}", lines.join("\n"), String::from_utf8_lossy(&answer.body)), scope)
}

/// Request ids, white space and a limit's numbers gone, and the scope made the same.
fn plain(text: &str, scope: &str) -> String {
    let (head, id) = text.split_once("\"request_id\"").expect("a request id");
    let (_, rest) = id.split_once("req_").and_then(|(_, id)| id.split_once('"')).expect("an id");
    let mut text = format!("{head}{rest}").replace(scope, "SCOPE");
    let limited = text.contains(" 429 ");
    text.retain(|c| !(c.is_whitespace() || limited && c.is_ascii_digit()));
    text
}

#[tokio::test]
async fn the_refusals_shown_are_the_refusals_given() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let page = desk.visitor().get("/docs").await;
    let program = desk.holder(&alice.key("backend", &[]).await.secret);
    let sender = desk.holder(&alice.key("sender", &[("preset", "send")]).await.secret);
    let once = |name: &str| {
        program.ask(Method::POST, "/v1/inboxes").with("idempotency-key", "1").json(&json!({ "name": name })).send()
    };
    once("Orders").await;
    let nameless = json!({ "name": "", "scopes": ["mail:send"] });
    let given = [
        ("401", desk.holder("kd_live_wrong").get("/v1/key").await),
        ("403", sender.get("/v1/keys").await),
        ("404", program.get("/v1/keys/key_0000000000000000").await),
        ("409", once("Invoices").await),
        ("422", program.post_json("/v1/keys", &nameless).await),
        ("429", too_many(&sender).await),
    ];
    for (status, answer) in &given {
        assert_eq!(answer.status.to_string(), *status);
        let shown = plain(&example(&page, &format!("{status} example")), "mail:write");
        assert_eq!(shown, wire(answer, "keys:read"), "{status}");
    }
    assert_eq!(page.html().matches("name=\"refusal\"").count(), given.len(), "every refusal shown is compared");
    assert_eq!(page.chosen("refusal"), ["401"]);
}

/// The answer to a key whose minute is spent.
async fn too_many(key: &Actor) -> Answer {
    for _ in 0..=100 {
        let answer = key.get("/v1/key").await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("nobody is ever asked to wait");
}

#[tokio::test]
async fn without_a_limit_the_page_shows_what_a_guesser_is_told() {
    let desk = TestApp::with_product(|product| product.rate_limit.per_minute = 0).await;
    let page = desk.visitor().get("/docs").await;
    let guesser = desk.holder(&format!("kd_live_{}", "0".repeat(49)));
    assert_eq!(guesser.get("/v1/key").await.status, 401);
    page.says("Too many invalid API keys came from your address.");
    page.says_nothing_of("X-RateLimit");
}

#[tokio::test]
async fn plain_http_is_refused_as_the_page_says() {
    let desk = TestApp::over_https().await;
    let given = desk.holder("kd_live_x").ask(Method::GET, "/v1/key").with("x-forwarded-proto", "http").send().await;
    assert_eq!((given.status, given.json()["error"]["code"].as_str()), (403, Some("https_required")));
    desk.visitor().get("/docs").await.says("403 https_required");
}

#[tokio::test]
async fn the_login_shown_is_the_login_given() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let page = desk.visitor().get("/docs").await;
    let shown: Value = serde_json::from_str(&example(&page, "Answer to a sign-in")).expect("JSON");
    let given = desk.log_in(&alice.email).await;
    let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!((names(&shown), names(&shown["user"])), (names(&given), names(&given["user"])));
    assert!(given["refresh_token"].as_str().is_some_and(|token| token.starts_with("kdrefresh_")));
}
