//! For whoever runs Keydesk: whether it is ready, and the keys that its session tokens are signed with.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::App;

/// `GET /readyz`: 200 once the database answers, 503 while it does not.
pub async fn ready(State(app): State<App>) -> StatusCode {
    if app.db.answers().await { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// `GET /.well-known/jwks.json` (RFC 7517): the public half of the session-token key.
pub async fn key_set(State(app): State<App>) -> Json<Value> {
    Json(json!({ "keys": [app.tokens.public_key()] }))
}
