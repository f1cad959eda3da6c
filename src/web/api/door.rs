//! The door of `/v1`: the gate decides who comes in, and every request that passes is counted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::rate;
use crate::clock::Timestamp;
use crate::gate::credential::Credential;
use crate::gate::refusals::{Attempt, Whose};
use crate::gate::usage::Visit;
use crate::gate::verdict::Refusal;
use crate::gate::{Holder, Need, TurnedAway};
use crate::model::audit::Actor;
use crate::web::App;
use crate::web::request::RequestInfo;

/// Whose request passed, and how they came.
#[derive(Clone)]
pub struct Caller {
    pub holder: Holder,
    pub actor: Actor,
    /// Whether this request is counted in the key's minute.
    counted: Arc<AtomicBool>,
    /// The scope that this request took.
    scope: Arc<OnceLock<String>>,
}

impl Caller {
    pub fn account_id(&self) -> &str {
        self.holder.account_id()
    }

    /// Asks the gate for `scope`, on `inbox_id` if the request touches one.
    pub fn may(&self, app: &App, scope: &str, inbox_id: Option<&str>) -> Result<(), Problem> {
        self.asks(app, Need { scope: Some(scope), inbox_id })
    }

    /// Asks the gate for nothing but to be there.
    pub fn may_ask(&self, app: &App) -> Result<(), Problem> {
        self.asks(app, Need::default())
    }

    fn asks(&self, app: &App, need: Need<'_>) -> Result<(), Problem> {
        app.gate.authorize(&self.holder, need, app.now()).map_err(Problem::refusing)?;
        if !self.counted.swap(true, Ordering::Relaxed) {
            app.gate.spend(&self.holder, app.now()).map_err(Problem::refusing)?;
        }
        if let Some(scope) = need.scope {
            self.scope.get_or_init(|| scope.to_owned());
        }
        Ok(())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().expect("the door wraps every /v1 route"))
    }
}

/// Lets a working credential in.
pub async fn enter(State(app): State<App>, info: RequestInfo, mut request: Request, next: Next) -> Response {
    let credential = Credential::from_headers(request.headers());
    if app.is_https() && !info.secure && !matches!(credential, Credential::Missing) {
        return turned_away(&app, &info, credential, &Refusal::PlainHttp.into());
    }
    let holder = match app.gate.identify(credential, info.ip, app.now()).await {
        Ok(Ok(holder)) => holder,
        Ok(Err(why)) => return turned_away(&app, &info, credential, &why),
        Err(unavailable) => return Problem::from(unavailable).into_response(),
    };
    let actor = actor(&holder, &info);
    let last4 = credential.last4().to_owned();
    let scope = Arc::<OnceLock<String>>::default();
    let caller = Caller { actor, holder: holder.clone(), counted: Arc::default(), scope: scope.clone() };
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    let refusal = response.extensions().get::<Problem>().and_then(|problem| problem.refused.as_deref());
    match (&holder, refusal) {
        (_, Some(refusal)) => {
            app.gate.refusals.note(refusal, Whose::of(Some(&holder), None), &attempt(&info, &last4));
        }
        (Holder::Key(key), None) => {
            let scopes = [scope.get().map_or("", String::as_str), ""];
            app.gate.usage.passed(key, &Visit { scopes, ..visit(&info, &response, app.now()) });
        }
        (Holder::Session(_), None) => {}
    }
    if let Some(allowance) = app.gate.allowance(&holder, app.now()) {
        rate::say(response.headers_mut(), allowance);
        response.extensions_mut().insert(allowance);
    }
    response
}

/// Refuses whoever does not come in, and keeps it for support.
fn turned_away(app: &App, info: &RequestInfo, credential: Credential<'_>, why: &TurnedAway) -> Response {
    let whose = Whose::of(None, why.key.as_ref());
    app.gate.refusals.note(&why.refusal, whose, &attempt(info, credential.last4()));
    Problem::from(why.refusal.clone()).into_response()
}

/// Refuses passwords and tokens that travelled in the clear.
pub async fn refuse_in_the_clear(State(app): State<App>, info: RequestInfo, request: Request, next: Next) -> Response {
    if app.is_https() && !info.secure {
        return Problem::from(Refusal::PlainHttp).into_response();
    }
    next.run(request).await
}

fn attempt<'a>(info: &'a RequestInfo, last4: &'a str) -> Attempt<'a> {
    Attempt {
        request_id: &info.id,
        at: info.at,
        method: &info.method,
        path: &info.path,
        ip: info.ip,
        user_agent: &info.user_agent,
        last4,
        needs: &[],
    }
}

fn visit<'a>(info: &'a RequestInfo, response: &Response, now: Timestamp) -> Visit<'a> {
    Visit {
        at: info.at,
        method: &info.method,
        path: &info.path,
        status: response.status().as_u16(),
        ip: info.ip,
        user_agent: &info.user_agent,
        request_id: &info.id,
        took: now.since(info.at),
        scopes: [""; 2],
    }
}

fn actor(holder: &Holder, info: &RequestInfo) -> Actor {
    match holder {
        Holder::Key(key) => {
            let (id, name) = (key.id().to_owned(), key.name().to_owned());
            Actor { kind: "key".into(), id, name, ..info.visitor() }
        }
        Holder::Session(session) => info.visitor().as_user(&session.user, &session.id),
    }
}
