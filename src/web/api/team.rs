//! `/v1/team`: who is in the account, and who is asked in. Opened by a session token alone: no key manages people. What
//! hands an account on asks that its holder signed in a moment ago, as the pages do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::door::Caller;
use super::error_body::ErrorBody;
use super::moment::Moment;
use super::page::{Asked, Page};
use super::problem::Problem;
use crate::gate::Holder;
use crate::model::email;
use crate::model::invitation;
use crate::model::user::{Role, User};
use crate::product::KeyAct;
use crate::store::invitations::{self, Invited};
use crate::store::sessions::Session;
use crate::store::team::{self, Keys, Refused};
use crate::store::users;
use crate::web::App;
use crate::web::form::Id;
use crate::web::people::{spend_mail, spend_visit};
use crate::web::request::RequestInfo;

/// Somebody of the account.
#[derive(Serialize, ToSchema)]
pub struct Member {
    #[schema(pattern = "^usr_[0-9A-Za-z]{16}$")]
    id: String,
    email: String,
    name: String,
    #[schema(pattern = "^(administrator|auditor|member)$")]
    role: String,
    /// Whether they have a second factor.
    two_factor: bool,
    #[schema(required = true)]
    last_seen_at: Option<Moment>,
}

/// Somebody who is asked in and has not come yet.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    #[schema(pattern = "^inv_[0-9A-Za-z]{16}$")]
    id: String,
    email: String,
    #[schema(pattern = "^(administrator|auditor|member)$")]
    role: String,
    created_at: Moment,
    /// When the mailed link stops working.
    expires_at: Moment,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    #[schema(format = Email, max_length = 254)]
    email: String,
    #[schema(pattern = "^(administrator|auditor|member)$")]
    role: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    #[schema(pattern = "^(administrator|auditor|member)$")]
    role: String,
}

/// What a list may be asked for, for the document; [`Asked`] reads it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Rows on a page.
    #[param(minimum = 1, maximum = 100, default = 50, nullable = false)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[param(nullable = false)]
    pub after: Option<String>,
}

/// What becomes of the keys of whoever is removed, for the document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Leaving {
    /// What becomes of the keys that they created.
    #[param(pattern = "^(keep|delete)$", default = "keep", nullable = false)]
    pub keys: Option<String>,
}

/// Whose session it is, if they may see the team.
fn seeing(app: &App, caller: &Caller) -> Result<Arc<Session>, Problem> {
    caller.may_ask(app)?;
    let Holder::Session(session) = &caller.holder else { return Err(Problem::session_required()) };
    if session.user.role.sees_keys() { Ok(session.clone()) } else { Err(Problem::role_required("see the team")) }
}

/// Whose session it is, if they may change the team.
fn changing(app: &App, caller: &Caller) -> Result<Arc<Session>, Problem> {
    let session = seeing(app, caller)?;
    if session.user.role.manages_keys() { Ok(session) } else { Err(Problem::role_required("change the team")) }
}

/// As [`changing`], for what hands the account on.
fn changing_afresh(app: &App, caller: &Caller) -> Result<Arc<Session>, Problem> {
    let session = changing(app, caller)?;
    if session.is_fresh(app.now()) { Ok(session) } else { Err(Problem::stale_session()) }
}

fn role(text: &str) -> Result<Role, Problem> {
    text.parse().map_err(|_| Problem::invalid("role", "A role is administrator, auditor or member."))
}

/// The rows behind the one of id `after`, and one more than a page holds.
fn behind<T>(rows: Vec<T>, asked: &Asked, prefix: &str, id: impl Fn(&T) -> &str) -> Result<Vec<T>, Problem> {
    let after = asked.id("after", prefix)?;
    if after.is_empty() {
        return Ok(rows);
    }
    let at = rows.iter().position(|row| id(row) == after).map_or(rows.len(), |at| at + 1);
    Ok(rows.into_iter().skip(at).collect())
}

/// `GET /v1/team`
#[utoipa::path(
    get, path = "/v1/team", tag = "Team", operation_id = "list_team",
    summary = "List the team", description = "Administrators first. With the session token of an administrator or an auditor.",
    security(("bearer" = [])),
    params(Query),
    responses((status = 200, description = "A page of people.", body = Page<Member>)),
)]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Result<Json<Page<Member>>, Problem> {
    let session = seeing(&app, &caller)?;
    let limit = asked.limit()?;
    let people = users::list(&app.db, &session.user.account_id).await?;
    let people = behind(people, &asked, "usr", |person| &person.id)?;
    Ok(Json(Page::of(people, limit, |person| person.id.clone(), Member::from)))
}

