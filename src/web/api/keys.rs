//! `/v1/keys`: list, create, get, delete, rotate. A secret is in the answer that makes it and nowhere else, and no key
//! makes or takes over one that is wider than itself.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::body::Body;
use super::door::Caller;
use super::key::shown;
use super::maker::{no_wider, reaches_environment, takes_over};
use super::once::OnceBody;
use super::page::limit;
use super::problem::Problem;
use crate::clock::Timestamp;
use crate::gate::Holder;
use crate::model::api_key::ApiKey;
use crate::model::key_form::KeyForm;
use crate::model::secret::Secret;
use crate::product::reserved::{KEYS_READ, KEYS_WRITE};
use crate::product::{Product, grace_hours};
use crate::store::api_keys::{self, Issue, Issued, Rotation};
use crate::store::inboxes;
use crate::store::key_list::{self, Filter, Page, Sort};
use crate::web::App;
use crate::web::form::{Id, Query};

/// Mirrors the form; `scopes` and `allowed_ips` are arrays, `expires_at` is RFC 3339.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    name: String,
    #[serde(rename = "type", default)]
    key_type: Option<String>,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    inbox: Option<String>,
    #[serde(default)]
    preset: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    allowed_ips: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationRequest {
    #[serde(default)]
    grace: Option<String>,
}

/// `GET /v1/keys?limit=&after=`: the newest first.
pub async fn list(State(app): State<App>, caller: Caller, Query(query): Query) -> Result<Json<Value>, Problem> {
    caller.may(&app, KEYS_READ, None)?;
    let limit = limit(query.get("limit"))?;
    let rows = i64::try_from(limit).unwrap_or(i64::MAX) + 1;
    let page = Page { sort: Sort::Created, descending: true, from: query.id("after"), backwards: false, limit: rows };
    let now = app.now();
    let mut keys = key_list::list(&app.db, caller.account_id(), &Filter::default(), page, now).await?;
    let more = keys.len() > limit;
    keys.truncate(limit);
    let next = keys.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Json(json!({ "data": keys.iter().map(|key| shown(key, now)).collect::<Vec<_>>(), "next": next })))
}

/// `POST /v1/keys` → 201 with `secret`, this once; sent again with its `Idempotency-Key`, without.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    request: Result<OnceBody<KeyRequest>, Problem>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    caller.may(&app, KEYS_WRITE, None)?;
    let request = request?;
    let form = request.body.as_form(&app.product, &caller)?;
    let inbox = inboxes::find(&app.db, caller.account_id(), &form.inbox).await?;
    let new = form.validate(&app.product, inbox.as_ref(), app.now()).map_err(|errors| Problem::mistakes(&errors))?;
    let new = no_wider(&caller.holder, new, &app.product)?;
    let secret = Secret::generate(&app.product.secret_prefix(&new.environment), &app.entropy);
    let issue = Issue { new: &new, secret: &secret, once: request.once(), sealed: false };
    let act = app.act(&caller.actor);
    match api_keys::issue(&app.db, &act, caller.account_id(), issue, app.product.keys.limit).await? {
        Issued::Key(id) => Ok((StatusCode::CREATED, with_secret(&find(&app, &caller, &id).await?, &secret, app.now()))),
        // The secret was in the first answer, and nowhere else.
        Issued::Before(id) => Ok((StatusCode::CREATED, Json(shown(&find(&app, &caller, &id).await?, app.now())))),
        Issued::OtherRequest => Err(Problem::other_request()),
        Issued::NameTaken => {
            Err(Problem::conflict("A key with this name exists in this environment. Choose another name."))
        }
        Issued::InboxGone => Err(Problem::invalid("inbox", "This inbox was deleted just now.")),
        Issued::LimitReached => Err(Problem::conflict("This account holds as many keys as it may. Delete one first.")),
    }
}

/// `GET /v1/keys/{id}`
pub async fn show(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Json<Value>, Problem> {
    caller.may(&app, KEYS_READ, None)?;
    Ok(Json(shown(&find(&app, &caller, &id).await?, app.now())))
}

/// `DELETE /v1/keys/{id}`, where the definition lets the API delete.
pub async fn delete(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    caller.may(&app, KEYS_WRITE, None)?;
    if !app.product.keys.delete_over_api {
        return Err(Problem::only_in_the_page());
    }
    let key = find(&app, &caller, &id).await?;
    reaches_environment(&caller.holder, &key.environment, &app.product)?;
    let deleted = api_keys::delete(&app.db, &app.act(&caller.actor), &key).await?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// `POST /v1/keys/{id}/rotate` → 200 with the new `secret`, this once.
pub async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    body: Result<Body<RotationRequest>, Problem>,
) -> Result<Json<Value>, Problem> {
    caller.may(&app, KEYS_WRITE, None)?;
    let Body(request) = body?;
    let key = find_alive(&app, &caller, &id).await?;
    // Whoever rotates a key holds it afterwards.
    takes_over(&caller.holder, &key, &app)?;
    let asked = request.grace.unwrap_or_else(|| app.product.rotation.default_grace.clone());
    let offered = grace_hours(&asked).filter(|_| app.product.rotation.grace.contains(&asked));
    let grace_hours = offered.ok_or_else(|| {
        Problem::invalid("grace", format!("grace is one of: {}.", app.product.rotation.grace.join(", ")))
    })?;
    let secret = Secret::generate(&app.product.secret_prefix(&key.environment), &app.entropy);
    let rotation = Rotation { secret: &secret, grace_hours, expires_at: key.expires_at, sealed: false };
    if !api_keys::rotate(&app.db, &app.act(&caller.actor), &key, rotation).await? {
        return Err(Problem::conflict("Somebody else changed this key just now. Look at it again."));
    }
    Ok(with_secret(&find(&app, &caller, &id).await?, &secret, app.now()))
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<ApiKey, Problem> {
    api_keys::find(&app.db, caller.account_id(), id).await?.ok_or_else(Problem::not_found)
}

async fn find_alive(app: &App, caller: &Caller, id: &str) -> Result<ApiKey, Problem> {
    let key = find(app, caller, id).await?;
    if key.deleted_at.is_some() { Err(Problem::not_found()) } else { Ok(key) }
}

fn with_secret(key: &ApiKey, secret: &Secret, now: Timestamp) -> Json<Value> {
    let mut said = shown(key, now);
    said["secret"] = secret.reveal().into();
    Json(said)
}

impl KeyRequest {
    /// The form that says the same. What is left out is as narrow as can be: the maker's own environment.
    fn as_form(&self, product: &Product, caller: &Caller) -> Result<KeyForm, Problem> {
        let own = match &caller.holder {
            Holder::Key(key) => key.facts.environment.clone(),
            Holder::Session(_) => product.environments.first().map_or(String::new(), |first| first.id.clone()),
        };
        Ok(KeyForm {
            key_type: self.key_type.clone().unwrap_or_else(|| "standard".into()),
            name: self.name.clone(),
            environment: self.environment.clone().unwrap_or(own),
            inbox: self.inbox.clone().unwrap_or_default(),
            preset: self.preset.clone().unwrap_or_else(|| "custom".into()),
            scopes: self.scopes.clone(),
            expires_at: self.expires_at.as_deref().map(moment).transpose()?,
            allowed_ips: self.allowed_ips.join("\n"),
            ..KeyForm::default()
        })
    }
}

fn moment(text: &str) -> Result<Timestamp, Problem> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339);
    parsed.map(Timestamp::from).map_err(|_| {
        Problem::invalid("expires_at", "expires_at is a moment in RFC 3339, such as 2027-02-19T00:00:00Z.")
    })
}
