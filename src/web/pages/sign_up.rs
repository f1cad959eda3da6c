//! Sign-up: an account, its administrator and its first key, in one transaction; then straight to the first screen.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tower_sessions::Session as WebSession;
use zeroize::Zeroizing;

use crate::clock::{Timestamp, days};
use crate::gate::throttle::{PER_ADDRESS, source_of};
use crate::model::api_key::{AllowedIps, KeyType};
use crate::model::audit::Actor;
use crate::model::key_form::{FieldErrors, NewKey};
use crate::model::scopes::Scopes;
use crate::model::secret::Secret;
use crate::model::user::User;
use crate::model::{email, password, text};
use crate::product::{ExpiryPolicy, Product};
use crate::store::accounts::{self, SignUp};
use crate::web::audience::{sign_in, signed_in};
use crate::web::error::Error;
use crate::web::form::Form;
use crate::web::pages::home::first_screen;
use crate::web::request::RequestInfo;
use crate::web::{App, page, see_other};

const LONGEST_ACCOUNT_NAME: usize = 80;

/// What somebody signs up with. The account may go unnamed; then the address names it.
pub struct Application {
    pub account: String,
    pub email: String,
    pub password: Zeroizing<String>,
}

/// Why there is no account.
pub enum Refused {
    Mistakes(FieldErrors),
    Error(Error),
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

#[derive(Template)]
#[template(path = "sign_up/show.html")]
struct SignUpPage<'a> {
    theme: &'static str,
    brand: &'a str,
    promises_key: bool,
    account: &'a str,
    email: &'a str,
    errors: FieldErrors,
}

/// `GET /sign-up`
pub async fn show(State(app): State<App>, info: RequestInfo, web: WebSession) -> Result<Response, Error> {
    if let Some(me) = signed_in(&app, &info, web).await? {
        return Ok(see_other(first_screen(me.user().role)));
    }
    Ok(page(StatusCode::OK, &form(&app, &info, "", "", FieldErrors::default())))
}

/// `POST /sign-up`
pub async fn create(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    Form(fields): Form,
) -> Result<Response, Error> {
    let application = Application {
        account: fields.owned("account"),
        email: fields.owned("email"),
        password: fields.owned("password").into(),
    };
    match admit(&app, &info, application).await {
        Ok(user) => {
            sign_in(&app, &info, &web, &user, false).await?;
            Ok(see_other("/welcome"))
        }
        Err(Refused::Mistakes(errors)) => {
            let again = form(&app, &info, fields.get("account"), fields.get("email"), errors);
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again))
        }
        Err(Refused::Error(error)) => Err(error),
    }
}

fn form<'a>(app: &'a App, info: &RequestInfo, account: &'a str, email: &'a str, errors: FieldErrors) -> SignUpPage<'a> {
    let promises_key = app.product.sign_up_key.is_some();
    SignUpPage { theme: info.theme.as_str(), brand: &app.product.brand.name, promises_key, account, email, errors }
}

/// Makes the account. For pages and JSON alike.
pub async fn admit(app: &App, info: &RequestInfo, application: Application) -> Result<User, Refused> {
    app.throttle
        .spend(&source_of(info.ip), PER_ADDRESS, info.at)
        .map_err(|throttled| Error::TooManyRequests { until: throttled.until })?;
    enroll(app, &info.visitor(), application).await
}

/// Makes the account for whoever was let in: a visitor, the command line, the bootstrap.
pub async fn enroll(app: &App, actor: &Actor, application: Application) -> Result<User, Refused> {
    let (account_name, address) = checked(&application, &app.product).map_err(Refused::Mistakes)?;
    let password_hash = app.passwords.hash(application.password).await.map_err(|_| Error::Busy)?;
    let first = first_key(&app.product, app.now());
    let secret = first.as_ref().map(|new| Secret::generate(&app.product.secret_prefix(&new.environment), &app.entropy));
    let name = email::name_from(&address);
    let sign_up = SignUp { account_name: &account_name, email: &address, name: &name, password_hash: &password_hash };
    let user = accounts::sign_up(&app.db, &app.act(actor), sign_up, first.as_ref().zip(secret.as_ref())).await?;
    user.ok_or_else(|| {
        Refused::Mistakes(("email", "Somebody already signs in with this email. Sign in instead.".to_owned()).into())
    })
}

fn checked(application: &Application, product: &Product) -> Result<(String, String), FieldErrors> {
    let mut errors = FieldErrors::default();
    let account = application.account.trim();
    let length = account.chars().count();
    if length > LONGEST_ACCOUNT_NAME {
        errors.add("account", format!("Use {LONGEST_ACCOUNT_NAME} characters or fewer. This name has {length}."));
    } else if account.chars().any(char::is_control) {
        errors.add("account", "Use letters, digits, spaces and punctuation only.");
    }
    let address = email::parse(&application.email);
    if address.is_none() {
        errors.add("email", "Enter an email address, such as ana@example.com.");
    }
    let known = [account, application.email.as_str(), product.brand.name.as_str()];
    if let Some(objection) = password::objection(&application.password, &known) {
        errors.add("password", objection);
    }
    match address {
        Some(address) if errors.is_empty() => {
            Ok((if account.is_empty() { account_name_from(&address) } else { account.to_owned() }, address))
        }
        _ => Err(errors),
    }
}

/// `ana@halden.example` → `Halden`.
fn account_name_from(address: &str) -> String {
    let domain = address.rsplit('@').next().unwrap_or_default();
    text::capitalised(domain.split('.').next().unwrap_or_default())
}

/// The key that the definition gives to whoever signs up.
fn first_key(product: &Product, now: Timestamp) -> Option<NewKey> {
    let definition = product.sign_up_key.as_ref()?;
    let scopes = product.preset_scopes(&definition.preset)?;
    let term = product.expiry.default_days.filter(|_| product.expiry.policy == ExpiryPolicy::Required);
    Some(NewKey {
        name: definition.name.clone(),
        key_type: KeyType::Standard,
        environment: definition.environment.clone(),
        inbox_id: None,
        scopes: Scopes::ordered(&scopes, product),
        expires_at: term.map(|term| now + days(term)),
        allowed_ips: AllowedIps::default(),
    })
}
