//! `/v1/inboxes`, also under the definition's own name: list, create, get, delete.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::door::Caller;
use super::error_body::ErrorBody;
use super::moment::Moment;
use super::once::{IdempotencyKey, OnceBody};
use super::page::{Asked, Page, one_more};
use super::problem::Problem;
use crate::model::inbox;
use crate::store::inboxes;
use crate::web::App;
use crate::web::form::Id;
use crate::web::new_inbox::{Refused, add, name_taken};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInbox {
    #[schema(value_type = super::words::Name)]
    name: String,
}

/// An inbox.
#[derive(Serialize, ToSchema)]
pub struct Inbox {
    #[schema(pattern = "^inb_[0-9A-Za-z]{16}$")]
    id: String,
    name: String,
    /// Where its mail goes.
    address: String,
    created_at: Moment,
}

/// What a list of inboxes may be asked for, for the document; [`Asked`] reads it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Rows on a page.
    #[param(minimum = 1, maximum = 100, default = 50, nullable = false)]
    pub limit: Option<u32>,
    /// The id of the last inbox that was seen.
    #[param(pattern = "^(inb_[0-9A-Za-z]{16})?$", nullable = false)]
    pub after: Option<String>,
}

/// `GET /v1/inboxes?limit=&after=`. A restricted key sees its own inbox and no other.
#[utoipa::path(
    get, path = "/v1/inboxes", tag = "Inboxes", operation_id = "list_inboxes",
    summary = "List inboxes", description = "By name. A restricted key sees its own and no other.",
    security(("bearer" = ["inboxes:read"])),
    params(Query),
    responses((status = 200, description = "A page of inboxes.", body = Page<Inbox>)),
)]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Result<Json<Page<Inbox>>, Problem> {
    caller.may(&app, app.product.sees_resources(), None)?;
    let (limit, after) = (asked.limit()?, asked.id("after", "inb")?);
    let only = caller.holder.only_inbox();
    let found = inboxes::list(&app.db, caller.account_id(), only, after, one_more(limit)).await?;
    Ok(Json(Page::of(found, limit, |inbox| inbox.id.clone(), Inbox::from)))
}

/// `POST /v1/inboxes`; with an `Idempotency-Key`, however often it is sent, one inbox.
#[utoipa::path(
    post, path = "/v1/inboxes", tag = "Inboxes", operation_id = "create_inbox",
    summary = "Create an inbox", description = "It has an address at once.",
    security(("bearer" = ["inboxes:write"])),
    params(IdempotencyKey),
    request_body = NewInbox,
    responses(
        (status = 201, description = "The inbox.", body = Inbox, links(
            ("show" = (operation_id = "get_inbox", parameters(("id" = "$response.body#/id")))),
            ("delete" = (operation_id = "delete_inbox", parameters(("id" = "$response.body#/id")))),
        )),
        (status = 409, description = "There is one of this name, or the `Idempotency-Key` came before with another body.", body = ErrorBody),
        (status = 422, description = "The name is not valid.", body = ErrorBody),
    ),
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    request: Result<OnceBody<NewInbox>, Problem>,
) -> Result<(StatusCode, Json<Inbox>), Problem> {
    // Who may not create does not learn what a body should look like.
    caller.may(&app, app.product.changes_resources(), None)?;
    let request = request?;
    let act = app.act(&caller.actor);
    let inbox = match add(&app, &act, caller.account_id(), &request.body.name, request.once()).await {
        Ok(inbox) => inbox,
        Err(Refused::Before(id)) => {
            inboxes::find(&app.db, caller.account_id(), &id).await?.ok_or_else(Problem::not_found)?
        }
        Err(Refused::OtherRequest) => return Err(Problem::other_request()),
        Err(Refused::Name(why)) => return Err(Problem::invalid("name", why)),
        Err(Refused::NameTaken) => {
            return Err(Problem::conflict(name_taken(request.body.name.trim(), &app.product.words)));
        }
        Err(Refused::Database(error)) => return Err(error.into()),
    };
    Ok((StatusCode::CREATED, Json(inbox.into())))
}

/// `GET /v1/inboxes/{id}`
#[utoipa::path(
    get, path = "/v1/inboxes/{id}", tag = "Inboxes", operation_id = "get_inbox",
    summary = "Show an inbox", description = "One of the account’s, or a restricted key’s own.",
    security(("bearer" = ["inboxes:read"])),
    params(("id" = String, Path, description = "The inbox’s id.", pattern = "^inb_[0-9A-Za-z]{16}$")),
    responses((status = 200, description = "The inbox.", body = Inbox)),
)]
pub async fn show(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Json<Inbox>, Problem> {
    caller.may(&app, app.product.sees_resources(), Some(&id))?;
    let inbox = inboxes::find(&app.db, caller.account_id(), &id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(inbox.into()))
}

/// `DELETE /v1/inboxes/{id}`: the keys bound to it die with it.
#[utoipa::path(
    delete, path = "/v1/inboxes/{id}", tag = "Inboxes", operation_id = "delete_inbox",
    summary = "Delete an inbox", description = "The restricted keys that are bound to it are deleted with it.",
    security(("bearer" = ["inboxes:write"])),
    params(("id" = String, Path, description = "The inbox’s id.", pattern = "^inb_[0-9A-Za-z]{16}$")),
    responses((status = 204, description = "The inbox is gone.")),
)]
pub async fn delete(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    caller.may(&app, app.product.changes_resources(), Some(&id))?;
    let deleted = inboxes::delete(&app.db, &app.act(&caller.actor), caller.account_id(), &id).await?;
    deleted.map(|_| StatusCode::NO_CONTENT).ok_or_else(Problem::not_found)
}

impl From<inbox::Inbox> for Inbox {
    fn from(inbox: inbox::Inbox) -> Self {
        Self { id: inbox.id, name: inbox.name, address: inbox.address, created_at: Moment(inbox.created_at) }
    }
}

impl From<inboxes::Listed> for Inbox {
    fn from(inbox: inboxes::Listed) -> Self {
        Self { id: inbox.id, name: inbox.name, address: inbox.address, created_at: Moment(inbox.created_at) }
    }
}
