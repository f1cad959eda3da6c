//! `/v1/inboxes`, also under the definition's own name: list, create, get, delete.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::door::Caller;
use super::once::OnceBody;
use super::page::limit;
use super::problem::Problem;
use crate::clock::Timestamp;
use crate::product::reserved::{INBOXES_READ, INBOXES_WRITE};
use crate::store::inboxes;
use crate::web::App;
use crate::web::form::{Id, Query};
use crate::web::new_inbox::{Refused, add};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewInbox {
    name: String,
}

/// `GET /v1/inboxes?limit=&after=`. A restricted key sees its own inbox and no other.
pub async fn list(State(app): State<App>, caller: Caller, Query(query): Query) -> Result<Json<Value>, Problem> {
    caller.may(&app, INBOXES_READ, None)?;
    let limit = limit(query.get("limit"))?;
    let rows = i64::try_from(limit).unwrap_or(i64::MAX) + 1;
    let mut found =
        inboxes::list(&app.db, caller.account_id(), caller.holder.only_inbox(), query.id("after"), rows).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| last.id.clone());
    let data: Vec<Value> =
        found.iter().map(|inbox| shown(&inbox.id, &inbox.name, &inbox.address, inbox.created_at)).collect();
    Ok(Json(json!({ "data": data, "next": next })))
}

/// `POST /v1/inboxes`; with an `Idempotency-Key`, however often it is sent, one inbox.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    request: Result<OnceBody<NewInbox>, Problem>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    // Who may not create does not learn what a body should look like.
    caller.may(&app, INBOXES_WRITE, None)?;
    let request = request?;
    let inbox = match add(&app, &app.act(&caller.actor), caller.account_id(), &request.body.name, request.once()).await
    {
        Ok(inbox) => inbox,
        Err(Refused::Before(id)) => {
            inboxes::find(&app.db, caller.account_id(), &id).await?.ok_or_else(Problem::not_found)?
        }
        Err(Refused::OtherRequest) => return Err(Problem::other_request()),
        Err(Refused::Name(why)) => return Err(Problem::invalid("name", why)),
        Err(Refused::Database(error)) => return Err(error.into()),
    };
    Ok((StatusCode::CREATED, Json(shown(&inbox.id, &inbox.name, &inbox.address, inbox.created_at))))
}

/// `GET /v1/inboxes/{id}`
pub async fn show(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Json<Value>, Problem> {
    caller.may(&app, INBOXES_READ, Some(&id))?;
    let inbox = inboxes::find(&app.db, caller.account_id(), &id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(shown(&inbox.id, &inbox.name, &inbox.address, inbox.created_at)))
}

/// `DELETE /v1/inboxes/{id}`: the keys bound to it die with it.
pub async fn delete(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    caller.may(&app, INBOXES_WRITE, Some(&id))?;
    let deleted = inboxes::delete(&app.db, &app.act(&caller.actor), caller.account_id(), &id).await?;
    deleted.map(|_| StatusCode::NO_CONTENT).ok_or_else(Problem::not_found)
}

fn shown(id: &str, name: &str, address: &str, created_at: Timestamp) -> Value {
    json!({ "id": id, "name": name, "address": address, "created_at": created_at.to_string() })
}
