//! The browser that a request comes from, as far as it is known: what its device cookie holds, and what it is given where
//! somebody signs in. Read on pages only. The cookie opens nothing, and outlives a sign-out.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::middleware::Next;
use axum::response::Response;

use super::App;
use super::audience::Entry;
use super::error::Error;
use super::request::{RequestInfo, cookie};
use crate::model::known_device::{LIFETIME, Token};
use crate::model::proof::amr;
use crate::model::user::User;
use crate::store::devices::Shown;
use crate::store::sessions::{self, Kind, Opening};
use crate::store::users::{self, Reset};

/// The browser of one request. What it holds stays out of logs.
#[derive(Clone, Default)]
pub struct Browser(Arc<Inner>);

#[derive(Default)]
struct Inner {
    held: Option<Token>,
    /// What goes out with the answer.
    given: Mutex<Option<Token>>,
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Browser(…)")
    }
}

impl Browser {
    fn holding(held: Option<Token>) -> Self {
        Self(Arc::new(Inner { held, given: Mutex::default() }))
    }

    /// The hash of what it holds.
    pub fn hash(&self) -> Option<String> {
        self.0.held.as_ref().map(Token::hash)
    }

    /// Gives it `fresh`, or what it holds for another year.
    fn give(&self, fresh: Option<Token>) {
        let token = fresh.or_else(|| self.0.held.clone());
        *self.0.given.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    fn given(&self) -> Option<Token> {
        self.0.given.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Recognises the browser of a request, and gives it what a sign-in on the way had for it.
pub async fn recognise(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let browser = Browser::holding(cookie(request.headers(), cookie_name(&app)).and_then(Token::read));
    if let Some(info) = request.extensions_mut().get_mut::<RequestInfo>() {
        info.browser = browser.clone();
    }
    let mut response = next.run(request).await;
    if let Some(token) = browser.given() {
        set_cookie(&app, &mut response, &token);
    }
    response
}

/// Starts a session of `user` in this browser, which is known to be theirs from then on. Answers the session's id.
pub async fn start_session(app: &App, info: &RequestInfo, user: &User, entry: Entry<'_>) -> Result<String, Error> {
    let visitor = info.visitor();
    let (hash, fresh) = (info.browser.hash(), Token::generate(&app.entropy));
    let fresh_hash = fresh.hash();
    let shown = Shown::Browser { hash: hash.as_deref(), fresh_hash: &fresh_hash };
    let kind = Kind::Browser { remembered: entry.remember };
    let opening = Opening { kind, amr: &amr(entry.proofs), shown: Some(shown) };
    let started = sessions::start(&app.db, &app.act(&visitor), user, opening).await?;
    info.browser.give(started.on_new_device.then_some(fresh));
    if started.on_new_device {
        app.post.bell.notify_one();
    }
    Ok(started.id)
}

/// Gives `user` the password that they chose by a mailed link; this browser is known to be theirs from then on. Answers
/// `false` if the link does not work any more.
pub async fn reset_password(
    app: &App,
    info: &RequestInfo,
    user: &User,
    password_hash: &str,
    token_hash: &str,
) -> Result<bool, Error> {
    let actor = info.visitor().as_user(user, "");
    let (hash, fresh) = (info.browser.hash(), Token::generate(&app.entropy));
    let fresh_hash = fresh.hash();
    let shown = Shown::Browser { hash: hash.as_deref(), fresh_hash: &fresh_hash };
    let reset = Reset { token_hash, password_hash, shown };
    let done = users::reset_password(&app.db, &app.act(&actor), user, reset).await?;
    if done {
        info.browser.give(Some(fresh));
        app.post.bell.notify_one();
    }
    Ok(done)
}

fn cookie_name(app: &App) -> &'static str {
    if app.is_https() { "__Host-keydesk-device" } else { "keydesk-device" }
}

/// Lax, not Strict: whoever comes back from an issuer comes from another site.
fn set_cookie(app: &App, response: &mut Response, token: &Token) {
    let (name, secure) = (cookie_name(app), if app.is_https() { "; Secure" } else { "" });
    let (value, seconds) = (token.reveal(), LIFETIME.as_secs());
    let line = format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(SET_COOKIE, line);
    }
}
