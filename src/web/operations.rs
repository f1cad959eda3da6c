//! For whoever runs Keydesk, or found something wrong with it: whether it is ready, the keys that its session tokens are
//! signed with, and whom to write to.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde_json::json;

use super::App;
use super::leaks;
use super::server::limits::within;
use crate::clock::{Timestamp, days};

/// What a load balancer waits for an answer; a database that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// `GET /readyz`: 200 once the database answers; 503 while it does not, and from the order to stop on.
pub async fn ready(State(app): State<App>) -> StatusCode {
    if !app.is_draining() && within(PATIENCE, app.db.answers()).await == Ok(true) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// Half of the notice that a new key gives before it signs: nobody who keeps the set for so long misses it.
const KEPT: &str = "public, max-age=30";

/// `GET /.well-known/jwks.json` (RFC 7517): the public halves of the session-token keys, the newest first.
pub async fn key_set(State(app): State<App>) -> impl IntoResponse {
    ([(CACHE_CONTROL, KEPT)], Json(json!({ "keys": app.tokens.public_keys(app.now()) })))
}

/// RFC 9116, section 2.5.5, asks for less than a year.
const TRUE_FOR: Duration = days(180);

/// `GET /.well-known/security.txt` (RFC 9116).
pub async fn security_txt(State(app): State<App>) -> impl IntoResponse {
    let report = format!("{}{}", app.public_url, leaks::PAGE);
    let contacts: Vec<String> = app.security_contact.iter().map(ToString::to_string).chain([report]).collect();
    let today = app.now().date_time().replace_time(time::Time::MIDNIGHT);
    let text = format!(
        "# A leaked API key is switched off on the page below. Holding it is enough.\nContact: {}\nExpires: {}\n\
         Preferred-Languages: en\nCanonical: {}/.well-known/security.txt\n",
        contacts.join("\nContact: "),
        Timestamp::from(today) + TRUE_FOR,
        app.public_url
    );
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}
