//! Sign-in with Google, or with the issuer that is set: the way there, the way back, and connecting it to somebody who is
//! signed in. Starts with a link and not a form, because our policy lets no form lead elsewhere.

use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tower_sessions::Session as WebSession;

use crate::model::id_token::{Identity, Refused as TokenRefused};
use crate::model::oidc_transaction::{Fresh, LIFETIME, hash, open_verifier};
use crate::model::proof::Proof;
use crate::model::user::User;
use crate::store::identities::{self, NotLinked};
use crate::store::oidc_transactions::{self, Taken};
use crate::store::users;
use crate::web::audience::{Entry, Me, signed_in};
use crate::web::chrome::Flash;
use crate::web::cross_site::is_same_origin;
use crate::web::error::{Error, Missing};
use crate::web::form::{Fields, Query, own_path, with_way_back};
use crate::web::google::{Failed, Google};
use crate::web::pages::home::first_screen;
use crate::web::people::{enroll_identified, spend_visit};
use crate::web::request::{RequestInfo, cookie};
use crate::web::{App, page, second_factor, see_other};

const SECURITY: &str = "/settings/security";

/// The button *Continue with …*, where there is one.
pub struct Continue<'a> {
    pub name: &'a str,
    pub icon: &'static str,
    pub href: String,
}

impl<'a> Continue<'a> {
    pub fn of(app: &'a App, next: &str) -> Option<Self> {
        let google = app.google.as_ref()?;
        Some(Self { name: google.name(), icon: google.icon(), href: with_way_back("/auth/google", next) })
    }
}

/// Why a sign-in came to nothing, as far as people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// Too late, for the second time, or in another browser.
    Over,
    Cancelled,
    /// The issuer cannot be reached, or talks nonsense.
    Unavailable,
    /// What came back is not believed.
    Refused,
    /// The issuer has not verified the address.
    Unverified,
    /// The identity or the address is somebody's who cannot be linked with it.
    Taken,
}

/// Nobody was let in.
enum Problem {
    Reason(Reason),
    Error(Error),
}

impl<E: Into<Error>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl From<Failed> for Problem {
    fn from(failed: Failed) -> Self {
        tracing::warn!(%failed, "A sign-in with the issuer failed");
        Self::Reason(match failed {
            Failed::Unreachable(_) => Reason::Unavailable,
            Failed::Token(TokenRefused::Email) => Reason::Unverified,
            Failed::Code(_) | Failed::Key | Failed::Token(_) => Reason::Refused,
        })
    }
}

impl From<NotLinked> for Problem {
    fn from(not_linked: NotLinked) -> Self {
        match not_linked {
            NotLinked::Taken => Self::Reason(Reason::Taken),
            NotLinked::Database(error) => error.into(),
        }
    }
}

#[derive(Template)]
#[template(path = "google/failed.html")]
struct NotIn<'a> {
    theme: &'static str,
    brand: &'a str,
    name: &'a str,
    reason: Reason,
    /// They are signed in, and wanted to connect it.
    connecting: bool,
}

impl NotIn<'_> {
    fn title(&self) -> String {
        let name = self.name;
        match (self.reason, self.connecting) {
            (Reason::Over, _) => "This sign-in is over".into(),
            (Reason::Cancelled, false) => format!("You didn’t sign in with {name}"),
            (Reason::Cancelled, true) => format!("You didn’t connect {name}"),
            (Reason::Unavailable, _) => format!("{name} doesn’t answer right now"),
            (Reason::Refused, false) => format!("{name} couldn’t sign you in"),
            (Reason::Refused, true) => format!("{name} couldn’t be connected"),
            (Reason::Unverified, _) => format!("{name} hasn’t confirmed your email"),
            (Reason::Taken, false) => format!("This {name} account can’t be used here"),
            (Reason::Taken, true) => format!("This {name} account can’t be connected"),
        }
    }

    fn sentence(&self) -> String {
        let name = self.name;
        match self.reason {
            Reason::Over => "It was finished already, took longer than ten minutes, or began in another browser. \
                             Start again, and nothing is lost."
                .into(),
            Reason::Cancelled => format!("{name} says that you stopped there. Nothing was changed."),
            Reason::Unavailable => format!("Nothing was changed. Try {name} again in a minute, or use your password."),
            Reason::Refused => format!(
                "What came back from {name} wasn’t what we need to know that it’s you. Nothing was changed. Start again."
            ),
            Reason::Unverified => {
                format!("Confirm your email address at {name} first, then come back. Nothing was changed.")
            }
            Reason::Taken if self.connecting => format!(
                "It belongs to somebody else here, or you have connected another {name} account. Nothing was changed."
            ),
            Reason::Taken => format!(
                "Its email address belongs to somebody who signs in another way. If that’s you, sign in that way, \
                 and look at {name} under Settings → Security."
            ),
        }
    }
}

