//! Inviting somebody by their address, sending the invitation once more, and withdrawing it. Making somebody an
//! administrator asks for the password here too: an unlocked desk must not hand the account on.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Choice, choices};
use crate::model::email;
use crate::model::key_form::FieldErrors;
use crate::model::name::isolated;
use crate::model::user::Role;
use crate::store::invitations::{self, Invited};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::{Error, Missing};
use crate::web::form::{Fields, Form, Id, Query, link};
use crate::web::people::{spend_mail, spend_try};
use crate::web::{App, page, see_other};

const FORM: &str = "/settings/team/invitations/new";

#[derive(Template)]
#[template(path = "team/invite.html")]
struct Invite<'a> {
    chrome: Chrome,
    email: &'a str,
    choices: Vec<Choice>,
    errors: FieldErrors,
}

impl<'a> Invite<'a> {
    async fn of(app: &App, me: &Me, fields: &'a Fields, errors: FieldErrors) -> Result<Response, Error> {
        let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let mut chrome = Chrome::of(app, me, Place::Team).await?;
        chrome.here = FORM.into();
        let chosen = fields.get("role").parse().unwrap_or(Role::Member);
        Ok(page(status, &Invite { chrome, email: fields.get("email"), choices: choices(app, chosen), errors }))
    }
}

/// `GET /settings/team/invitations/new?email=&role=`
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    Invite::of(&app, &me, &query, FieldErrors::default()).await
}

/// `POST /settings/team/invitations`
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    let (address, role) = match read(&fields) {
        Ok(read) => read,
        Err(errors) => return Invite::of(&app, &me, &fields, errors).await,
    };
    if role == Role::Administrator {
        me.confirmed(&app, &link(FORM, &[("email", &address), ("role", role.as_str())]))?;
    }
    spend_try(&app, &me.info, &address)?;
    spend_mail(&app, &address)?;
    match invitations::invite(&app.db, &me.act(&app), me.user(), &address, role).await? {
        Invited::Now => {}
        Invited::Here => {
            let errors = ("email", format!("{} is in the team already.", isolated(&address))).into();
            return Invite::of(&app, &me, &fields, errors).await;
        }
        Invited::NotAdministrator => return Err(Error::SignInRequired { next: String::new() }),
    }
    app.post.bell.notify_one();
    Flash::good(&address, &format!(" is invited as {}. The link in the email works for 7 days.", role.in_words()))
        .keep(&me)
        .await?;
    Ok(see_other("/settings/team"))
}

fn read(fields: &Fields) -> Result<(String, Role), FieldErrors> {
    let mut errors = FieldErrors::default();
    let address = email::parse(fields.get("email"));
    if address.is_none() {
        errors.add("email", "Enter an email address, such as ana@example.com.");
    }
    let role = fields.get("role").parse();
    if role.is_err() {
        errors.add("role", "Choose a role.");
    }
    match (address, role) {
        (Some(address), Ok(role)) => Ok((address, role)),
        _ => Err(errors),
    }
}

/// `POST /settings/team/invitations/{id}/send-again`
pub async fn send_again(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    spend_try(&app, &me.info, &id)?;
    spend_mail(&app, &id)?;
    let sent = invitations::send_again(&app.db, &me.act(&app), me.account_id(), &id).await?;
    let address = sent.ok_or(Error::NotFound(Missing::Person))?;
    app.post.bell.notify_one();
    Flash::good(&address, " will get an email with a new link, which works for 7 days.").keep(&me).await?;
    Ok(see_other("/settings/team"))
}

/// `POST /settings/team/invitations/{id}/withdraw`
pub async fn withdraw(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    let withdrawn = invitations::withdraw(&app.db, &me.act(&app), me.account_id(), &id).await?;
    let address = withdrawn.ok_or(Error::NotFound(Missing::Person))?;
    let said = format!(" of {} was withdrawn. Its link doesn’t work any more.", isolated(&address));
    Flash::good("The invitation", &said).keep(&me).await?;
    Ok(see_other("/settings/team"))
}
