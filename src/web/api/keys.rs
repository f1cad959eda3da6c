//! `/v1/keys`: list, create, get, delete, rotate. A secret is in the answer that makes it and nowhere else, and no key
//! makes or takes over one that is wider than itself.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ipnet::IpNet;
use serde::Deserialize;
use utoipa::ToSchema;

use super::door::Caller;
use super::error_body::ErrorBody;
use super::key::{IssuedKey, Key};
use super::maker::{no_wider, reaches_environment, takes_over};
use super::moment::Moment;
use super::once::{IdempotencyKey, OnceBody};
use super::page::{Asked, Page, one_more};
use super::problem::Problem;
use super::words::Grace;
use crate::clock::Timestamp;
use crate::gate::Holder;
use crate::model::api_key::ApiKey;
use crate::model::key_form::{FieldErrors, KeyForm, limit_reached, name_taken};
use crate::model::scopes::WILDCARD;
use crate::model::secret::Secret;
use crate::product::reserved::{KEYS_READ, KEYS_WRITE};
use crate::product::{KeyAct, Product, grace_hours};
use crate::store::account_rules;
use crate::store::api_keys::{self, Issue, Issued, Rotated, Rotation};
use crate::store::inboxes;
use crate::store::key_filter::Filter;
use crate::store::key_list::{self, KeyList, Sort};
use crate::web::App;
use crate::web::form::Id;

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

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationRequest {
    /// How long the old secret works on; when left out, what the product chooses.
    #[serde(default)]
    #[schema(value_type = Option<Grace>)]
    grace: Option<String>,
}

/// What a list of keys may be asked for, for the document; [`Asked`] reads it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Rows on a page.
    #[param(minimum = 1, maximum = 100, default = 50, nullable = false)]
    pub limit: Option<u32>,
    /// The id of the last key that was seen.
    #[param(pattern = "^(key_[0-9A-Za-z]{16})?$", nullable = false)]
    pub after: Option<String>,
}

/// `GET /v1/keys?limit=&after=`
#[utoipa::path(
    get, path = "/v1/keys", tag = "Keys", operation_id = "list_keys",
    summary = "List keys", description = "Every key of the account that is not deleted, the newest first.",
    security(("bearer" = ["keys:read"])),
    params(Query),
    responses((status = 200, description = "A page of keys.", body = Page<Key>)),
)]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Result<Json<Page<Key>>, Problem> {
    caller.may(&app, KEYS_READ, None)?;
    let (limit, from) = (asked.limit()?, asked.id("after", "key")?);
    let page = key_list::Page { sort: Sort::Created, descending: true, from, backwards: false, limit: one_more(limit) };
    let now = app.now();
    let listed = KeyList::new(&app.db, caller.account_id(), &Filter::default(), now).page(page).read().await?;
    Ok(Json(Page::of(listed.keys, limit, |key| key.id.clone(), |key| Key::of(&key, now))))
}

/// `POST /v1/keys` → 201 with `secret`, this once; sent again with its `Idempotency-Key`, without.
#[utoipa::path(
    post, path = "/v1/keys", tag = "Keys", operation_id = "create_key",
    summary = "Create a key", description = "The answer holds the secret, this once. A key never makes one that is wider than itself.",
    security(("bearer" = ["keys:write"])),
    params(IdempotencyKey),
    request_body = ref("#/components/schemas/NewKey"),
    responses(
        (status = 201, description = "The key, with its secret.", body = IssuedKey, links(
            ("show" = (operation_id = "get_key", parameters(("id" = "$response.body#/id")))),
            ("rotate" = (operation_id = "rotate_key", parameters(("id" = "$response.body#/id")))),
            ("delete" = (operation_id = "delete_key", parameters(("id" = "$response.body#/id")))),
        )),
        (status = 409, description = "A key of this name exists in the environment, the account holds as many keys as it may, or the `Idempotency-Key` came before with another body.", body = ErrorBody),
        (status = 422, description = "A field is not valid; `field` and `errors` name every one.", body = ErrorBody),
    ),
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    request: Result<OnceBody<KeyRequest>, Problem>,
) -> Result<(StatusCode, Json<IssuedKey>), Problem> {
    caller.may(&app, KEYS_WRITE, None)?;
    offered(&app, KeyAct::Create)?;
    let request = request?;
    let form = request.body.as_form(&app.product, &caller)?;
    let inbox = inboxes::find(&app.db, caller.account_id(), &form.inbox).await?;
    // The form's field for the expiry has another name.
    let mistakes = |errors: FieldErrors| Problem::mistakes(&errors.renamed("expires", "expires_at"));
    let lifetime = account_rules::key_lifetime(&app.db, caller.account_id()).await?;
    let new = form.validate(&lifetime.within(&app.product), inbox.as_ref(), app.now()).map_err(mistakes)?;
    let new = no_wider(&caller.holder, new, &app.product)?;
    let secret = Secret::generate(&app.product.secret_prefix(&new.environment), &app.entropy);
    let issue = Issue { new: &new, secret: &secret, once: request.once(), reveal: None };
    let act = app.act(&caller.actor);
    let issued = match api_keys::issue(&app.db, &act, caller.account_id(), issue, app.product.keys.limit).await? {
        Issued::Key(id) => IssuedKey::with(&find(&app, &caller, &id).await?, &secret, app.now()),
        // The secret was in the first answer, and nowhere else.
        Issued::Before(id) => IssuedKey::without_secret(&find(&app, &caller, &id).await?, app.now()),
        Issued::OtherRequest => return Err(Problem::other_request()),
        Issued::NameTaken => {
            return Err(Problem::conflict(name_taken(&new.name, &app.product, &new.environment)));
        }
        Issued::InboxGone => return Err(Problem::invalid("inbox", "This inbox was deleted just now.")),
        Issued::LimitReached => return Err(Problem::conflict(limit_reached(&app.product))),
    };
    Ok((StatusCode::CREATED, Json(issued)))
}

