//! Security: how somebody signs in, and where they are signed in. Ending a session ends every credential of it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::model::device::Device;
use crate::model::key_form::FieldErrors;
use crate::model::key_lifetime::in_words;
use crate::model::{recovery_code, text};
use crate::product::ExpiryPolicy;
use crate::store::account_rules;
use crate::store::identities;
use crate::store::second_factors::{self, Factors};
use crate::store::sessions::{self, Listed};
use crate::store::users::{self, WaysIn};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::{Form, Id};
use crate::web::pages::two_factor::rule::asked;
use crate::web::people::{authenticate, objection};
use crate::web::view::Moment;
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "security/show.html")]
struct Security {
    chrome: Chrome,
    email: String,
    has_password: bool,
    verified: Option<Moment>,
    password_changed: Option<Moment>,
    elsewhere: Option<Elsewhere>,
    two_factor: TwoFactor,
    /// The account's rules, for whoever may change them.
    rules: Option<Rules>,
    sessions: Vec<SessionRow>,
}

/// What somebody has beside the password.
struct TwoFactor {
    on: bool,
    sentence: String,
}

/// What an account asks of its people and its keys.
struct Rules {
    /// Whether everybody needs a second factor.
    two_factor: bool,
    asked: String,
    /// Nothing where keys do not expire.
    lifetime: Option<String>,
}

/// The row of the issuer that people may sign in with.
struct Elsewhere {
    name: String,
    /// The address there, once it is connected.
    connected_as: Option<String>,
}

/// One place where somebody is signed in.
struct SessionRow {
    id: String,
    device: Device,
    is_this: bool,
    signed_in: Moment,
    last_seen: Moment,
    ip: String,
}

impl Elsewhere {
    async fn of(app: &App, me: &Me) -> Result<Option<Self>, Error> {
        let Some(google) = &app.google else { return Ok(None) };
        let connected = identities::of_user(&app.db, &me.user().id, google.issuer()).await?;
        Ok(Some(Self { name: google.name().to_owned(), connected_as: connected.map(|connected| connected.email) }))
    }
}

impl SessionRow {
    fn of(session: Listed, me: &Me, now: Timestamp) -> Self {
        let is_this = session.id == me.session.id;
        Self {
            device: Device::of(&session.user_agent, session.kind == "api"),
            is_this,
            signed_in: Moment::new(session.created_at, text::date_time(session.created_at)),
            last_seen: if is_this { Moment::new(now, "Now".into()) } else { Moment::ago(session.last_seen_at, now) },
            ip: session.ip,
            id: session.id,
        }
    }
}

impl TwoFactor {
    fn of(factors: Factors) -> Self {
        let Factors { app_since, passkeys, codes_left } = factors;
        let app = app_since.map(|at| format!("Authenticator app, added {}", text::date(at)));
        let passkeys = u64::try_from(passkeys).unwrap_or(0);
        let passkeys = (passkeys > 0).then(|| text::count(passkeys, "passkey", "passkeys"));
        let having: Vec<String> = app.into_iter().chain(passkeys).collect();
        if having.is_empty() {
            let sentence = "A code from an app, or a passkey, as well as your password.".into();
            return Self { on: false, sentence };
        }
        let codes = format!("{codes_left} of {} recovery codes left", recovery_code::CODES);
        Self { on: true, sentence: format!("{}. {codes}.", having.join(", ")) }
    }
}

impl Rules {
    async fn of(app: &App, me: &Me) -> Result<Option<Self>, Error> {
        if !me.is_administrator() {
            return Ok(None);
        }
        let rule = second_factors::rule(&app.db, me.account_id()).await?;
        let lifetime = account_rules::key_lifetime(&app.db, me.account_id()).await?;
        let expire = app.product.expiry.policy != ExpiryPolicy::None;
        Ok(Some(Self {
            two_factor: rule.required_at.is_some(),
            asked: asked(&rule),
            lifetime: expire.then(|| in_words(&lifetime.within(&app.product))),
        }))
    }
}

/// `GET /settings/security`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let now = app.now();
    let WaysIn { has_password, email_verified_at, password_changed_at } =
        users::ways_in(&app.db, &me.user().id).await?;
    let sessions = sessions::list(&app.db, &me.user().id, now).await?;
    let shown = Security {
        chrome: Chrome::of(&app, &me, Place::Security).await?,
        email: me.user().email.clone(),
        has_password,
        verified: email_verified_at.map(Moment::date),
        password_changed: password_changed_at.map(Moment::date),
        elsewhere: Elsewhere::of(&app, &me).await?,
        two_factor: TwoFactor::of(second_factors::of(&app.db, &me.user().id).await?),
        rules: Rules::of(&app, &me).await?,
        sessions: sessions.into_iter().map(|session| SessionRow::of(session, &me, now)).collect(),
    };
    Ok(page(StatusCode::OK, &shown))
}

/// `POST /settings/security/sessions/{id}/end`
pub async fn end_session(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    if sessions::end_one(&app.db, &me.act(&app), me.user(), &id).await? {
        Flash::good("That device", " is signed out.").keep(&me).await?;
    }
    Ok(see_other("/settings/security"))
}

/// `POST /settings/security/sessions/end-others`
pub async fn end_others(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let ended = sessions::end_others(&app.db, &me.act(&app), &me.session).await?;
    let devices =
        if ended == 0 { "No other device".into() } else { text::count(ended, "other device", "other devices") };
    let said = match ended {
        0 => " was signed in.",
        1 => " is signed out.",
        _ => " are signed out.",
    };
    Flash::good(&devices, said).keep(&me).await?;
    Ok(see_other("/settings/security"))
}

#[derive(Template)]
#[template(path = "security/password.html")]
struct Password {
    chrome: Chrome,
    email: String,
    errors: FieldErrors,
}

impl Password {
    async fn of(app: &App, me: &Me, errors: FieldErrors) -> Result<Response, Error> {
        let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let chrome = Chrome::of(app, me, Place::Security).await?;
        Ok(page(status, &Self { chrome, email: me.user().email.clone(), errors }))
    }
}

/// `GET /settings/security/password`
pub async fn password(State(app): State<App>, me: Me) -> Result<Response, Error> {
    Password::of(&app, &me, FieldErrors::default()).await
}

/// `POST /settings/security/password`
pub async fn change_password(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    let user = me.user();
    let current = Zeroizing::new(fields.owned("current_password"));
    let new = Zeroizing::new(fields.owned("password"));
    if let Some(sentence) = objection(&app, &new, &[&user.account_name, &user.email]).await? {
        return Password::of(&app, &me, ("password", sentence).into()).await;
    }
    if authenticate(&app, &me.info, &user.email, current).await?.is_none() {
        let sentence = "This isn’t your current password. Type it again.".to_owned();
        return Password::of(&app, &me, ("current_password", sentence).into()).await;
    }
    let hash = app.passwords.hash(new).await.map_err(|_| Error::Busy)?;
    users::change_password(&app.db, &me.act(&app), user, &hash, &me.session.id).await?;
    app.post.bell.notify_one();
    me.renew_cookie();
    me.web.cycle_id().await?;
    Flash::good("Your password", " was changed. Every other device is signed out.").keep(&me).await?;
    Ok(see_other("/settings/security"))
}

/// `GET /.well-known/change-password`: where password managers look for the page.
pub async fn well_known() -> Response {
    see_other("/settings/security/password")
}
