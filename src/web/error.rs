//! What can go wrong with a page, and the page that says so: who can help, what still works, and the request id under
//! which the log knows more. Form mistakes and redirects are not errors.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::form::with_way_back;
use super::request::RequestInfo;
use super::server::limits::within;
use super::view::Moment;
use super::{App, page, see_other};
use crate::clock::Timestamp;
use crate::gate::throttle::Throttled;
use crate::model::text;
use crate::product::Words;
use crate::store::{Ended, Superseded, is_away, many_keys};

#[derive(Clone, Debug)]
pub enum Error {
    /// 404
    NotFound(Missing),
    /// 403, for somebody whose role does not reach.
    Forbidden(Box<Denied>),
    /// 303 to sign-in, and back.
    SignInRequired { next: String },
    /// 303 to the password, and back.
    ConfirmationRequired { next: String },
    /// 429
    TooManyRequests { until: Timestamp, seconds: u64 },
    /// 429, at an account where too many failed: only devices that are known there may try.
    KnownDevicesOnly { seconds: u64 },
    /// 400
    BadRequest(&'static str),
    /// 400, for more keys at once than a page of the list has.
    TooManyKeys,
    /// 408
    TooSlow,
    /// 413
    TooLarge,
    /// 403, for a form that did not come from our own page.
    CrossSite,
    /// 421
    Misdirected,
    /// 405
    MethodNotAllowed,
    /// 503
    Busy,
    /// 503, for work that was given up; its last step may be done all the same.
    Overdue,
    /// 500
    Internal,
}

/// What was looked for.
#[derive(Clone, Copy, Debug)]
pub enum Missing {
    Page,
    Key,
    Inbox,
    Person,
}

/// Who may not do what, and whom to ask.
#[derive(Clone, Debug)]
pub struct Denied {
    /// As in: only … can
    pub who: &'static str,
    /// … do this.
    pub act: String,
    pub user_name: String,
    pub role: &'static str,
    pub account_name: String,
    pub administrators: Vec<String>,
}

impl Denied {
    /// Whether somebody who may can do it in their place: nobody sees a page for somebody else.
    pub fn is_asked_for(&self) -> bool {
        !["see ", "open "].iter().any(|looking| self.act.starts_with(looking))
    }

    /// What they would ask for: the one key they came for, not keys.
    pub fn asked(&self) -> String {
        match (self.act.as_str(), self.act.strip_suffix(" keys")) {
            ("change what keys may do", _) => "change what the key may do".to_owned(),
            (_, Some(verb)) if !verb.contains(' ') => format!("{verb} the key"),
            (act, _) => act.to_owned(),
        }
    }
}

impl Error {
    /// Logs the cause, once; the page shows the request id and nothing else of it.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "A request failed inside");
        Self::Internal
    }

    /// Too many tries; how long to wait is counted from `now`.
    pub fn throttled(Throttled { until }: Throttled, now: Timestamp) -> Self {
        Self::TooManyRequests { until, seconds: whole_seconds(until, now) }
    }