/// `GET /v1/keys/{id}`
#[utoipa::path(
    get, path = "/v1/keys/{id}", tag = "Keys", operation_id = "get_key",
    summary = "Show a key", description = "A deleted key is not there any more; its end is in the audit events.",
    security(("bearer" = ["keys:read"])),
    params(("id" = String, Path, description = "The key’s id.", pattern = "^key_[0-9A-Za-z]{16}$")),
    responses((status = 200, description = "The key.", body = Key)),
)]
pub async fn show(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Json<Key>, Problem> {
    caller.may(&app, KEYS_READ, None)?;
    Ok(Json(Key::of(&find_alive(&app, &caller, &id).await?, app.now())))
}

/// `DELETE /v1/keys/{id}`, where the definition lets the API delete.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "Keys", operation_id = "delete_key",
    summary = "Delete a key", description = "At once and for good: no request that starts after the answer passes with it.",
    security(("bearer" = ["keys:write"])),
    params(("id" = String, Path, description = "The key’s id.", pattern = "^key_[0-9A-Za-z]{16}$")),
    responses((status = 204, description = "The key is gone.")),
)]
pub async fn delete(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    caller.may(&app, KEYS_WRITE, None)?;
    offered(&app, KeyAct::Delete)?;
    let key = find(&app, &caller, &id).await?;
    reaches_environment(&caller.holder, &key.environment, &app.product)?;
    let deleted = api_keys::delete(&app.db, &app.act(&caller.actor), &key).await?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// `POST /v1/keys/{id}/rotate` → 200 with the new `secret`, this once; sent again with its `Idempotency-Key`, without.
#[utoipa::path(
    post, path = "/v1/keys/{id}/rotate", tag = "Keys", operation_id = "rotate_key",
    summary = "Rotate a key", description = "Gives the key a new secret, said in the answer, this once. The old one keeps working for as long as `grace` says.",
    security(("bearer" = ["keys:write"])),
    params(
        ("id" = String, Path, description = "The key’s id.", pattern = "^key_[0-9A-Za-z]{16}$"),
        IdempotencyKey,
    ),
    request_body = RotationRequest,
    responses(
        (status = 200, description = "The key, with its new secret.", body = IssuedKey),
        (status = 409, description = "The key has expired, somebody else changed it just now, or the `Idempotency-Key` came before with another body.", body = ErrorBody),
        (status = 422, description = "This product does not offer such a `grace`.", body = ErrorBody),
    ),
)]
pub async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    request: Result<OnceBody<RotationRequest>, Problem>,
) -> Result<Json<IssuedKey>, Problem> {
    caller.may(&app, KEYS_WRITE, None)?;
    offered(&app, KeyAct::Rotate)?;
    let request = request?;
    let key = find_alive(&app, &caller, &id).await?;
    // Whoever rotates a key holds it afterwards.
    takes_over(&caller.holder, &key, &app)?;
    let grace_hours = request.body.grace_hours(&app.product)?;
    let secret = Secret::generate(&app.product.secret_prefix(&key.environment), &app.entropy);
    let rotation =
        Rotation { secret: &secret, grace_hours, expires_at: key.expires_at, once: request.once(), reveal: None };
    let rotated = api_keys::rotate(&app.db, &app.act(&caller.actor), &key, rotation).await?;
    let key = find(&app, &caller, &id).await?;
    match rotated {
        Rotated::Now => Ok(Json(IssuedKey::with(&key, &secret, app.now()))),
        // The new secret was in the first answer, and nowhere else.
        Rotated::Before => Ok(Json(IssuedKey::without_secret(&key, app.now()))),
        Rotated::OtherRequest => Err(Problem::other_request()),
        Rotated::Changed => Err(Problem::conflict("Somebody else changed this key just now. Look at it again.")),
    }
}

