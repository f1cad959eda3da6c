//! Between the first factor and the session: whoever has a second one is asked for it. What has been proved so far waits
//! in the web session, for ten minutes, and is worth nothing by itself.

use std::time::Duration;

use axum::response::Response;
use serde::{Deserialize, Serialize};
use tower_sessions::Session as WebSession;
use webauthn_rs::prelude::PublicKeyCredential;

use super::App;
use super::audience::{Entry, sign_in};
use super::error::Error;
use super::passkeys::{Refused, UnderWay, named};
use super::request::RequestInfo;
use super::see_other;
use crate::clock::Timestamp;
use crate::gate::throttle::{PER_ACCOUNT_OF_CODES, PER_ADDRESS_AND_ACCOUNT, PER_KNOWN_DEVICE, Rate};
use crate::model::authenticator::{Authenticator, Holder};
use crate::model::network::source_of;
use crate::model::proof::Proof;
use crate::model::recovery_code;
use crate::model::user::User;
use crate::store::passkeys::{self, Passkey};
use crate::store::{authenticators, devices, recovery_codes, second_factors, users};

const PENDING: &str = "pending";
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// What is said of a code that proves nothing, to somebody with an authenticator app and to somebody without one.
pub fn wrong_code(has_app: bool) -> &'static str {
    if has_app {
        "This code isn’t right, or was used before. Wait for the next one and type that."
    } else {
        "This recovery code isn’t right, or was used before. Type another one."
    }
}

/// Somebody who has proved one factor and owes another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    user_id: String,
    pub first: Proof,
    pub remember: bool,
    pub next: String,
    /// Microseconds.
    since: i64,
}

/// Goes on with somebody who has proved one factor: to `next`, or first to the page that asks for another.
pub async fn go_on(
    app: &App,
    info: &RequestInfo,
    web: &WebSession,
    user: &User,
    (entry, next): (Entry<'_>, &str),
) -> Result<Response, Error> {
    let first = entry.proofs.first().copied().unwrap_or(Proof::Password);
    if first.is_enough() || !second_factors::of(&app.db, &user.id).await?.any() {
        sign_in(app, info, web, user, entry).await?;
        return Ok(see_other(next));
    }
    let since = app.now().micros();
    let pending = Pending { user_id: user.id.clone(), first, remember: entry.remember, next: next.to_owned(), since };
    web.clear().await;
    web.cycle_id().await?;
    web.insert(PENDING, pending).await?;
    Ok(see_other("/two-factor"))
}

/// Who waits in this browser, if what they proved still holds.
pub async fn pending(app: &App, web: &WebSession) -> Result<Option<(User, Pending)>, Error> {
    let Some(pending) = web.get::<Pending>(PENDING).await? else { return Ok(None) };
    let since = Timestamp::from_micros(pending.since);
    if app.now().since(since) >= LIFETIME {
        return Ok(None);
    }
    let Some(user) = users::find(&app.db, &pending.user_id).await? else { return Ok(None) };
    // A password that was changed meanwhile proves nothing any more.
    let changed = users::ways_in(&app.db, &user.id).await?.password_changed_at;
    Ok(changed.is_none_or(|at| at <= since).then_some((user, pending)))
}

/// Tests a code, of the app or for recovery, and spends it.
///
/// # Errors
/// [`Error::TooManyRequests`] before anything is tested.
pub async fn prove_by_code(app: &App, info: &RequestInfo, user: &User, code: &str) -> Result<Option<Proof>, Error> {
    spend_code(app, info, user).await?;
    let proof = if recovery_code::looks_like_one(code) {
        let actor = info.visitor().as_user(user, "");
        let spent = recovery_codes::spend(&app.db, &app.act(&actor), user, &recovery_code::hash(code)).await?;
        app.post.bell.notify_one();
        spent.then_some(Proof::RecoveryCode)
    } else {
        let step = app_of(app, user).await?.and_then(|authenticator| authenticator.step_of(code, app.now()));
        let taken = match step {
            Some(step) => authenticators::take(&app.db, &user.id, step).await?,
            None => false,
        };
        taken.then_some(Proof::Code)
    };
    if proof.is_none() {
        app.gate.refused_sign_ins.note(user.clone(), info.visitor(), info.at);
    }
    Ok(proof)
}

/// A million codes are not many: few tries from one source, and not many from all of them. A browser that is known to be
/// theirs has tries of its own, so that whoever has their password cannot keep them out.
async fn spend_code(app: &App, info: &RequestInfo, user: &User) -> Result<(), Error> {
    let now = app.now();
    let spend = |source: &str, rate: Rate| {
        app.throttle.spend(source, rate, now).map_err(|throttled| Error::throttled(throttled, now))
    };
    if let Some(hash) = info.browser.hash()
        && devices::is_known(&app.db, &hash, &user.email, now).await?
    {
        return spend(&format!("code device {hash} {}", user.id), PER_KNOWN_DEVICE);
    }
    spend(&format!("code {} {}", source_of(info.ip), user.id), PER_ADDRESS_AND_ACCOUNT)?;
    spend(&format!("code {}", user.id), PER_ACCOUNT_OF_CODES)
}

/// The app of a user, opened.
async fn app_of(app: &App, user: &User) -> Result<Option<Authenticator>, Error> {
    let Some(kept) = authenticators::find(&app.db, &user.id).await? else { return Ok(None) };
    let opened = Authenticator::open(&kept.sealed_secret, holder(app, user), &app.keyring);
    Ok(Some(opened.map_err(Error::internal)?))
}

/// Whose app, at this desk.
pub fn holder<'a>(app: &'a App, user: &'a User) -> Holder<'a> {
    Holder {
        installation_id: &app.installation_id,
        user_id: &user.id,
        email: &user.email,
        brand: &app.product.brand.name,
    }
}

/// Whose passkey this proves to be, unless it proves nothing; then the log knows why.
pub async fn prove_by_passkey(app: &App, web: &WebSession, answer: &str) -> Result<Option<User>, Error> {
    match passkey_of(app, web, answer).await {
        Ok(user) => user,
        Err(refused) => {
            tracing::info!(%refused, "A passkey was refused");
            Ok(None)
        }
    }
}

async fn passkey_of(app: &App, web: &WebSession, answer: &str) -> Result<Result<Option<User>, Error>, Refused> {
    let Some(ceremonies) = &app.passkeys else { return Err(Refused::Over) };
    let under_way = UnderWay::take(web, app.now()).await?;
    let since = under_way.since();
    let answer: PublicKeyCredential = serde_json::from_str(answer)?;
    let kept: Option<Passkey> = match passkeys::find(&app.db, &named(answer.get_credential_id())).await {
        Ok(kept) => kept,
        Err(error) => return Ok(Err(error.into())),
    };
    // Used since it was asked for: the same answer, for the second time.
    let fresh = |passkey: &Passkey| passkey.last_used_at.is_none_or(|at| at <= since);
    let passkey = kept.filter(fresh).ok_or(Refused::Over)?;
    let credential = ceremonies.proved(under_way, &answer, &passkey)?;
    Ok(owner(app, &passkey, &credential).await)
}

async fn owner(app: &App, passkey: &Passkey, credential: &str) -> Result<Option<User>, Error> {
    if !passkeys::used(&app.db, passkey, credential, app.now()).await? {
        return Ok(None);
    }
    Ok(users::find(&app.db, &passkey.user_id).await?)
}
