//! Who may come in, for pages, JSON and the command line alike: sign-up makes an account, sign-in tests a password.
//! Throttled before anything is hashed; unknown, wrong and passwordless cost the same and read the same. However many
//! strangers try, whoever is known by their browser, or reads their mail, gets in.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::App;
use super::error::Error;
use super::request::RequestInfo;
use crate::clock::{Timestamp, days};
use crate::gate::throttle::{
    FAILURES_PER_ACCOUNT, MAILS_PER_ADDRESS, PER_ADDRESS, PER_ADDRESS_AND_ACCOUNT, PER_KNOWN_DEVICE, Rate,
};
use crate::model::api_key::{AllowedIps, KeyType};
use crate::model::audit::Actor;
use crate::model::id_token::Identity;
use crate::model::key_form::{FieldErrors, NewKey};
use crate::model::keyring::hex;
use crate::model::network::source_of;
use crate::model::scopes::Scopes;
use crate::model::secret::Secret;
use crate::model::text::{self, fold};
use crate::model::user::User;
use crate::model::{email, name};
use crate::product::{ExpiryPolicy, Product};
use crate::store::accounts::{self, SignUp, WayIn};
use crate::store::api_keys::Issue;
use crate::store::{devices, users};

const LONGEST_ACCOUNT_NAME: usize = 80;
/// Where an address says nothing of a company.
const PRIVATE_MAIL: [&str; 2] = ["gmail.com", "googlemail.com"];

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

/// The user whose address and password these are. For pages and JSON alike.
///
/// # Errors
/// [`Error::TooManyRequests`] or [`Error::KnownDevicesOnly`] before anything is hashed, [`Error::Busy`] if too many are
/// being hashed.
pub async fn authenticate(
    app: &App,
    info: &RequestInfo,
    email: &str,
    password: Zeroizing<String>,
) -> Result<Option<User>, Error> {
    let guess = Guess::spend(app, info, email).await?;
    let (user, hash) = match email::parse(email) {
        Some(email) => users::find_by_email(&app.db, &email).await?.unzip(),
        None => (None, None),
    };
    let genuine = app.passwords.verify(password, hash.flatten()).await;
    if !matches!(genuine, Ok(false)) {
        guess.did_not_fail(app);
    }
    let genuine = genuine.map_err(|_| Error::Busy)?;
    let Some(user) = user else { return Ok(None) };
    if !genuine {
        app.gate.refused_sign_ins.note(user, info.visitor(), info.at);
        return Ok(None);
    }
    Ok(Some(user))
}

/// A try at a password, paid for before it is known to fail, so that many at once are not more than one after the other.
struct Guess {
    /// The account that a stranger tries; empty for a browser that is known there.
    account: String,
}

impl Guess {
    /// Spends it. A browser that is known to be the user's has tries of its own: those of strangers, be they from
    /// everywhere or from the same network, must not keep it out.
    async fn spend(app: &App, info: &RequestInfo, email: &str) -> Result<Self, Error> {
        let account = digest(email);
        if let Some(hash) = info.browser.hash()
            && devices::is_known(&app.db, &hash, email, app.now()).await?
        {
            spend(app, &format!("device {hash} {account}"), PER_KNOWN_DEVICE)?;
            return Ok(Self { account: String::new() });
        }
        let source = source_of(info.ip);
        spend(app, &source, PER_ADDRESS)?;
        spend(app, &format!("password {source} {account}"), PER_ADDRESS_AND_ACCOUNT)?;
        let now = app.now();
        let failures = app.failures.spend(&account, FAILURES_PER_ACCOUNT, now);
        failures.map_err(|throttled| Error::known_devices_only(throttled, now))?;
        Ok(Self { account })
    }

    /// The password was right, or was not tested.
    fn did_not_fail(self, app: &App) {
        app.failures.give_back(&self.account, FAILURES_PER_ACCOUNT);
    }
}

/// Of an address as it was typed. So that a long one takes no more memory than a short one.
fn digest(email: &str) -> String {
    hex(&Sha256::digest(fold(email)))
}

/// Spends one of the mails that anybody can have sent to an address.
///
/// # Errors
/// [`Error::TooManyRequests`] if there is none left.
pub fn spend_mail(app: &App, email: &str) -> Result<(), Error> {
    spend(app, &format!("mail {}", digest(email)), MAILS_PER_ADDRESS)
}