/// `PATCH /v1/team/{id}`
#[utoipa::path(
    patch, path = "/v1/team/{id}", tag = "Team", operation_id = "change_role",
    summary = "Change somebody’s role", description = "Signs them out everywhere. Within five minutes of signing in.",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Their id.", pattern = "^usr_[0-9A-Za-z]{16}$")),
    request_body = NewRole,
    responses(
        (status = 204, description = "They have the role."),
        (status = 409, description = "Nobody could manage the account without them.", body = ErrorBody),
        (status = 422, description = "There is no such role.", body = ErrorBody),
    ),
)]
pub async fn change_role(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    body: Result<Body<NewRole>, Problem>,
) -> Result<StatusCode, Problem> {
    let session = changing_afresh(&app, &caller)?;
    let role = role(&body?.0.role)?;
    let person = find(&app, &session, &id).await?;
    done(team::change_role(&app.db, &app.act(&caller.actor), &person, role).await?)?;
    app.post.bell.notify_one();
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /v1/team/{id}?keys=`
#[utoipa::path(
    delete, path = "/v1/team/{id}", tag = "Team", operation_id = "remove_member",
    summary = "Remove somebody", description = "Ends their sessions at once. Within five minutes of signing in.",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Their id.", pattern = "^usr_[0-9A-Za-z]{16}$"), Leaving),
    responses(
        (status = 204, description = "They are not of the team any more."),
        (status = 409, description = "Nobody could manage the account without them.", body = ErrorBody),
    ),
)]
pub async fn remove(State(app): State<App>, caller: Caller, Id(id): Id, asked: Asked) -> Result<StatusCode, Problem> {
    let session = changing_afresh(&app, &caller)?;
    let keys = match asked.get("keys")? {
        "" | "keep" => Keys::Keep,
        "delete" if app.product.offers(KeyAct::Delete) => Keys::Delete,
        _ => return Err(Problem::bad_request("keys is keep or, where keys can be deleted, delete.")),
    };
    let person = find(&app, &session, &id).await?;
    done(team::remove(&app.db, &app.act(&caller.actor), &person, keys).await?)?;
    app.post.bell.notify_one();
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/team/invitations`
#[utoipa::path(
    get, path = "/v1/team/invitations", tag = "Team", operation_id = "list_invitations",
    summary = "List invitations", description = "Those that nobody has taken, the newest first.",
    security(("bearer" = [])),
    params(Query),
    responses((status = 200, description = "A page of invitations.", body = Page<Invitation>)),
)]
pub async fn list_invitations(
    State(app): State<App>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Page<Invitation>>, Problem> {
    let session = seeing(&app, &caller)?;
    let limit = asked.limit()?;
    let open = invitations::list(&app.db, &session.user.account_id).await?;
    let open = behind(open, &asked, "inv", |invitation| &invitation.id)?;
    Ok(Json(Page::of(open, limit, |invitation| invitation.id.clone(), Invitation::from)))
}

/// `POST /v1/team/invitations`
#[utoipa::path(
    post, path = "/v1/team/invitations", tag = "Team", operation_id = "invite",
    summary = "Invite somebody", description = "Mails them a link for seven days. An administrator is invited within five minutes of signing in.",
    security(("bearer" = [])),
    request_body = NewInvitation,
    responses(
        (status = 202, description = "The email is on its way."),
        (status = 409, description = "They are in the team already.", body = ErrorBody),
        (status = 422, description = "The address or the role is not valid.", body = ErrorBody),
    ),
)]
pub async fn invite(
    State(app): State<App>,
    caller: Caller,
    info: RequestInfo,
    body: Result<Body<NewInvitation>, Problem>,
) -> Result<StatusCode, Problem> {
    let mut session = changing(&app, &caller)?;
    let Body(asked) = body?;
    let address = email::parse(&asked.email);
    let address =
        address.ok_or_else(|| Problem::invalid("email", "Enter an email address, such as ana@example.com."))?;
    let role = role(&asked.role)?;
    if role == Role::Administrator {
        session = changing_afresh(&app, &caller)?;
    }
    spend_visit(&app, &info)?;
    spend_mail(&app, &address)?;
    match invitations::invite(&app.db, &app.act(&caller.actor), &session.user, &address, role).await? {
        Invited::Now => {}
        Invited::Here => return Err(Problem::conflict("Somebody of the team has this address already.")),
        Invited::NotAdministrator => return Err(Problem::role_required("change the team")),
    }
    app.post.bell.notify_one();
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE /v1/team/invitations/{id}`
#[utoipa::path(
    delete, path = "/v1/team/invitations/{id}", tag = "Team", operation_id = "withdraw_invitation",
    summary = "Withdraw an invitation", description = "Its link does not work any more.",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The invitation’s id.", pattern = "^inv_[0-9A-Za-z]{16}$")),
    responses((status = 204, description = "It is withdrawn.")),
)]
pub async fn withdraw(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    let session = changing(&app, &caller)?;
    let withdrawn = invitations::withdraw(&app.db, &app.act(&caller.actor), &session.user.account_id, &id).await?;
    withdrawn.map(|_| StatusCode::NO_CONTENT).ok_or_else(Problem::not_found)
}

async fn find(app: &App, session: &Session, id: &str) -> Result<User, Problem> {
    users::find_in(&app.db, &session.user.account_id, id).await?.ok_or_else(Problem::not_found)
}

fn done<T>(changed: Result<T, Refused>) -> Result<T, Problem> {
    changed.map_err(|refused| match refused {
        Refused::Gone => Problem::not_found(),
        Refused::LastAdministrator => {
            Problem::conflict("They are the only administrator. Make somebody else one first.")
        }
        Refused::NotAdministrator => Problem::role_required("change the team"),
    })
}

impl From<users::Person> for Member {
    fn from(person: users::Person) -> Self {
        Self {
            id: person.id,
            email: person.email,
            name: person.name,
            role: person.role.to_string(),
            two_factor: person.has_factor,
            last_seen_at: person.last_seen_at.map(Moment),
        }
    }
}

impl From<invitation::Invitation> for Invitation {
    fn from(open: invitation::Invitation) -> Self {
        Self {
            id: open.id,
            email: open.email,
            role: open.role.to_string(),
            created_at: Moment(open.created_at),
            expires_at: Moment(open.expires_at),
        }
    }
}
