//! Another role for somebody, or for oneself: the page says what happens before the button does it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Choice, choices, find, objection};
use crate::model::user::{Role, User};
use crate::store::team;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::{Fields, Form, Id, Query, link};
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "team/role.html")]
struct ChangeRole {
    chrome: Chrome,
    person: User,
    is_me: bool,
    choices: Vec<Choice>,
    error: Option<String>,
}

impl ChangeRole {
    async fn of(app: &App, me: &Me, person: User, chosen: Role) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Team).await?;
        chrome.here = here(&person);
        let is_me = person.id == me.user().id;
        Ok(Self { chrome, person, is_me, choices: choices(app, chosen), error: None })
    }
}

fn here(person: &User) -> String {
    format!("/settings/team/{}/role", person.id)
}

/// The form, with the role that is chosen if it is one.
fn chosen(person: &User, fields: &Fields) -> String {
    let role = fields.get("role").parse().map_or("", Role::as_str);
    link(&here(person), &[("role", role)])
}

/// `GET /settings/team/{id}/role?role=`: with the choice of somebody who was sent away to prove who they are.
pub async fn show(State(app): State<App>, me: Me, Id(id): Id, Query(query): Query) -> Result<Response, Error> {
    let person = find(&app, &me, &id).await?;
    me.confirmed(&app, &chosen(&person, &query))?;
    let role = query.get("role").parse().unwrap_or(person.role);
    Ok(page(StatusCode::OK, &ChangeRole::of(&app, &me, person, role).await?))
}

/// `POST /settings/team/{id}/role`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    let person = find(&app, &me, &id).await?;
    me.confirmed(&app, &chosen(&person, &fields))?;
    let Ok(role) = fields.get("role").parse::<Role>() else {
        return again(&app, &me, person, "Choose a role.".into()).await;
    };
    let changed = match team::change_role(&app.db, &me.act(&app), &person, role).await? {
        Ok(changed) => changed,
        Err(refused) => {
            let sentence = objection(refused, &person)?;
            return again(&app, &me, person, sentence).await;
        }
    };
    app.post.bell.notify_one();
    if changed && person.id == me.user().id {
        return Ok(see_other("/sign-in"));
    }
    let said = if changed { "is now" } else { "is already" };
    Flash::good(&person.name, &format!(" {said} {}.", role.in_words())).keep(&me).await?;
    Ok(see_other("/settings/team"))
}

async fn again(app: &App, me: &Me, person: User, sentence: String) -> Result<Response, Error> {
    let role = person.role;
    let again = ChangeRole { error: Some(sentence), ..ChangeRole::of(app, me, person, role).await? };
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again))
}