impl Reason {
    fn status(self) -> StatusCode {
        match self {
            Self::Over => StatusCode::BAD_REQUEST,
            Self::Cancelled | Self::Refused | Self::Unverified => StatusCode::FORBIDDEN,
            Self::Taken => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

fn answer(app: &App, google: &Google, info: &RequestInfo, problem: Problem, connecting: bool) -> Response {
    let reason = match problem {
        Problem::Error(error) => return error.into_response(),
        Problem::Reason(reason) => reason,
    };
    let (theme, brand) = (info.theme.as_str(), &app.product.brand.name);
    page(reason.status(), &NotIn { theme, brand, name: google.name(), reason, connecting })
}

fn google(app: &App) -> Result<&Google, Error> {
    app.google.as_ref().ok_or(Error::NotFound(Missing::Page))
}

/// `GET /auth/google?next=`
pub async fn begin(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    headers: HeaderMap,
    Query(query): Query,
) -> Result<Response, Error> {
    let google = google(&app)?;
    // Nobody is signed in by following a link on another site: the button is on the next page.
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Ok(see_other("/sign-in"));
    }
    // What a mailed link holds does not go into the table: whoever comes from one opens it again once they are in.
    let next = own_path(query.get("next")).filter(|next| !next.contains("token=")).unwrap_or_default();
    if let Some(me) = signed_in(&app, &info, web).await? {
        return Ok(see_other(if next.is_empty() { first_screen(me.user().role) } else { next }));
    }
    let set_out = set_out(&app, google, &info, next, "").await;
    Ok(set_out.unwrap_or_else(|problem| answer(&app, google, &info, problem, false)))
}

/// `GET /settings/security/google/connect`. A link, yet one that another site must not lead anybody through.
pub async fn connect(State(app): State<App>, me: Me, headers: HeaderMap) -> Result<Response, Error> {
    let google = google(&app)?;
    if !is_same_origin(&headers, &app.public_url) {
        return Err(Error::CrossSite);
    }
    me.confirmed(&app, SECURITY)?;
    let set_out = set_out(&app, google, &me.info, SECURITY, &me.session.id).await;
    Ok(set_out.unwrap_or_else(|problem| answer(&app, google, &me.info, problem, true)))
}

/// `POST /settings/security/google/disconnect`
pub async fn disconnect(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let google = google(&app)?;
    me.confirmed(&app, SECURITY)?;
    if identities::disconnect(&app.db, &me.act(&app), me.user(), google.issuer()).await? {
        app.post.bell.notify_one();
        Flash::good(google.name(), " is disconnected. Sign in with your password from now on.").keep(&me).await?;
    }
    Ok(see_other(SECURITY))
}

async fn set_out(
    app: &App,
    google: &Google,
    info: &RequestInfo,
    next: &str,
    session_id: &str,
) -> Result<Response, Problem> {
    spend_visit(app, info)?;
    let fresh = Fresh::draw(&app.entropy);
    let there = google.way_there(&fresh, app.now()).await?;
    oidc_transactions::begin(&app.db, &app.act(&info.visitor()), &fresh, next, session_id).await?;
    let mut response = see_other(&there);
    set_cookie(app, &mut response, &fresh.browser, LIFETIME.as_secs());
    Ok(response)
}

fn cookie_name(app: &App) -> &'static str {
    if app.is_https() { "__Host-keydesk-google" } else { "keydesk-google" }
}

/// Lax, not Strict: whoever comes back comes from another site.
fn set_cookie(app: &App, response: &mut Response, value: &str, seconds: u64) {
    let (name, secure) = (cookie_name(app), if app.is_https() { "; Secure" } else { "" });
    let line = format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(SET_COOKIE, line);
    }
}

