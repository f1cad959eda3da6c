//! Joining a team by a mailed link: a name, a password, and whoever holds the link is in. The link is used by pressing the
//! button, never by opening it: mail scanners open everything.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tower_sessions::Session as WebSession;
use zeroize::Zeroizing;

use crate::model::invitation::Invitation;
use crate::model::key_form::FieldErrors;
use crate::model::{email, mailed_link, name};
use crate::store::invitations::{self, Joined, Joining};
use crate::store::users;
use crate::web::audience::{Entry, sign_in};
use crate::web::error::Error;
use crate::web::form::{Form, Query};
use crate::web::pages::home::first_screen;
use crate::web::people::{objection, spend_try};
use crate::web::request::RequestInfo;
use crate::web::{App, page, see_other};

/// Characters in the name of a person.
const LONGEST_NAME: usize = 80;

#[derive(Template)]
#[template(path = "invitation/show.html")]
struct Join<'a> {
    theme: &'static str,
    brand: &'a str,
    token: &'a str,
    standing: Standing,
    name: String,
    errors: FieldErrors,
}

/// What the link is worth.
enum Standing {
    Open(Invitation),
    /// Somebody signs in with the address already, be it in this account.
    Taken {
        invitation: Invitation,
        here: bool,
    },
    /// Over, and whom to ask for another, if the link is known at all.
    Over {
        ask: Option<String>,
    },
}

impl<'a> Join<'a> {
    fn of(app: &'a App, info: &RequestInfo, token: &'a str, standing: Standing) -> Self {
        let name = match &standing {
            Standing::Open(invitation) => email::name_from(&invitation.email),
            _ => String::new(),
        };
        let (theme, brand) = (info.theme.as_str(), &app.product.brand.name);
        Self { theme, brand, token, standing, name, errors: FieldErrors::default() }
    }

    fn answer(&self) -> Response {
        let status = match &self.standing {
            Standing::Over { .. } => StatusCode::GONE,
            Standing::Taken { .. } => StatusCode::CONFLICT,
            Standing::Open(_) if !self.errors.is_empty() => StatusCode::UNPROCESSABLE_ENTITY,
            Standing::Open(_) => StatusCode::OK,
        };
        page(status, self)
    }
}

/// What this link is worth now.
async fn standing(app: &App, token: &str) -> Result<Standing, Error> {
    let Some(invitation) = invitations::find_by_token(&app.db, &mailed_link::hash(token)).await? else {
        return Ok(Standing::Over { ask: None });
    };
    if !invitation.works(app.now()) {
        return Ok(Standing::Over { ask: Some(invitation.whom_to_ask()) });
    }
    Ok(match users::find_by_email(&app.db, &invitation.email).await? {
        Some((user, _)) => Standing::Taken { here: user.account_id == invitation.account_id, invitation },
        None => Standing::Open(invitation),
    })
}

/// `GET /invitation?token=`
pub async fn show(State(app): State<App>, info: RequestInfo, Query(query): Query) -> Result<Response, Error> {
    let token = query.get("token");
    Ok(Join::of(&app, &info, token, standing(&app, token).await?).answer())
}

/// `POST /invitation`
pub async fn create(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    Form(fields): Form,
) -> Result<Response, Error> {
    let (token, password) = (fields.get("token"), Zeroizing::new(fields.owned("password")));
    let invitation = match standing(&app, token).await? {
        Standing::Open(invitation) => invitation,
        over => return Ok(Join::of(&app, &info, token, over).answer()),
    };
    spend_try(&app, &info, &invitation.email)?;
    let name = fields.get("name").trim();
    // Before the link is used: a password that can't be must not use it up.
    let errors = mistakes(&app, &invitation, name, &password).await?;
    if !errors.is_empty() {
        let again = Join::of(&app, &info, token, Standing::Open(invitation));
        return Ok(Join { name: name.to_owned(), errors, ..again }.answer());
    }
    let hash = app.passwords.hash(password).await.map_err(|_| Error::Busy)?;
    let token_hash = mailed_link::hash(token);
    let joining = Joining { invitation: &invitation, token_hash: &token_hash, name, password_hash: &hash };
    match invitations::accept(&app.db, &app.act(&info.visitor()), joining).await? {
        Joined::Now(user) => {
            sign_in(&app, &info, &web, &user, Entry::WITH_NEW_PASSWORD).await?;
            Ok(see_other(first_screen(user.role)))
        }
        // Somebody was faster: what the link is worth has changed.
        Joined::Void | Joined::AddressTaken => {
            let now = standing(&app, token).await?;
            Ok(Join::of(&app, &info, token, now).answer())
        }
    }
}

async fn mistakes(
    app: &App,
    invitation: &Invitation,
    name: &str,
    password: &Zeroizing<String>,
) -> Result<FieldErrors, Error> {
    let mut errors = FieldErrors::default();
    if let Some(sentence) = name::objection(name, LONGEST_NAME) {
        errors.add("name", sentence);
    }
    let known = [name, &invitation.account_name, &invitation.email];
    if let Some(sentence) = objection(app, password, &known).await? {
        errors.add("password", sentence);
    }
    Ok(errors)
}
