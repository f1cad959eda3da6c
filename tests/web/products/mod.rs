//! The five products of `products/`, each as it runs: a test for every sentence of its documentation that can be put to
//! the test, with that sentence above it. `scripts/mutants` flips every switch of the definitions and expects these tests
//! to notice.

#![expect(clippy::doc_markdown, clippy::doc_link_with_quotes, reason = "sentences are quoted as they stand")]

mod mailkite;
mod mailosaur;
mod mailpipe;
mod mimeprotect;
mod shipmail;

use axum::http::Method;

use crate::support::{Actor, Answer, Field, Key, TestApp, key_path};

/// What may be done to a key that there is.
const ACTS: [&str; 4] = ["rename", "pause", "rotate", "delete"];

/// Where Settings → API keys is.
const KEYS: &str = "/settings/api-keys";

/// A desk of this product, and its administrator, who has just signed up.
async fn desk(product: &str) -> (TestApp, Actor) {
    let desk = TestApp::of_product(product).await;
    let alice = desk.alice().await;
    (desk, alice)
}

impl Actor {
    /// Opens *Create a … key*, fills in these fields, and presses *Create key*.
    async fn fills_in(&self, name: &str, fields: &[Field<'_>]) -> Answer {
        let key_type = fields.iter().find(|(field, _)| *field == "type").map_or("standard", |(_, key_type)| key_type);
        let page = self.get(&format!("{KEYS}/new?type={key_type}")).await;
        let shown = ["type", "form_id", "environment", "preset", "expires"].map(|field| (field, page.value_of(field)));
        let left =
            shown.iter().filter(|(field, value)| !value.is_empty() && fields.iter().all(|(own, _)| own != field));
        let mut form: Vec<Field<'_>> = left.map(|(field, value)| (*field, value.as_str())).collect();
        form.push(("name", name));
        form.extend(fields);
        self.post(KEYS, &form).await
    }

    /// Creates a key in the page and reveals it.
    async fn makes(&self, name: &str, fields: &[Field<'_>]) -> Key {
        let answer = self.fills_in(name, fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let id = answer.location().rsplit('/').next().expect("an id").to_owned();
        Key { secret: self.reveals(&id).await, id }
    }

    /// Creates a key with these scopes and reveals it.
    async fn grants(&self, name: &str, scopes: &[&str]) -> Key {
        let mut fields = vec![("preset", "custom")];
        fields.extend(scopes.iter().map(|scope| ("scopes[]", *scope)));
        self.makes(name, &fields).await
    }

    /// Deletes a key in the page.
    async fn deletes(&self, key: &Key, name: &str) {
        self.post(&key_path(&key.id, "delete"), &[("name", name)]).await.redirects_to(KEYS);
    }

    /// The product's gateway asks about a request of this program, `METHOD /path`.
    async fn through_gate(&self, request: &str) -> Answer {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        let gateway = self.at("10.0.0.1");
        let ask = gateway.ask(Method::GET, "/gate/authorize");
        ask.with("x-original-method", method).with("x-original-uri", path).send().await
    }

    /// Which of `requests` the gate lets pass, `{own}` being a resource of the account. The others lack a scope.
    async fn may<'r>(&self, requests: &[&'r str], own: &str) -> Vec<&'r str> {
        let mut passed = Vec::new();
        for request in requests {
            let answer = self.through_gate(&request.replace("{own}", own)).await;
            if answer.status == 200 {
                passed.push(*request);
            } else {
                assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{request}");
                assert!(answer.required_scope().contains(':'), "{request} names no scope: {}", answer.text());
            }
        }
        passed
    }

    /// Which of [`ACTS`] the page of a key offers. What it does not offer is refused to whoever tries.
    async fn is_offered(&self, id: &str) -> Vec<&'static str> {
        let page = self.get(&key_path(id, "")).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let offered = |act: &&str| page.html().contains(&format!("{}\"", key_path(id, act)));
        for act in ACTS.iter().filter(|act| !offered(act)) {
            let refused = self.post(&key_path(id, act), &[("name", "other"), ("grace", "0")]).await;
            assert!((400..500).contains(&refused.status), "{act} was done: {}", refused.status);
        }
        ACTS.into_iter().filter(offered).collect()
    }
}

/// Asserts that people read the words of the product for what its keys reach.
async fn reads(alice: &Actor, one: &str, many: &str) {
    let page = alice.get("/settings/inboxes/new").await;
    page.says(&format!("Add {one}"));
    let capitalised = format!("{}{}", many[..1].to_uppercase(), &many[1..]);
    alice.get("/settings/inboxes").await.has_heading(&capitalised);
}

/// One scope, held alone, opens `expected` of `requests` and nothing else; the docs say its kind.
async fn a_scope_opens(product: &str, requests: &[&str], scope: (&str, &str), expected: &[&str]) {
    let (desk, alice) = desk(product).await;
    let own = alice.inbox("example.com").await;
    let (id, kind) = scope;
    let program = desk.holder(&alice.grants("narrow", &[id]).await.secret);
    assert_eq!(program.may(requests, &own).await, expected);
    desk.visitor().get("/docs").await.says(&format!("{id} {kind}"));
}

/// Asserts that a desk and its gate both refuse whoever sends these headers with `request`.
async fn refused_with(desk: &TestApp, request: &str, headers: &[(&str, &str)]) {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let nobody = desk.visitor();
    let gateway = nobody.at("10.0.0.1");
    let with = |ask| headers.iter().fold(ask, |ask: crate::support::Ask<'_>, (name, value)| ask.with(name, value));
    let direct = with(nobody.ask(method.parse().expect("a method"), path)).send().await;
    let ask = gateway.ask(Method::GET, "/gate/authorize");
    let asked = with(ask.with("x-original-method", method).with("x-original-uri", path)).send().await;
    for answer in [direct, asked] {
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{headers:?}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{headers:?}");
    }
}

/// Asserts that this secret opens `request` at the desk and at the gate, or that both call it invalid.
async fn works(desk: &TestApp, secret: &str, request: &str) -> bool {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let program = desk.holder(secret);
    let direct = program.ask(method.parse().expect("a method"), path).send().await;
    let asked = program.through_gate(request).await;
    match (direct.status, asked.status) {
        (200, 200) => true,
        (401, 401) => {
            assert_eq!(direct.json()["error"]["type"], "authentication_error");
            false
        }
        other => panic!("desk and gate: {other:?}"),
    }
}

/// Whether a page of another origin could read the answer to `request`.
async fn is_open_to_browsers(program: &Actor, path: &str) -> bool {
    let answer = program.ask(Method::GET, path).with("origin", "https://shop.example").send().await;
    answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}
