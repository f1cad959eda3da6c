//! `GET /v1/key`: who am I? For any key that works, and for a session token where the definition takes one.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::auth::Person;
use super::door::Caller;
use super::moment::Moment;
use super::problem::Problem;
use super::words::{Environment, KeyType, Scope, Status};
use crate::clock::Timestamp;
use crate::gate::Holder;
use crate::model::api_key::ApiKey;
use crate::model::secret::Secret;
use crate::store::api_keys;
use crate::store::sessions::Session;
use crate::web::App;

/// An API key; never its secret.
#[derive(Serialize, ToSchema)]
pub struct Key {
    #[schema(pattern = "^key_[0-9A-Za-z]{16}$")]
    pub id: String,
    #[schema(pattern = "^acc_[0-9A-Za-z]{16}$")]
    pub account_id: String,
    pub name: String,
    #[serde(rename = "type")]
    #[schema(value_type = KeyType)]
    pub key_type: &'static str,
    #[schema(value_type = Environment)]
    pub environment: String,
    /// The one that a restricted key is bound to.
    #[schema(pattern = "^inb_[0-9A-Za-z]{16}$", required = true)]
    pub inbox: Option<String>,
    #[schema(value_type = Vec<Scope>)]
    pub scopes: Vec<String>,
    /// The networks it may be used from; none means anywhere.
    pub allowed_ips: Vec<String>,
    #[schema(value_type = Status)]
    pub status: &'static str,
    /// The last four characters of its secret.
    #[schema(pattern = "^[0-9A-Za-z]{4}$")]
    pub last4: String,
    pub created_at: Moment,
    #[schema(required = true)]
    pub expires_at: Option<Moment>,
    #[schema(required = true)]
    pub last_used_at: Option<Moment>,
}

/// A key and, in the answer that made it, its secret.
#[derive(Serialize, ToSchema)]
pub struct IssuedKey {
    #[serde(flatten)]
    pub key: Key,
    /// Said this once: an answer to an `Idempotency-Key` that came before leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub secret: Option<Zeroizing<String>>,
}

/// Somebody who signed in, for as long as their session token lasts.
#[derive(Serialize, ToSchema)]
pub struct SessionHolder {
    #[serde(rename = "type")]
    #[schema(pattern = "^session$")]
    kind: &'static str,
    account_id: String,
    user: Person,
    #[schema(pattern = "^(administrator|auditor|member)$")]
    role: &'static str,
}

/// Whose credential it is.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum WhoAmI {
    Key(Key),
    Session(SessionHolder),
}

/// `GET /v1/key`
#[utoipa::path(
    get, path = "/v1/key", tag = "Keys", operation_id = "get_own_key",
    summary = "Who am I?", description = "The key that the request came with. Any key that works may ask.",
    security(("bearer" = [])),
    responses((status = 200, description = "The credential’s own record.", body = WhoAmI)),
)]
pub async fn show(State(app): State<App>, caller: Caller) -> Result<Json<WhoAmI>, Problem> {
    caller.may_ask(&app)?;
    Ok(Json(match &caller.holder {
        Holder::Key(key) => {
            let record = api_keys::find(&app.db, caller.account_id(), key.id()).await?;
            WhoAmI::Key(Key::of(&record.ok_or_else(Problem::not_found)?, app.now()))
        }
        Holder::Session(session) => WhoAmI::Session(SessionHolder::of(session)),
    }))
}

impl Key {
    pub fn of(key: &ApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id.clone(),
            account_id: key.account_id.clone(),
            name: key.name.clone(),
            key_type: key.key_type.as_str(),
            environment: key.environment.clone(),
            inbox: key.inbox_id.clone(),
            scopes: key.scopes.iter().map(str::to_owned).collect(),
            allowed_ips: key.allowed_ips.iter().map(ToString::to_string).collect(),
            status: key.status(now).as_str(),
            last4: key.last4.clone(),
            created_at: Moment(key.created_at),
            expires_at: key.expires_at.map(Moment),
            last_used_at: key.last_used_at.map(Moment),
        }
    }
}

impl IssuedKey {
    pub fn with(key: &ApiKey, secret: &Secret, now: Timestamp) -> Self {
        Self { key: Key::of(key, now), secret: Some(secret.reveal().to_owned().into()) }
    }

    pub fn without_secret(key: &ApiKey, now: Timestamp) -> Self {
        Self { key: Key::of(key, now), secret: None }
    }
}

impl SessionHolder {
    fn of(session: &Session) -> Self {
        Self {
            kind: "session",
            account_id: session.user.account_id.clone(),
            user: Person::of(&session.user),
            role: session.user.role.as_str(),
        }
    }
}
