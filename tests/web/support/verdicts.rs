//! What a door says, in the parts that clients rely on.

use super::{Actor, Answer};

/// The identity that a gateway passes on.
pub const IDENTITY: [&str; 6] = [
    "x-keydesk-key-id",
    "x-keydesk-account-id",
    "x-keydesk-type",
    "x-keydesk-environment",
    "x-keydesk-scopes",
    "x-keydesk-inbox",
];
/// To whoever brought no credential.
pub const CHALLENGE: &str = "Bearer realm=\"api\"";
/// To whoever brought one that does not work.
pub const INVALID_TOKEN: &str = "Bearer realm=\"api\", error=\"invalid_token\"";

impl Actor {
    /// Asks forward-auth; `query` without its question mark.
    pub async fn asks(&self, query: &str) -> Answer {
        self.get(&format!("/gate/authorize?{query}")).await
    }
}

impl Answer {
    /// The machine's word for a refusal; empty where none is said.
    pub fn code(&self) -> String {
        self.of_error("code")
    }

    pub fn required_scope(&self) -> String {
        self.of_error("required_scope")
    }

    fn of_error(&self, field: &str) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["error"][field].as_str().unwrap_or_default().to_owned()
    }

    /// Status, code, required scope and challenge of a refusal.
    pub fn refusal(&self) -> (u16, String, String, &str) {
        (self.status, self.code(), self.required_scope(), self.header("www-authenticate"))
    }

    /// Everything that was answered, without what differs from request to request.
    pub fn whole(&self) -> String {
        let id = self.header("x-request-id");
        assert!(id.starts_with("req_") && id.len() == 20, "no request id: {id:?} of {}", self.status);
        let mut headers: Vec<String> = self.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        headers.sort();
        format!("{}\n{}\n{}", self.status, headers.join("\n"), String::from_utf8_lossy(&self.body)).replace(id, "req_…")
    }
}
