//! Who a page is for. A router group names its audience once, and every route in it is closed to everybody else; a
//! handler gets [`Me`], which only these layers can make.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::{Expiry, Session as WebSession};

use super::devices;
use super::error::{Denied, Error, Missing};
use super::form::link;
use super::pages::two_factor;
use super::request::RequestInfo;
use super::{App, see_other};
use crate::clock::Timestamp;
use crate::model::audit::Actor;
use crate::model::proof::Proof;
use crate::model::user::User;
use crate::store::sessions::{self, Session};
use crate::store::web_sessions::SESSION_ID;
use crate::store::{Act, users};

/// A group's audience.
#[derive(Clone, Copy, Debug)]
pub enum Audience {
    /// Anybody of the account.
    Member,
    /// Administrators and auditors.
    Auditor,
    Administrator,
    /// Support staff of the platform, whatever they are in their own account.
    Staff,
}

impl Audience {
    /// As in: only … can see keys.
    fn in_words(self) -> &'static str {
        match self {
            Self::Member => "members",
            Self::Auditor => "administrators and auditors",
            Self::Administrator => "administrators",
            Self::Staff => "support staff",
        }
    }

    fn includes(self, user: &User) -> bool {
        match self {
            Self::Member => true,
            Self::Auditor => user.role.sees_keys(),
            Self::Administrator => user.role.manages_keys(),
            Self::Staff => user.is_staff(),
        }
    }
}

/// Whoever is signed in, and through what.
#[derive(Clone)]
pub struct Me {
    pub session: Arc<Session>,
    pub info: RequestInfo,
    pub web: WebSession,
    actor: Actor,
}

impl Me {
    pub fn user(&self) -> &User {
        &self.session.user
    }

    pub fn account_id(&self) -> &str {
        &self.session.user.account_id
    }

    pub fn is_administrator(&self) -> bool {
        self.session.user.role.manages_keys()
    }

    /// Before the web session is written again: the cookie that goes out with it must last as long as the session.
    pub fn renew_cookie(&self) {
        if self.session.remembered {
            self.web.set_expiry(Some(remembered()));
        }
    }

    /// Whether I proved who I am a moment ago.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.session.is_fresh(now)
    }

    /// Goes on only if I proved who I am a moment ago; otherwise by way of the password. `next` is the page where the
    /// button is: a form is not sent again.
    ///
    /// # Errors
    /// [`Error::ConfirmationRequired`] if it is too long ago.
    pub fn confirmed(&self, app: &App, next: &str) -> Result<(), Error> {
        if self.is_fresh(app.now()) { Ok(()) } else { Err(Error::ConfirmationRequired { next: next.to_owned() }) }
    }

    /// What I do now, for the store and the audit log.
    pub fn act<'a>(&'a self, app: &'a App) -> Act<'a> {
        app.act(&self.actor)
    }
}

impl<S: Sync> FromRequestParts<S> for Me {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().expect("the route stands in a group with an audience"))
    }
}

/// Lets the audience through and nobody else.
pub async fn require(
    State((app, audience)): State<(App, Audience)>,
    info: RequestInfo,
    web: WebSession,
    mut request: Request,
    next: Next,
) -> Response {
    let me = match signed_in(&app, &info, web).await {
        Ok(Some(me)) => me,
        Ok(None) => return Error::SignInRequired { next: way_back(&request) }.into_response(),
        Err(error) => return error.into_response(),
    };
    if me.session.owes_factor && !may_owe(request.uri().path()) {
        return see_other(two_factor::MANAGE);
    }
    // No administrator of a customer can make anybody staff, so there is nobody to ask: to customers this is no page.
    if matches!(audience, Audience::Staff) && !me.user().is_staff() {
        return Error::NotFound(Missing::Page).into_response();
    }
    if !audience.includes(me.user()) {
        return match denied(&app, &me, audience, request.uri().path()).await {
            Ok(denied) => Error::Forbidden(Box::new(denied)).into_response(),
            Err(error) => error.into_response(),
        };
    }
    request.extensions_mut().insert(me);
    next.run(request).await
}

