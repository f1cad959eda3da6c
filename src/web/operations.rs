//! For whoever runs Keydesk: whether it is ready, and the keys that its session tokens are signed with.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde_json::json;

use super::App;

/// `GET /readyz`: 200 once the database answers, 503 while it does not.
pub async fn ready(State(app): State<App>) -> StatusCode {
    if app.db.answers().await { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// Half of the notice that a new key gives before it signs: nobody who keeps the set for so long misses it.
const KEPT: &str = "public, max-age=30";

/// `GET /.well-known/jwks.json` (RFC 7517): the public halves of the session-token keys, the newest first.
pub async fn key_set(State(app): State<App>) -> impl IntoResponse {
    ([(CACHE_CONTROL, KEPT)], Json(json!({ "keys": app.tokens.public_keys(app.now()) })))
}
