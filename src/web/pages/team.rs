//! The team: who is in the account, in which role, and what each role can do.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::store::users;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::view::{Avatar, Moment};
use crate::web::{App, page};

#[derive(Template)]
#[template(path = "team/show.html")]
struct Team {
    chrome: Chrome,
    people: Vec<Person>,
    resources: String,
}

struct Person {
    avatar: Avatar,
    name: String,
    email: String,
    role: &'static str,
    is_me: bool,
    last_seen: Option<Moment>,
}

/// `GET /settings/team`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let now = app.now();
    let person = |person: users::Person| Person {
        avatar: Avatar::of(&person.id, &person.name),
        is_me: person.id == me.user().id,
        name: person.name,
        email: person.email,
        role: person.role.label(),
        last_seen: person.last_seen_at.map(|at| Moment::ago(at, now)),
    };
    let people = users::list(&app.db, me.account_id()).await?.into_iter().map(person).collect();
    let chrome = Chrome::of(&app, &me, Place::Team).await?;
    Ok(page(StatusCode::OK, &Team { chrome, people, resources: app.product.words.resources.clone() }))
}