/// Whoever this browser is signed in as.
pub async fn signed_in(app: &App, info: &RequestInfo, web: WebSession) -> Result<Option<Me>, Error> {
    let Some(id) = web.get::<String>(SESSION_ID).await? else { return Ok(None) };
    let Some(session) = sessions::find(&app.db, &id, app.now()).await? else { return Ok(None) };
    sessions::touch(&app.db, &session, app.now()).await?;
    let actor = info.visitor().as_user(&session.user, &session.id);
    Ok(Some(Me { session: Arc::new(session), info: info.clone(), web, actor }))
}

/// How somebody came in.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub proofs: &'a [Proof],
    /// Whether this browser is theirs.
    pub remember: bool,
}

impl Entry<'_> {
    /// Whoever has just made their password.
    pub const WITH_NEW_PASSWORD: Self = Self { proofs: &[Proof::Password], remember: false };
}

/// Signs this browser in under a new cookie, so that whoever knew the old one knows nothing (session fixation).
pub async fn sign_in(
    app: &App,
    info: &RequestInfo,
    web: &WebSession,
    user: &User,
    entry: Entry<'_>,
) -> Result<(), Error> {
    let id = devices::start_session(app, info, user, entry).await?;
    web.clear().await;
    web.cycle_id().await?;
    web.insert(SESSION_ID, id).await?;
    if entry.remember {
        web.set_expiry(Some(remembered()));
    }
    Ok(())
}

/// Notes that I have just proved who I am, under a new cookie, as after signing in.
pub async fn confirm(app: &App, me: &Me) -> Result<(), Error> {
    if !sessions::confirm(&app.db, &me.act(app), &me.session).await? {
        return Err(Error::SignInRequired { next: String::new() });
    }
    me.renew_cookie();
    Ok(me.web.cycle_id().await?)
}

/// How long a remembered browser keeps its cookie.
fn remembered() -> Expiry {
    Expiry::OnInactivity(time::Duration::seconds(i64::try_from(sessions::REMEMBERED.as_secs()).unwrap_or(0)))
}

/// What is open to somebody whose account asks for a second factor that they have not set up.
fn may_owe(path: &str) -> bool {
    path.starts_with(two_factor::MANAGE) || ["/sign-out", "/re-authenticate", "/verify-email"].contains(&path)
}

/// `?next=` for a page that can be opened again; nothing for a form, which would be sent twice.
fn way_back(request: &Request) -> String {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    if *request.method() != Method::GET || target == "/" {
        return String::new();
    }
    link("", &[("next", target)])
}

async fn denied(app: &App, me: &Me, audience: Audience, path: &str) -> Result<Denied, Error> {
    let people = users::list(&app.db, me.account_id()).await?;
    let administrators = people.into_iter().filter(|person| person.role.manages_keys()).map(|person| person.name);
    Ok(Denied {
        who: audience.in_words(),
        act: act_of(path, audience, &app.product.words.resources),
        user_name: me.user().name.clone(),
        role: me.user().role.in_words(),
        account_name: me.user().account_name.clone(),
        administrators: administrators.collect(),
    })
}

/// What somebody wanted who came to this path, as in: only administrators can …
fn act_of(path: &str, audience: Audience, resources: &str) -> String {
    match path.rsplit('/').next() {
        Some("new") if path.contains("api-keys") => "create keys",
        Some("reveal") => "reveal keys",
        Some("rotate" | "stop-old") => "rotate keys",
        Some("rename") => "rename keys",
        Some("scopes") => "change what keys may do",
        Some("pause") if path.contains("/selected/") => "pause several keys",
        Some("delete") if path.contains("/selected/") => "delete several keys",
        Some("pause") => "pause keys",
        Some("resume") => "resume keys",
        Some("delete") if path.contains("api-keys") => "delete keys",
        Some("api-keys") if matches!(audience, Audience::Administrator) => "create keys",
        Some("audit-log" | "audit-log.csv" | "audit-log.jsonl") => "see the audit log",
        Some("team") => "see the team",
        Some("usage") => "see usage",
        _ if path.contains("/team/") => "change the team",
        _ if path.contains("inboxes") => return format!("change {resources}"),
        _ if path.contains("api-keys") => "see keys",
        _ => "open this page",
    }
    .to_owned()
}
