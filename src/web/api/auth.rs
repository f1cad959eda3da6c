//! `/api/auth/*`: sign up, sign in, refresh and sign out without a browser. The answer is a ten-minute session token and
//! a refresh token; their authority is the session, and ending it ends both.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::body::Body;
use super::error_body::ErrorBody;
use super::moment::Moment;
use super::problem::Problem;
use crate::model::proof::{Proof, amr};
use crate::model::refresh_token;
use crate::model::session_token::Subject;
use crate::model::user::User;
use crate::store::devices::Shown;
use crate::store::refresh_tokens::{self, Rotated};
use crate::store::second_factors;
use crate::store::sessions::{self, Kind, Opening, Started};
use crate::web::App;
use crate::web::error::Error;
use crate::web::people::{Application, Refused, admit, authenticate};
use crate::web::request::RequestInfo;
use crate::web::second_factor::prove_by_code;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    #[schema(format = Email, max_length = 254)]
    email: String,
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 256)]
    password: Zeroizing<String>,
}

/// What somebody logs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[schema(format = Email, max_length = 254)]
    email: String,
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 256)]
    password: Zeroizing<String>,
    /// Six digits of their authenticator app, or a recovery code; of whoever has two-factor.
    #[serde(default)]
    #[schema(value_type = String, max_length = 40)]
    code: Zeroizing<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    #[schema(value_type = String)]
    refresh_token: Zeroizing<String>,
}

/// Somebody with an account.
#[derive(Serialize, ToSchema)]
pub struct Person {
    #[schema(pattern = "^usr_[0-9A-Za-z]{16}$")]
    id: String,
    email: String,
    /// Whether they are staff of the platform itself, not of the account.
    #[serde(rename = "isAdmin")]
    is_admin: bool,
}

/// What whoever signed in holds from now on.
#[derive(Serialize, ToSchema)]
pub struct Granted {
    /// The session token: a Bearer credential until `expires_at`.
    #[schema(value_type = String)]
    token: Zeroizing<String>,
    expires_at: Moment,
    /// Good for one `POST /api/auth/refresh`.
    #[schema(value_type = String)]
    refresh_token: Zeroizing<String>,
    user: Person,
}

/// `POST /api/auth/signup`
#[utoipa::path(
    post, path = "/api/auth/signup", tag = "Sessions", operation_id = "sign_up",
    summary = "Sign up", description = "Makes an account; whoever signs up is its administrator.",
    request_body = Credentials,
    responses(
        (status = 201, description = "The account stands, and you are signed in.", body = Granted),
        (status = 422, description = "The email or the password is not valid; `field` and `errors` say why.", body = ErrorBody),
        (status = 429, description = "Too many tries from this address.", body = ErrorBody),
    ),
)]
pub async fn sign_up(
    State(app): State<App>,
    info: RequestInfo,
    Body(credentials): Body<Credentials>,
) -> Result<(StatusCode, Json<Granted>), Problem> {
    let application = Application { account: String::new(), email: credentials.email, password: credentials.password };
    match admit(&app, &info, application).await {
        Ok(user) => Ok((StatusCode::CREATED, start(&app, &info, &user, &[Proof::Password]).await?)),
        Err(Refused::Mistakes(errors)) => Err(Problem::mistakes(&errors)),
        Err(Refused::Error(error)) => Err(error.into()),
    }
}

/// `POST /api/auth/login`
#[utoipa::path(
    post, path = "/api/auth/login", tag = "Sessions", operation_id = "log_in",
    summary = "Sign in", description = "Starts a session and answers its first token. Whoever has two-factor sends a code with it.",
    request_body = Login,
    responses(
        (status = 200, description = "You are signed in.", body = Granted),
        (status = 401, description = "The email, the password or the code is not right, or a code is missing (`second_factor_required`).", body = ErrorBody),
        (status = 403, description = "The account asks for two-factor, and nobody has set it up (`second_factor_missing`).", body = ErrorBody),
        (status = 429, description = "Too many tries from this address, or at this account.", body = ErrorBody),
    ),
)]
pub async fn log_in(
    State(app): State<App>,
    info: RequestInfo,
    Body(login): Body<Login>,
) -> Result<Json<Granted>, Problem> {
    let user = authenticate(&app, &info, &login.email, login.password).await?;
    let user = user.ok_or_else(Problem::wrong_password)?;
    let second = second_factor(&app, &info, &user, login.code).await?;
    let proofs: Vec<Proof> = [Some(Proof::Password), second].into_iter().flatten().collect();
    start(&app, &info, &user, &proofs).await
}

