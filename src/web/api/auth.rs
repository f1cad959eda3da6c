//! `/api/auth/*`: sign up, log in, refresh and log out without a browser. The answer is a ten-minute session token and
//! a refresh token; their authority is the session, and ending it ends both.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::body::Body;
use super::problem::Problem;
use crate::model::refresh_token;
use crate::model::session_token::Subject;
use crate::model::user::User;
use crate::store::sessions::{self, Kind};
use crate::web::App;
use crate::web::error::Error;
use crate::web::people::{Application, Refused, admit, authenticate};
use crate::web::request::RequestInfo;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    email: String,
    password: Zeroizing<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    refresh_token: Zeroizing<String>,
}

/// `POST /api/auth/signup`
pub async fn sign_up(
    State(app): State<App>,
    info: RequestInfo,
    Body(credentials): Body<Credentials>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let application = Application { account: String::new(), email: credentials.email, password: credentials.password };
    match admit(&app, &info, application).await {
        Ok(user) => Ok((StatusCode::CREATED, start(&app, &info, &user).await?)),
        Err(Refused::Mistakes(errors)) => Err(Problem::mistakes(&errors)),
        Err(Refused::Error(error)) => Err(error.into()),
    }
}

/// `POST /api/auth/login`
pub async fn log_in(
    State(app): State<App>,
    info: RequestInfo,
    Body(credentials): Body<Credentials>,
) -> Result<Json<Value>, Problem> {
    let user = authenticate(&app, &info, &credentials.email, credentials.password).await?;
    start(&app, &info, &user.ok_or_else(Problem::wrong_password)?).await
}

/// `POST /api/auth/refresh`: spends a refresh token for its successor.
pub async fn refresh(
    State(app): State<App>,
    info: RequestInfo,
    Body(presented): Body<RefreshToken>,
) -> Result<Json<Value>, Problem> {
    let visitor = info.visitor();
    let act = app.act(&visitor);
    let successor = refresh_token::generate(&app.entropy);
    let (spent, kept) = (refresh_token::hash(&presented.refresh_token), refresh_token::hash(&successor));
    let session_id = sessions::rotate_refresh_token(&app.db, &act, &spent, &kept).await?;
    let session_id = session_id.ok_or_else(Problem::spent_token)?;
    let session = sessions::find(&app.db, &session_id, act.at).await?.ok_or_else(Problem::spent_token)?;
    Ok(granted(&app, &session, &successor))
}

/// `POST /api/auth/logout`: ends the session of a refresh token. An unknown one has nothing to end, and that is no
/// news.
pub async fn log_out(
    State(app): State<App>,
    info: RequestInfo,
    Body(presented): Body<RefreshToken>,
) -> Result<StatusCode, Problem> {
    let now = app.now();
    let hash = refresh_token::hash(&presented.refresh_token);
    let Some(id) = sessions::of_refresh_token(&app.db, &hash, now).await? else { return Ok(StatusCode::NO_CONTENT) };
    if let Some(session) = sessions::find(&app.db, &id, now).await? {
        let actor = info.visitor().as_user(&session.user, &session.id);
        sessions::end(&app.db, &app.act(&actor), &session).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn start(app: &App, info: &RequestInfo, user: &User) -> Result<Json<Value>, Problem> {
    let visitor = info.visitor();
    let act = app.act(&visitor);
    let id = sessions::start(&app.db, &act, user, Kind::Api).await?;
    let token = refresh_token::generate(&app.entropy);
    sessions::keep_refresh_token(&app.db, &id, &refresh_token::hash(&token), act.at).await?;
    let session = sessions::find(&app.db, &id, act.at).await?.ok_or(Error::Internal)?;
    Ok(granted(app, &session, &token))
}

fn granted(app: &App, session: &sessions::Session, refresh_token: &str) -> Json<Value> {
    let user = &session.user;
    let subject = Subject { user_id: &user.id, session_id: &session.id, signed_in_at: session.created_at };
    let (token, expires_at) = app.tokens.mint(subject, app.now(), &app.entropy);
    Json(json!({
        "token": token,
        "expires_at": expires_at.to_string(),
        "refresh_token": refresh_token,
        "user": { "id": user.id, "email": user.email, "isAdmin": user.is_staff() },
    }))
}
