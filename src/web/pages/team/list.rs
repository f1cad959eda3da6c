//! The team: who is in the account, who is invited, in which role, and what each role can do.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::clock::Timestamp;
use crate::model::invitation::Invitation;
use crate::model::text;
use crate::product::{KeyAct, Product};
use crate::store::{invitations, users};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::view::{Avatar, Moment};
use crate::web::{App, page};

#[derive(Template)]
#[template(path = "team/list.html")]
struct Team {
    chrome: Chrome,
    people: Vec<Person>,
    invited: Vec<Invited>,
    resources: String,
    /// `create, reveal, rotate and delete`, of what the product offers.
    key_acts: String,
    may_change: bool,
}

fn key_acts(product: &Product) -> String {
    let act = |act: KeyAct| product.offers(act).then(|| act.as_str().to_owned());
    let [create, rotate, delete] = [KeyAct::Create, KeyAct::Rotate, KeyAct::Delete].map(act);
    let acts = [create, Some("reveal".to_owned()), rotate, delete];
    text::list(&acts.into_iter().flatten().collect::<Vec<_>>())
}

struct Person {
    id: String,
    avatar: Avatar,
    name: String,
    email: String,
    role: &'static str,
    is_me: bool,
    has_factor: bool,
    last_seen: Option<Moment>,
}

/// Somebody who has not answered yet.
struct Invited {
    id: String,
    email: String,
    role: &'static str,
    sent: Moment,
    /// `expires in 5 days`
    expires: String,
}

impl Invited {
    fn of(invitation: Invitation, now: Timestamp) -> Self {
        let expires = if invitation.works(now) {
            format!("expires {}", text::until(invitation.expires_at, now))
        } else {
            format!("expired {}", text::date(invitation.expires_at))
        };
        Self {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role.label(),
            sent: Moment::date(invitation.created_at),
            expires,
        }
    }
}

/// `GET /settings/team`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let now = app.now();
    let person = |person: users::Person| Person {
        avatar: Avatar::of(&person.id, &person.name),
        is_me: person.id == me.user().id,
        id: person.id,
        name: person.name,
        email: person.email,
        role: person.role.label(),
        has_factor: person.has_factor,
        last_seen: person.last_seen_at.map(|at| Moment::ago(at, now)),
    };
    let people = users::list(&app.db, me.account_id()).await?.into_iter().map(person).collect();
    let invited = invitations::list(&app.db, me.account_id()).await?;
    let shown = Team {
        chrome: Chrome::of(&app, &me, Place::Team).await?,
        people,
        invited: invited.into_iter().map(|invitation| Invited::of(invitation, now)).collect(),
        resources: app.product.words.resources.clone(),
        key_acts: key_acts(&app.product),
        may_change: me.is_administrator(),
    };
    Ok(page(StatusCode::OK, &shown))
}