/// `GET /auth/google/callback`
pub async fn come_back(
    State(app): State<App>,
    info: RequestInfo,
    web: WebSession,
    headers: HeaderMap,
    Query(query): Query,
) -> Result<Response, Error> {
    let google = google(&app)?;
    let browser_hash = hash(cookie(&headers, cookie_name(&app)).unwrap_or_default());
    let taken = oidc_transactions::take(&app.db, &browser_hash, query.get("state"), app.now()).await?;
    let connecting = taken.as_ref().is_some_and(|taken| !taken.session_id.is_empty());
    let began = taken.is_some();
    let came_back = match taken {
        Some(taken) => {
            let arrival = Arrival { app: &app, google, info: &info, web: &web, taken };
            arrival.go_on(&query, &browser_hash).await
        }
        None => Err(Problem::Reason(Reason::Over)),
    };
    let mut response = came_back.unwrap_or_else(|problem| answer(&app, google, &info, problem, connecting));
    // A callback that belongs to nothing must not end the sign-in that this browser has under way elsewhere.
    if began {
        set_cookie(&app, &mut response, "", 0);
    }
    Ok(response)
}

/// Somebody who is back, and what they set out with.
struct Arrival<'a> {
    app: &'a App,
    google: &'a Google,
    info: &'a RequestInfo,
    web: &'a WebSession,
    taken: Taken,
}

impl Arrival<'_> {
    async fn go_on(&self, query: &Fields, browser_hash: &str) -> Result<Response, Problem> {
        let (app, taken) = (self.app, &self.taken);
        // Another issuer's answer (RFC 9207).
        if query.has("iss") && query.get("iss") != self.google.issuer() {
            return Err(Problem::Reason(Reason::Refused));
        }
        let code = query.get("code");
        if code.is_empty() {
            let cancelled = query.get("error") == "access_denied";
            return Err(Problem::Reason(if cancelled { Reason::Cancelled } else { Reason::Refused }));
        }
        let verifier = open_verifier(&taken.sealed_verifier, &app.installation_id, browser_hash, &app.keyring);
        let verifier = verifier.map_err(Error::internal)?;
        let identity = self.google.identify(code, &verifier, &taken.nonce_hash, app.now()).await?;
        if taken.session_id.is_empty() { self.enter(&identity).await } else { self.connect(&identity).await }
    }

    /// Signs in whoever this is: known by issuer and subject, else by an address that both sides know to be theirs, else
    /// as somebody new.
    async fn enter(&self, identity: &Identity) -> Result<Response, Problem> {
        let app = self.app;
        if let Some(user) = identities::find_user(&app.db, identity).await? {
            identities::touch(&app.db, identity, app.now()).await?;
            return self.sign_in(&user, first_screen(user.role)).await;
        }
        let visitor = self.info.visitor();
        if let Some((user, _)) = users::find_by_email(&app.db, &identity.email).await? {
            self.link(&user, identity).await?;
            return self.sign_in(&user, first_screen(user.role)).await;
        }
        let enrolled = enroll_identified(app, &visitor, identity).await?;
        let user = enrolled.ok_or(Problem::Reason(Reason::Over))?;
        self.sign_in(&user, "/welcome").await
    }

    async fn link(&self, user: &User, identity: &Identity) -> Result<(), Problem> {
        let (app, visitor) = (self.app, self.info.visitor());
        let actor = visitor.as_user(user, "");
        // To the letter: two addresses that fold alike, such as by a Kelvin sign, can be two people's.
        let linked = if identity.email.eq_ignore_ascii_case(&user.email) {
            identities::link_by_address(&app.db, &app.act(&actor), user, identity).await
        } else {
            Err(NotLinked::Taken)
        };
        if matches!(linked, Err(NotLinked::Taken)) {
            app.gate.refused_sign_ins.note(user.clone(), visitor, self.info.at);
        }
        linked?;
        app.post.bell.notify_one();
        Ok(())
    }

    async fn sign_in(&self, user: &User, first: &str) -> Result<Response, Problem> {
        let entry = Entry { proofs: &[Proof::Issuer], remember: false };
        let next = if self.taken.next.is_empty() { first } else { &self.taken.next };
        Ok(second_factor::go_on(self.app, self.info, self.web, user, (entry, next)).await?)
    }

    /// Connects it to whoever set out, if they are still signed in.
    async fn connect(&self, identity: &Identity) -> Result<Response, Problem> {
        let app = self.app;
        let me = signed_in(app, self.info, self.web.clone()).await?;
        let me = me.filter(|me| me.session.id == self.taken.session_id).ok_or(Problem::Reason(Reason::Over))?;
        identities::connect(&app.db, &me.act(app), me.user(), identity).await?;
        app.post.bell.notify_one();
        Flash::good(self.google.name(), " is connected. You can sign in with it from now on.").keep(&me).await?;
        Ok(see_other(SECURITY))
    }
}
