//! Adding an inbox: a name; its address is made from it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::model::name::isolated;
use crate::product::Words;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::Form;
use crate::web::new_inbox::{Refused, add, name_taken};
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "inboxes/new.html")]
struct New<'a> {
    chrome: Chrome,
    words: &'a Words,
    name: String,
    error: Option<String>,
}

impl<'a> New<'a> {
    async fn of(app: &'a App, me: &Me, name: &str, error: Option<String>) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Inboxes).await?;
        chrome.here = "/settings/inboxes/new".into();
        Ok(Self { chrome, words: &app.product.words, name: name.into(), error })
    }

    async fn again(app: &'a App, me: &Me, name: &str, why: String) -> Result<Response, Error> {
        Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &Self::of(app, me, name, Some(why)).await?))
    }
}

/// `GET /settings/inboxes/new`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    Ok(page(StatusCode::OK, &New::of(&app, &me, "", None).await?))
}

/// `POST /settings/inboxes`
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    let name = fields.get("name");
    match add(&app, &me.act(&app), me.account_id(), name, None).await {
        Ok(inbox) => {
            Flash::good(&inbox.name, " is ready.").keep(&me).await?;
            Ok(see_other("/settings/inboxes"))
        }
        Err(Refused::Name(why)) => New::again(&app, &me, name, why).await,
        Err(Refused::NameTaken) => {
            let why = name_taken(&isolated(name.trim()), &app.product.words);
            New::again(&app, &me, name, why).await
        }
        Err(Refused::Before(_) | Refused::OtherRequest) => Ok(see_other("/settings/inboxes")),
        Err(Refused::Database(error)) => Err(error.into()),
    }
}