/// Whether programs may do this to keys here.
fn offered(app: &App, act: KeyAct) -> Result<(), Problem> {
    if app.product.offers_over_api(act) { Ok(()) } else { Err(Problem::only_in_the_page(act, &app.product)) }
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<ApiKey, Problem> {
    api_keys::find(&app.db, caller.account_id(), id).await?.ok_or_else(Problem::not_found)
}

async fn find_alive(app: &App, caller: &Caller, id: &str) -> Result<ApiKey, Problem> {
    let key = find(app, caller, id).await?;
    if key.deleted_at.is_some() { Err(Problem::not_found()) } else { Ok(key) }
}

impl RotationRequest {
    /// The hours that the old secret works on.
    fn grace_hours(&self, product: &Product) -> Result<u64, Problem> {
        let choices = &product.rotation.grace;
        let asked = self.grace.as_ref().unwrap_or(&product.rotation.default_grace);
        let offered = grace_hours(asked).filter(|_| choices.contains(asked));
        offered.ok_or_else(|| Problem::invalid("grace", format!("grace is one of: {}.", choices.join(", "))))
    }
}

impl KeyRequest {
    /// The form that says the same. What is left out is as narrow as can be: the maker's own environment.
    fn as_form(&self, product: &Product, caller: &Caller) -> Result<KeyForm, Problem> {
        self.contradictions(product)?;
        let own = match &caller.holder {
            Holder::Key(key) => key.rights().environment.clone(),
            Holder::Session(_) => product.environments.first().map_or(String::new(), |first| first.id.clone()),
        };
        Ok(KeyForm {
            key_type: self.key_type.clone().unwrap_or_else(|| "standard".into()),
            name: self.name.clone(),
            environment: self.environment.clone().unwrap_or(own),
            by_id: true,
            inbox: self.inbox.clone().unwrap_or_default(),
            preset: self.preset.clone().unwrap_or_else(|| "custom".into()),
            scopes: self.scopes.clone(),
            expires_at: self.expires_at.as_deref().map(moment).transpose()?,
            allowed_ips: self.allowed_ips.join("\n"),
            ..KeyForm::default()
        })
    }

    /// What a form would pass over and a program sends by mistake: better said, because the key would be wider than
    /// meant.
    fn contradictions(&self, product: &Product) -> Result<(), Problem> {
        if self.inbox.is_some() && self.key_type.as_deref() != Some("restricted") {
            let resource = &product.words.resource;
            let has_restricted = product.keys.types.iter().any(|kind| kind == "restricted");
            let next = if has_restricted { "Set type to restricted, or leave inbox out." } else { "Leave inbox out." };
            let why = format!("Only a restricted key is bound to one {resource}. {next}");
            return Err(Problem::invalid("inbox", why));
        }
        let unknown = self.scopes.iter().find(|id| *id != WILDCARD && product.scope(id).is_none());
        if let Some(unknown) = unknown {
            return Err(Problem::invalid("scopes", format!("There is no scope {unknown:?}.")));
        }
        let no_address = |text: &&String| text.parse::<IpNet>().is_err() && text.parse::<IpAddr>().is_err();
        if let Some(wrong) = self.allowed_ips.iter().find(no_address) {
            return Err(Problem::invalid("allowed_ips", format!("{wrong:?} is not an address or network.")));
        }
        Ok(())
    }
}

fn moment(text: &str) -> Result<Timestamp, Problem> {
    Moment::parse(text).ok_or_else(|| {
        Problem::invalid("expires_at", "expires_at is a moment in RFC 3339, such as 2027-02-19T00:00:00Z.")
    })
}