    /// Too many failures at one account.
    pub fn known_devices_only(Throttled { until }: Throttled, now: Timestamp) -> Self {
        Self::KnownDevicesOnly { seconds: whole_seconds(until, now) }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Forbidden(_) | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::SignInRequired { .. } | Self::ConfirmationRequired { .. } => StatusCode::SEE_OTHER,
            Self::TooManyRequests { .. } | Self::KnownDevicesOnly { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::BadRequest(_) | Self::TooManyKeys => StatusCode::BAD_REQUEST,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy | Self::Overdue => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Rounded up: whoever waits as long as they are told is let in.
fn whole_seconds(until: Timestamp, now: Timestamp) -> u64 {
    let wait = until.since(now);
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            error if is_away(&error) => {
                tracing::error!(%error, "The database does not answer");
                Self::Busy
            }
            error if Superseded::is_why(&error) => {
                tracing::error!(%error, "Nothing can be changed here");
                Self::Busy
            }
            error if Ended::is_why(&error) => Self::SignInRequired { next: String::new() },
            error => Self::internal(error),
        }
    }
}

impl From<tower_sessions::session::Error> for Error {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for Error {
    /// The bare status; [`render`] makes the page of it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "errors/error.html")]
struct ErrorPage<'a> {
    theme: &'static str,
    brand: &'a str,
    status: u16,
    title: String,
    lead: Lead,
    actions: Vec<(&'static str, String)>,
    /// Offers to sign in as somebody who may.
    other_user: bool,
    request_id: &'a str,
    at: Moment,
}

/// The sentence below the title.
enum Lead {
    Plain(String),
    Denied(Denied),
    Paused { what: &'static str, until: Moment, wait: String },
}

impl ErrorPage<'_> {
    /// The words for `error`: title, lead, and where to go from here.
    fn words(error: &Error, words: &Words, path: &str) -> (String, Lead, Vec<(&'static str, String)>) {
        let home = vec![("/settings", "Back to settings".to_owned())];
        let plain = |title: &str, lead: &str| (title.to_owned(), Lead::Plain(lead.to_owned()), home.clone());
        match error {
            Error::NotFound(Missing::Key) => (
                "There’s no key here".into(),
                Lead::Plain("It may have been deleted, or it belongs to an account you’re not signed in to. Deleted keys stay in the audit log.".into()),
                vec![("/settings/api-keys", "API keys".into()), ("/settings/audit-log", "Search the audit log".into())],
            ),
            Error::NotFound(Missing::Inbox) => (
                format!("There’s no {} here", words.resource),
                Lead::Plain("It may have been deleted, or it belongs to an account you’re not signed in to.".into()),
                vec![("/settings/inboxes", text::capitalised(&words.resources))],
            ),
            Error::NotFound(Missing::Person) => (
                "There’s nobody here".into(),
                Lead::Plain("They may have been removed, or have joined meanwhile, or belong to an account you’re not signed in to.".into()),
                vec![("/settings/team", "Team".into())],
            ),
            Error::NotFound(Missing::Page) => plain("There’s no page here", "The address may be mistyped, or the page has moved."),
            Error::Forbidden(denied) => (
                format!("Only {} can {}", denied.who, denied.act),
                Lead::Denied((**denied).clone()),
                vec![("/settings/inboxes", format!("Back to {}", words.resources))],
            ),
            Error::TooManyRequests { until, seconds } => (
                format!("Too many tries. {}", if *seconds <= 60 { "Wait a minute." } else { "Try again later." }),
                Lead::Paused {
                    what: paused(path),
                    until: Moment::new(*until, text::exact(*until)),
                    wait: in_words(*seconds),
                },
                match path {
                    "/sign-in" => vec![("/sign-in", "Try again".into()), ("/forgot-password", "Reset the password".into())],
                    _ => vec![(way_back(path), "Try again".into())],
                },
            ),
            Error::KnownDevicesOnly { .. } => (
                "Too many tries for this email".into(),
                Lead::Plain("Too many sign-ins with it have failed, so for now it can only be used on a device where it was used before. Sign in on one of those, or reset the password by email: that works right away, and this device counts from then on. Your API keys are not affected.".into()),
                vec![("/forgot-password", "Reset the password".into()), (way_back(path), "Try again".into())],
            ),
            Error::BadRequest(why) => plain("That didn’t arrive in one piece", why),
            Error::TooManyKeys => (
                "That’s too many keys at once".into(),
                Lead::Plain(format!("Choose at most {}. Nothing was changed.", many_keys::MOST)),
                vec![("/settings/api-keys", "API keys".into())],
            ),
            Error::TooSlow => plain("This took too long to arrive", "Your connection may be slow. Nothing was changed. Go back and press the button again."),
            Error::TooLarge => plain("That’s too much for one form", "A form may hold 64 KiB. Nothing was changed. Go back and make it shorter."),
            Error::CrossSite => plain(
                "This form didn’t come from our page",
                "Your browser says that another site sent it, so nothing was changed. Open the page here and try again.",
            ),
            Error::Misdirected => plain("This isn’t the address of this desk", "Open it under the address that your administrator gave you."),
            Error::MethodNotAllowed => plain("This page can’t be opened that way", "It only answers to a button on another page. Go back and press it there."),
            Error::Busy => plain("Busy right now", "More people are signing in than we take at once, or the database is away. Your API keys are not affected. Try again in a few seconds."),
            Error::Overdue => plain("This took too long", "We gave up on it. It may have been done all the same, so look before you press the button again."),
            Error::SignInRequired { .. } | Error::ConfirmationRequired { .. } | Error::Internal => {
                plain("Something broke on our side", "It isn’t your doing, and nothing was half done. Try again; if it stays, send us the request ID below.")
            }
        }
    }
}

/// What is answered, unless that takes too long. What is given up is what a browser that hangs up would stop too: a change
/// is one transaction, and it is made or it is not.
///
/// # Errors
/// [`Error::Overdue`] if it does.
pub async fn in_time(app: &App, answering: impl Future<Output = Response>) -> Result<Response, Error> {
    within(app.limits.handler, answering).await.map_err(|_| {
        tracing::error!("A request took too long");
        Error::Overdue
    })
}

/// Turns an error into its page.
pub async fn render(State(app): State<App>, info: RequestInfo, request: Request, next: Next) -> Response {
    let wanted_head = request.method() == Method::HEAD;
    let mut response = in_time(&app, next.run(request)).await.unwrap_or_else(IntoResponse::into_response);
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && response.extensions().get::<Error>().is_none() {
        response.extensions_mut().insert(Error::MethodNotAllowed);
    }
    let Some(error) = response.extensions_mut().remove::<Error>() else { return response };
    if let Error::SignInRequired { next } = &error {
        return see_other(&format!("/sign-in{next}"));
    }
    if let Error::ConfirmationRequired { next } = &error {
        return see_other(&with_way_back("/re-authenticate", next));
    }
    let (title, lead, actions) = ErrorPage::words(&error, &app.product.words, &info.path);
    let shown = ErrorPage {
        theme: info.theme.as_str(),
        brand: &app.product.brand.name,
        status: error.status().as_u16(),
        title,
        lead,
        actions,
        other_user: matches!(error, Error::Forbidden(_)),
        request_id: &info.id,
        at: Moment::exact(info.at),
    };
    let mut answer = if wanted_head { error.status().into_response() } else { page(error.status(), &shown) };
    keep(&mut answer, &response, &error);
    answer
}

/// The page to try again from: whoever was throttled behind the door is not sent back before it.
fn way_back(path: &str) -> &'static str {
    let known = [
        "/sign-up",
        "/forgot-password",
        "/settings/security/password",
        "/settings/team",
        "/settings/security",
        "/support",
    ];
    known.into_iter().find(|page| path.starts_with(page)).unwrap_or(match path {
        "/re-authenticate" => "/settings",
        _ => "/sign-in",
    })
}

/// A wait as people count it: in minutes from the second one on, and never shorter than it is.
fn in_words(seconds: u64) -> String {
    if seconds < 120 {
        text::count(seconds, "second", "seconds")
    } else {
        text::count(seconds.div_ceil(60), "minute", "minutes")
    }
}

/// What has to wait, as a sentence begins with it: there is more than one door to knock at too often.
fn paused(path: &str) -> &'static str {
    let known = [
        ("/support", "Looking up is"),
        ("/sign-up", "Sign-up from your network is"),
        ("/forgot-password", "Asking for a link is"),
        ("/settings/team", "Email to this address is"),
        ("/settings/security/verify-email", "Email to this address is"),
        ("/settings", "Trying again is"),
        ("/re-authenticate", "Confirming it’s you is"),
        ("/two-factor", "Typing codes is"),
    ];
    let found = known.into_iter().find(|(page, _)| path.starts_with(page));
    found.map_or("Sign-in from your network is", |(_, what)| what)
}

/// Headers that belong to the status.
fn keep(answer: &mut Response, original: &Response, error: &Error) {
    if let Some(allow) = original.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allow.clone());
    }
    let seconds = match error {
        Error::TooManyRequests { seconds, .. } | Error::KnownDevicesOnly { seconds } => *seconds,
        Error::Busy | Error::Overdue => 5,
        _ => return,
    };
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
}