/// Spends one try of this source, wherever it wants to go.
///
/// # Errors
/// [`Error::TooManyRequests`] if there is none left.
pub fn spend_visit(app: &App, info: &RequestInfo) -> Result<(), Error> {
    spend(app, &source_of(info.ip), PER_ADDRESS)
}

fn spend(app: &App, source: &str, rate: Rate) -> Result<(), Error> {
    let now = app.now();
    app.throttle.spend(source, rate, now).map_err(|throttled| Error::throttled(throttled, now))
}

/// Makes the account, for whoever comes by a page or JSON.
pub async fn admit(app: &App, info: &RequestInfo, application: Application) -> Result<User, Refused> {
    spend_visit(app, info)?;
    enroll(app, &info.visitor(), application).await
}

/// Makes the account for whoever was let in: a visitor, the command line, the bootstrap.
pub async fn enroll(app: &App, actor: &Actor, application: Application) -> Result<User, Refused> {
    let (account_name, address) = checked(app, &application).await?;
    let password_hash = app.passwords.hash(application.password).await.map_err(|_| Error::Busy)?;
    let user = make(app, actor, &account_name, &address, WayIn::Password(&password_hash)).await?;
    user.ok_or_else(|| {
        Refused::Mistakes(("email", "Somebody already signs in with this email. Sign in instead.".to_owned()).into())
    })
}

/// As [`enroll`], for somebody whose issuer has verified their address. Answers `None` if somebody was faster.
pub async fn enroll_identified(app: &App, actor: &Actor, identity: &Identity) -> Result<Option<User>, Error> {
    let account_name = account_name_from(&identity.email);
    Ok(make(app, actor, &account_name, &identity.email, WayIn::Identity(identity)).await?)
}

/// An account, its administrator and the first key.
async fn make(
    app: &App,
    actor: &Actor,
    account_name: &str,
    email: &str,
    way_in: WayIn<'_>,
) -> sqlx::Result<Option<User>> {
    let first = first_key(&app.product, app.now());
    let secret = first.as_ref().map(|new| Secret::generate(&app.product.secret_prefix(&new.environment), &app.entropy));
    let name = email::name_from(email);
    let sign_up = SignUp { account_name, email, name: &name, way_in };
    let reveal = Some(app.product.keys.reveal);
    let issue = first.as_ref().zip(secret.as_ref()).map(|(new, secret)| Issue { new, secret, once: None, reveal });
    accounts::sign_up(&app.db, &app.act(actor), sign_up, issue).await
}

async fn checked(app: &App, application: &Application) -> Result<(String, String), Refused> {
    let mut errors = FieldErrors::default();
    let account = application.account.trim();
    if let Some(objection) = name::objection(account, LONGEST_ACCOUNT_NAME).filter(|_| !account.is_empty()) {
        errors.add("account", objection);
    }
    let address = email::parse(&application.email);
    if address.is_none() {
        errors.add("email", "Enter an email address, such as ana@example.com.");
    }
    let known = [account, &application.email];
    if let Some(objection) = objection(app, &application.password, &known).await? {
        errors.add("password", objection);
    }
    match address {
        Some(address) if errors.is_empty() => {
            Ok((if account.is_empty() { account_name_from(&address) } else { account.to_owned() }, address))
        }
        _ => Err(Refused::Mistakes(errors)),
    }
}

/// What is wrong with a new password, if anything is; `known` are words that its owner would think of first.
pub async fn objection(app: &App, password: &Zeroizing<String>, known: &[&str]) -> Result<Option<String>, Error> {
    let known = known.iter().copied().chain([app.product.brand.name.as_str()]);
    let known = known.map(|word| word.chars().take(100).collect()).collect();
    app.passwords.objection(password.clone(), known).await.map_err(|_| Error::Busy)
}

/// Spends one try of this source to ask for something at this address, such as a link by mail, before anything is looked
/// up or hashed. Wrong passwords do not use these tries up: the mail is the way back in.
///
/// # Errors
/// [`Error::TooManyRequests`] if there is none left.
pub fn spend_try(app: &App, info: &RequestInfo, email: &str) -> Result<(), Error> {
    let source = source_of(info.ip);
    let per_account = format!("{source} {}", digest(email));
    spend(app, &source, PER_ADDRESS)?;
    spend(app, &per_account, PER_ADDRESS_AND_ACCOUNT)
}

/// `ana@halden.example` → `Halden`; a private address is named by its person.
fn account_name_from(address: &str) -> String {
    let domain = address.rsplit('@').next().unwrap_or_default();
    if PRIVATE_MAIL.contains(&fold(domain).as_str()) {
        return email::name_from(address);
    }
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
