//! The door of `/v1`: the gate decides who comes in, and every request that passes is counted.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::gate::credential::Credential;
use crate::gate::usage::PassedRequest;
use crate::gate::{Holder, Need};
use crate::model::audit::Actor;
use crate::web::App;
use crate::web::request::{RequestInfo, masked};

/// Whose request passed, and how they came.
#[derive(Clone)]
pub struct Caller {
    pub holder: Holder,
    pub actor: Actor,
}

impl Caller {
    pub fn account_id(&self) -> &str {
        self.holder.account_id()
    }

    /// Asks the gate for `scope`, on `inbox_id` if the request touches one.
    pub fn may(&self, app: &App, scope: &str, inbox_id: Option<&str>) -> Result<(), Problem> {
        Ok(app.gate.authorize(&self.holder, Need { scope: Some(scope), inbox_id }, app.now())?)
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
    let holder = match app.gate.identify(&credential, info.ip, app.now()).await {
        Ok(Ok(holder)) => holder,
        Ok(Err(refusal)) => return Problem::from(refusal).into_response(),
        Err(unavailable) => return Problem::from(unavailable).into_response(),
    };
    request.extensions_mut().insert(Caller { actor: actor(&holder, &info), holder: holder.clone() });
    let response = next.run(request).await;
    let refused = response.extensions().get::<Problem>().is_some_and(|problem| problem.refused);
    if let (Holder::Key { key, hash }, false) = (&holder, refused) {
        app.gate.usage.passed(&key.id, hash.as_str(), passed(&info, &response, app.now().since(info.at)));
    }
    response
}

fn passed(info: &RequestInfo, response: &Response, took: std::time::Duration) -> PassedRequest {
    PassedRequest {
        at: info.at.micros(),
        method: info.method.clone(),
        path: masked(&info.path),
        status: response.status().as_u16(),
        ip: info.ip.to_string(),
        user_agent: info.user_agent.clone(),
        request_id: info.id.clone(),
        took: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
    }
}

fn actor(holder: &Holder, info: &RequestInfo) -> Actor {
    match holder {
        Holder::Key { key, .. } => {
            Actor { kind: "key".into(), id: key.id.clone(), name: key.name.clone(), ..info.visitor() }
        }
        Holder::Session(session) => info.visitor().as_user(&session.user, &session.id),
    }
}