/// What they prove beside the password, if they have anything to.
async fn second_factor(
    app: &App,
    info: &RequestInfo,
    user: &User,
    code: Zeroizing<String>,
) -> Result<Option<Proof>, Problem> {
    if !second_factors::of(&app.db, &user.id).await?.any() {
        let rule = second_factors::rule(&app.db, &user.account_id).await?;
        return if rule.required_at.is_some() { Err(Problem::second_factor_missing()) } else { Ok(None) };
    }
    if code.is_empty() {
        return Err(Problem::second_factor_required());
    }
    let proof = prove_by_code(app, info, user, &code).await?;
    Ok(Some(proof.ok_or_else(Problem::wrong_code)?))
}

/// `POST /api/auth/refresh`: spends a refresh token for its successor.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "Sessions", operation_id = "refresh",
    summary = "Refresh a session token", description = "Spends the refresh token for a new pair. Sent again within 10 seconds it answers the same successor, so that a lost answer can be asked for again; later, somebody has copied it, and the session ends.",
    request_body = RefreshToken,
    responses(
        (status = 200, description = "The new pair.", body = Granted),
        (status = 401, description = "The refresh token is unknown, spent or expired.", body = ErrorBody),
    ),
)]
pub async fn refresh(
    State(app): State<App>,
    info: RequestInfo,
    Body(presented): Body<RefreshToken>,
) -> Result<Json<Granted>, Problem> {
    let visitor = info.visitor();
    let act = app.act(&visitor);
    let rotated = refresh_tokens::rotate(&app.db, &act, &presented.refresh_token).await?;
    let Rotated { session_id, successor } = rotated.ok_or_else(Problem::spent_token)?;
    let session = sessions::find(&app.db, &session_id, act.at).await?.ok_or_else(Problem::spent_token)?;
    Ok(granted(&app, &session, &successor))
}

/// `POST /api/auth/logout`: ends the session of a refresh token. An unknown one has nothing to end, and that is no
/// news.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "Sessions", operation_id = "log_out",
    summary = "Sign out", description = "Ends the session of a refresh token, and with it every token of it.",
    request_body = RefreshToken,
    responses((status = 204, description = "The session has ended, if there was one.")),
)]
pub async fn log_out(
    State(app): State<App>,
    info: RequestInfo,
    Body(presented): Body<RefreshToken>,
) -> Result<StatusCode, Problem> {
    let now = app.now();
    let id = refresh_tokens::session_of(&app.db, &presented.refresh_token, now).await?;
    let Some(id) = id else { return Ok(StatusCode::NO_CONTENT) };
    if let Some(session) = sessions::find(&app.db, &id, now).await? {
        let actor = info.visitor().as_user(&session.user, &session.id);
        sessions::end(&app.db, &app.act(&actor), &session).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn start(app: &App, info: &RequestInfo, user: &User, proofs: &[Proof]) -> Result<Json<Granted>, Problem> {
    let visitor = info.visitor();
    let act = app.act(&visitor);
    let opening = Opening { kind: Kind::Api, amr: &amr(proofs), shown: Some(Shown::Program) };
    let Started { id, on_new_device } = sessions::start(&app.db, &act, user, opening).await?;
    if on_new_device {
        app.post.bell.notify_one();
    }
    let token = refresh_token::generate(&app.entropy);
    refresh_tokens::keep(&app.db, &id, &token, act.at).await?;
    let session = sessions::find(&app.db, &id, act.at).await?.ok_or(Error::Internal)?;
    Ok(granted(app, &session, &token))
}

fn granted(app: &App, session: &sessions::Session, refresh_token: &str) -> Json<Granted> {
    let user = &session.user;
    let subject = Subject {
        user_id: &user.id,
        session_id: &session.id,
        authenticated_at: session.authenticated_at,
        amr: &session.amr,
    };
    let (token, expires_at) = app.tokens.mint(subject, app.now(), &app.entropy);
    Json(Granted {
        token: token.into(),
        expires_at: Moment(expires_at),
        refresh_token: refresh_token.to_owned().into(),
        user: Person::of(user),
    })
}

impl Person {
    pub(super) fn of(user: &User) -> Self {
        Self { id: user.id.clone(), email: user.email.clone(), is_admin: user.is_staff() }
    }
}
