//! `GET /v1/key`: who am I? For any key that works.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::door::Caller;
use super::problem::Problem;
use crate::clock::Timestamp;
use crate::gate::Holder;
use crate::model::api_key::ApiKey;
use crate::store::api_keys;
use crate::web::App;

pub async fn show(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    caller.may_ask(&app)?;
    Ok(Json(match &caller.holder {
        Holder::Key(key) => {
            let found = api_keys::find(&app.db, caller.account_id(), &key.facts.id).await?;
            shown(&found.ok_or_else(Problem::not_found)?, app.now())
        }
        Holder::Session(session) => json!({
            "type": "session",
            "account_id": session.user.account_id,
            "user": { "id": session.user.id, "email": session.user.email, "isAdmin": session.user.is_staff() },
            "role": session.user.role.as_str(),
        }),
    }))
}

/// A key as the API says it; never its secret.
pub fn shown(key: &ApiKey, now: Timestamp) -> Value {
    json!({
        "id": key.id,
        "account_id": key.account_id,
        "name": key.name,
        "type": key.key_type.as_str(),
        "environment": key.environment,
        "inbox": key.inbox_id,
        "scopes": key.scopes.iter().collect::<Vec<_>>(),
        "allowed_ips": key.allowed_ips.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "status": key.status(now).as_str(),
        "last4": key.last4,
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "last_used_at": key.last_used_at.map(|at| at.to_string()),
    })
}
