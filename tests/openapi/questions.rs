//! What is asked: the product as it is built in, and one that differs wherever a definition can change the API.

use std::path::Path;
use std::process::Command;

use axum::http::Method;
use keydesk::product::DEFAULT;
use serde_json::{Value, json};

use crate::audit;
use crate::caller::{add_inbox, call};
use crate::desk::Desk;

const EMAIL: &str = "ops@halden.example";
const PASSWORD: &str = "copper lantern orbit";

/// A desk of this product, and what schemathesis has to know of it.
struct Subject {
    desk: Desk,
    secret: String,
    key_id: String,
    inbox_id: String,
    /// For what must not lie where the secret audit looks: the password, and what schemathesis keeps.
    outside: tempfile::TempDir,
}

impl Subject {
    async fn start(product: &str) -> Self {
        let outside = tempfile::tempdir().expect("a folder");
        let password = outside.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a password file");
        audit::note(PASSWORD);
        let desk = Desk::start_with(|command, home| {
            let definition = home.join("product.toml");
            std::fs::write(&definition, product).expect("a product definition");
            command.env("KEYDESK_PRODUCT", definition);
            command.env("KEYDESK_BOOTSTRAP_ADMIN_EMAIL", EMAIL);
            command.env("KEYDESK_BOOTSTRAP_ADMIN_PASSWORD_FILE", password);
        });
        let credentials = json!({ "email": EMAIL, "password": PASSWORD });
        let granted = made(&desk, "nobody", "/api/auth/login", credentials).await;
        let token = text(&granted, "token");
        audit::note(&text(&granted, "refresh_token"));
        let issued = made(&desk, &token, "/v1/keys", json!({ "name": "schemathesis", "preset": "full" })).await;
        let (secret, key_id) = (text(&issued, "secret"), text(&issued, "id"));
        let inbox_id = add_inbox(desk.origin(), &secret, "Orders").await;
        audit::note(&token);
        audit::note(&secret);
        Self { desk, secret, key_id, inbox_id, outside }
    }

    /// Has schemathesis ask what these arguments choose, and hears no complaint.
    fn answers(&self, chosen: &[&str]) {
        let program = std::env::var_os("KEYDESK_SCHEMATHESIS").expect("KEYDESK_SCHEMATHESIS names schemathesis");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi");
        let output = Command::new(program)
            .arg("--config-file")
            .arg(folder.join("schemathesis.toml"))
            .args(["run", "--seed", "1"])
            .args(chosen)
            .arg(format!("{}/openapi.json", self.desk.origin()))
            // It keeps what it found in its working directory, and the next run would begin with that.
            .current_dir(self.outside.path())
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("PYTHONPATH", &folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("KEYDESK_API_KEY", &self.secret)
            .env("KEYDESK_API_KEY_ID", &self.key_id)
            .env("KEYDESK_INBOX_ID", &self.inbox_id)
            .output()
            .expect("schemathesis starts");
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "schemathesis found what the document does not say");
        assert!(!said.contains(" 0 generated"), "nothing was asked");
    }

    /// Whether the key that asked still works: had it been refused half way, no answer would mean anything.
    async fn still_knows_the_key(&self) {
        assert_eq!(call(self.desk.origin(), &self.secret, Method::GET, "/v1/key", None).await.0, 200);
    }
}

async fn made(desk: &Desk, credential: &str, path: &str, body: Value) -> Value {
    let (status, answer) = call(desk.origin(), credential, Method::POST, path, Some(body)).await;
    assert!(status < 300, "{path}: {answer}");
    answer
}

fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().expect("a text").to_owned()
}

/// The built-in product without a limit on how often a key may be used: a limited key would be refused most of the time.
fn unlimited() -> String {
    changed(DEFAULT, &[("per_minute = 100", "per_minute = 0")])
}

fn changed(definition: &str, changes: &[(&str, &str)]) -> String {
    let change = |definition: String, (from, to): &(&str, &str)| {
        assert!(definition.contains(from), "the built-in definition has no {from:?}");
        definition.replace(from, to)
    };
    changes.iter().fold(definition.to_owned(), change)
}

#[tokio::test]
#[ignore = "needs schemathesis: run ./scripts/test"]
async fn every_question_is_answered_as_the_document_says() {
    let subject = Subject::start(&unlimited()).await;
    subject.answers(&["--phases", "examples,coverage,fuzzing"]);
    subject.still_knows_the_key().await;
}

#[tokio::test]
#[ignore = "needs schemathesis: run ./scripts/test"]
async fn what_is_made_is_there_and_what_is_deleted_is_not() {
    let subject = Subject::start(&unlimited()).await;
    // Left to itself it stops after a dozen sequences, too few to come back to what was deleted.
    subject.answers(&["--phases", "stateful", "--max-time", "20"]);
    subject.still_knows_the_key().await;
}

#[tokio::test]
#[ignore = "needs schemathesis: run ./scripts/test"]
async fn the_document_is_true_for_another_product_too() {
    let other = changed(
        &unlimited(),
        &[
            ("api_name = \"inboxes\"", "api_name = \"servers\""),
            ("over_api = [\"create\", \"rotate\", \"delete\"]", "over_api = [\"create\", \"rotate\"]"),
            ("types = [\"standard\", \"restricted\"]", "types = [\"standard\"]"),
            ("policy = \"optional\"", "policy = \"required\""),
            ("grace = [\"0\", \"1h\", \"24h\", \"7d\"]", "grace = [\"0\"]"),
            ("default_grace = \"24h\"", "default_grace = \"0\""),
        ],
    );
    let subject = Subject::start(&other).await;
    subject.answers(&["--phases", "examples,coverage"]);
    subject.still_knows_the_key().await;
}
