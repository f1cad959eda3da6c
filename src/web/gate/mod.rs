//! The doors of a gateway: forward-auth with the rights from the query or from the definition's routes, and the same
//! verdict as JSON. They stand outside the layers of the pages, and log nothing per request: what passes is counted, and
//! a verdict costs little more than an answer.

pub mod answer;
pub mod asked;

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use futures_util::FutureExt;
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::App;
use super::api::body::{parse, read};
use super::api::error_body::ErrorBody;
use super::api::problem::Problem;
use super::api::words::Scope;
use super::error::Error;
use super::peer::Peer;
use super::request::LONGEST_AGENT;
use super::request_id::RequestId;
use super::server::limits::within;
use super::server::wire::Wire;
use crate::clock::Timestamp;
use crate::gate::credential::Credential;
use crate::gate::forwarded::{Forwarded, Original};
use crate::gate::headers::Headers;
use crate::gate::refusals::Attempt;
use crate::gate::usage::Visit;
use crate::gate::verdict::Refusal;
use crate::gate::{Holder, NO_SUCH_SCOPE, Need, Reach, Unavailable, Verdict};
use crate::product::routes::Required;
use asked::{Asked, Mode};

/// Characters of a method that are worth remembering; every one that a route has is shorter.
const LONGEST_METHOD: usize = 16;

/// A secret to be judged for somebody else's request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    #[schema(value_type = String, pattern = "^[!-~]+$")]
    secret: Zeroizing<String>,
    /// The scope that the request takes.
    #[schema(value_type = Option<Scope>)]
    scope: Option<String>,
    /// The inbox that the request touches.
    #[schema(pattern = "^[!-~]+$")]
    inbox: Option<String>,
    /// Where the request came from; the peer's own address if nobody says.
    #[schema(value_type = Option<String>, format = "ip")]
    ip: Option<IpAddr>,
}

/// One request to a door.
struct Call {
    id: RequestId,
    at: Timestamp,
    reach: Reach,
}

impl Call {
    fn begin(app: &App, reach: Reach) -> Self {
        Self { id: app.request_ids.next(), at: app.now(), reach }
    }

    /// Counts it; keeps it for support, if it was refused.
    fn note(&self, app: &App, verdict: &Verdict, presented: &Presented<'_>) {
        let took = app.now().since(self.at);
        app.gate.meters.decided(verdict.refusal.as_ref().map(Refusal::kind), took);
        match (&verdict.refusal, &verdict.holder) {
            (None, Some(Holder::Key(key))) => app.gate.usage.passed(key, &self.visit(took, presented)),
            (None, _) => {}
            (Some(refusal), _) => app.gate.refusals.note(refusal, verdict.whose(), &self.attempt(presented)),
        }
    }

    fn visit<'a>(&'a self, took: Duration, presented: &Presented<'a>) -> Visit<'a> {
        Visit {
            at: self.at,
            method: presented.method(),
            path: presented.path(),
            status: StatusCode::OK.as_u16(),
            ip: presented.source,
            user_agent: presented.agent,
            request_id: self.id.as_str(),
            took,
            scopes: presented.scopes(),
        }
    }

    fn attempt<'a>(&'a self, presented: &Presented<'a>) -> Attempt<'a> {
        Attempt {
            request_id: self.id.as_str(),
            at: self.at,
            method: presented.method(),
            path: presented.path(),
            ip: presented.source,
            user_agent: presented.agent,
            last4: presented.credential.last4(),
            needs: presented.needs,
        }
    }
}

/// What came to a door, and what it was for.
struct Presented<'a> {
    source: IpAddr,
    agent: &'a str,
    original: Original<'a>,
    credential: Credential<'a>,
    needs: &'a [Need<'a>],
}

impl<'a> Presented<'a> {
    fn method(&self) -> &'a str {
        self.original.method.get(..LONGEST_METHOD).unwrap_or(self.original.method)
    }

    fn path(&self) -> &'a str {
        self.original.uri.split('?').next().unwrap_or_default()
    }

    /// Of what it needed, in its order; no more than two things ask for a scope.
    fn scopes(&self) -> [&'a str; 2] {
        let of = |index: usize| self.needs.get(index).and_then(|need| need.scope).unwrap_or_default();
        [of(0), of(1)]
    }
}

/// `GET|HEAD|POST /gate/authorize?scope=&inbox=&mode=`
#[utoipa::path(
    get, path = "/gate/authorize", tag = "Gate", operation_id = "authorize",
    summary = "May this request pass?",
    description = "For a gateway, with the headers of the request it holds. On 200 the X-Keydesk-* headers say whose key it is.",
    security(("bearer" = [])),
    params(asked::Query),
    responses(
        (status = 200, description = "It may."),
        (status = 404, description = "The key may not know of this inbox.", body = ErrorBody),
    ),
)]
pub async fn authorize(State(app): State<App>, request: Request) -> Response {
    // A gateway that passes the body on too has it dropped unread.
    let (head, _) = request.into_parts();
    respond(&app, &head, Peer::of(&head.extensions)).await
}

/// Whether [`respond`] answers this request.
pub fn is_authorize(method: &Method, path: &str) -> bool {
    path == "/gate/authorize" && matches!(*method, Method::GET | Method::HEAD | Method::POST)
}

/// The head of a request to a door. `Debug` would print a secret, so there is none.
#[derive(Clone, Copy)]
pub struct Head<'a, H> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: H,
}

impl<'a> Head<'a, &'a HeaderMap> {
    fn of(head: &'a Parts) -> Self {
        let (method, query) = (head.method.as_str(), head.uri.query().unwrap_or_default());
        Self { method, path: head.uri.path(), query, headers: &head.headers }
    }
}

impl<'a, H: Headers<'a>> Head<'a, H> {
    fn itself(&self) -> Original<'a> {
        Original { method: self.method, uri: self.path }
    }

    fn agent(&self) -> &'a str {
        words(self.headers.text_of("user-agent").unwrap_or_default())
    }
}

/// The verdict on a request, by its head and by whom it came from.
pub async fn respond(app: &App, head: &Parts, peer: Peer) -> Response {
    let call = Call::begin(app, Reach::Database);
    match authorized(app, &call, (Head::of(head), peer)).await {
        (Ok(verdict), mode) => answer::of(&verdict, &call.id, mode, &app.product),
        (Err(unavailable), mode) => {
            app.gate.meters.unavailable.more(1);
            answer::problem(&Problem::from(unavailable), &call.id, mode)
        }
    }
}

/// Writes the same answer to a GET of `/gate/authorize`, if it takes nothing that is not remembered; says whether it did. If not,
/// nothing has happened.
pub fn respond_from_memory<'a>(app: &App, (head, peer): (Head<'a, impl Headers<'a>>, Peer), wire: &mut Wire) -> bool {
    let call = Call::begin(app, Reach::Memory);
    let Some((Ok(verdict), mode)) = authorized(app, &call, (head, peer)).now_or_never() else { return false };
    answer::write(&verdict, (&call.id, call.at), mode, &app.product, wire);
    true
}

async fn authorized<'a>(
    app: &App,
    call: &Call,
    (head, peer): (Head<'a, impl Headers<'a>>, Peer),
) -> (Result<Verdict, Unavailable>, Mode) {
    let asked = Asked::read(head.query);
    let mode = asked.as_ref().map_or(Mode::Plain, |asked| asked.mode);
    let judged = match (asked, peer.says(app, head.headers)) {
        (Ok(asked), Ok(forwarded)) => judge(app, call, (head, peer), &asked, &forwarded).await,
        (Err(why), _) | (_, Err(why)) => Ok(unreadable(app, call, (head, peer), why)),
    };
    (judged, mode)
}

/// Refuses a request that can be read in two ways. Where it came from is one of them, so the peer has to do.
fn unreadable<'a>(
    app: &App,
    call: &Call,
    (head, peer): (Head<'a, impl Headers<'a>>, Peer),
    why: &'static str,
) -> Verdict {
    let verdict = Verdict::refused(Refusal::Ambiguous(why));
    let (source, credential) = (peer.address, Credential::Unusable);
    call.note(
        app,
        &verdict,
        &Presented { source, agent: head.agent(), original: head.itself(), credential, needs: &[] },
    );
    verdict
}

/// Without an answer in time nobody is let through. A verdict by the head alone needs no such limit: all that it waits for is
/// the database, which has its own.
async fn in_time<E: Into<Problem>>(
    app: &App,
    call: &Call,
    judging: impl Future<Output = Result<Verdict, E>>,
) -> Result<Verdict, Problem> {
    within(app.limits.handler, judging).await.map_or_else(
        |_| {
            tracing::error!(request_id = %call.id, "A verdict took too long");
            Err(Error::Busy.into())
        },
        |judged| judged.map_err(Into::into),
    )
}

async fn judge<'a>(
    app: &App,
    call: &Call,
    (head, peer): (Head<'a, impl Headers<'a>>, Peer),
    asked: &Asked<'_>,
    forwarded: &Forwarded<'a>,
) -> Result<Verdict, Unavailable> {
    let credential = Credential::from_headers(head.headers);
    let original = forwarded.original.unwrap_or(head.itself());
    let presented = Presented { source: forwarded.source, agent: head.agent(), original, credential, needs: &[] };
    if is_in_the_clear(app, (head, peer), forwarded) && !matches!(credential, Credential::Missing) {
        let verdict = Verdict::refused(Refusal::PlainHttp);
        call.note(app, &verdict, &presented);
        return Ok(verdict);
    }
    let route = forwarded.original.and_then(|original| app.gate.route(original));
    let needs = needs(app, asked, forwarded.original.is_some(), route.as_ref());
    let from = (forwarded.source, call.at);
    let verdict = app.gate.decide_within(call.reach, credential, from, needs.clone()).await?;
    let needs = needs.as_ref().map_or(&[][..], |needs| needs);
    call.note(app, &verdict, &Presented { needs, ..presented });
    Ok(verdict)
}

/// What the request takes: what the gateway's configuration asks for, and what the definition's route asks for. Both, where
/// there are both: some gateways append the client's query to their own, and nobody chooses their own right.
fn needs<'a>(
    app: &App,
    asked: &'a Asked<'_>,
    is_forwarded: bool,
    route: Option<&'a Required<'_>>,
) -> Result<[Need<'a>; 2], Refusal> {
    let asked = asked.need();
    let has_routes = app.gate.has_routes();
    // A definition with routes expects every request to have one; a gateway that is not trusted has none to offer.
    let wants_route = if asked.is_none() { has_routes || is_forwarded } else { has_routes && is_forwarded };
    if wants_route && route.is_none() {
        return Err(Refusal::RouteUnknown);
    }
    let routed = route.map(|route| Need {
        scope: Some(route.scope).filter(|scope| !scope.is_empty()),
        inbox_id: route.inbox_id.as_deref(),
    });
    Ok([routed.unwrap_or_default(), asked.unwrap_or_default()])
}

/// `POST /gate/verify {secret, scope?, inbox?, ip?}`
#[utoipa::path(
    post, path = "/gate/verify", tag = "Gate", operation_id = "verify",
    summary = "May whoever holds this secret pass?",
    description = "The same verdict, for a gateway that would rather read JSON.",
    request_body = Question,
    responses(
        (status = 200, description = "They may; whose key it is.", body = answer::Facts),
        (status = 401, description = "It is not a credential that works.", body = ErrorBody),
        (status = 403, description = "It works, but not for this, or not from there.", body = ErrorBody),
        (status = 404, description = "The key may not know of this inbox.", body = ErrorBody),
        (status = 422, description = "No key can hold this scope.", body = ErrorBody),
        (status = 429, description = "The key was used too often.", body = ErrorBody),
    ),
)]
pub async fn verify(State(app): State<App>, request: Request) -> Response {
    let call = Call::begin(&app, Reach::Database);
    match in_time(&app, &call, questioned(&app, &call, request)).await {
        Ok(verdict) => answer::as_json(&verdict, &call.id, call.at, &app.product),
        Err(problem) => answer::problem(&problem, &call.id, Mode::Plain),
    }
}

async fn questioned(app: &App, call: &Call, request: Request) -> Result<Verdict, Problem> {
    let (parts, body) = request.into_parts();
    let (head, peer) = (Head::of(&parts), Peer::of(&parts.extensions));
    let forwarded = match peer.says(app, head.headers) {
        Ok(forwarded) => forwarded,
        Err(why) => return Ok(unreadable(app, call, (head, peer), why)),
    };
    let (agent, original) = (head.agent(), Original { method: "POST", uri: "/gate/verify" });
    let source = forwarded.source;
    let presented = Presented { source, agent, original, credential: Credential::Unusable, needs: &[] };
    if is_in_the_clear(app, (head, peer), &forwarded) {
        let verdict = Verdict::refused(Refusal::PlainHttp);
        call.note(app, &verdict, &presented);
        return Ok(verdict);
    }
    let bytes = read(Request::from_parts(parts.clone(), body)).await?;
    let question: Question = parse(&bytes)?;
    let need = Need { scope: question.scope.as_deref(), inbox_id: question.inbox.as_deref() };
    let source = question.ip.map_or(source, |ip| ip.to_canonical());
    let credential = Credential::bearer(&question.secret);
    let verdict = app.gate.decide(credential, source, Ok([need]), call.at).await;
    let verdict = verdict.inspect_err(|_| app.gate.meters.unavailable.more(1))?;
    call.note(app, &verdict, &Presented { source, credential, needs: &[need], ..presented });
    if verdict.refusal == Some(Refusal::Ambiguous(NO_SUCH_SCOPE)) {
        return Err(Problem::invalid("scope", NO_SUCH_SCOPE));
    }
    Ok(verdict)
}

/// Credentials do not cross a network that anybody could read, once there is a public URL with TLS.
fn is_in_the_clear<'a>(app: &App, (head, peer): (Head<'a, impl Headers<'a>>, Peer), forwarded: &Forwarded<'_>) -> bool {
    app.is_https() && !peer.is_secure(forwarded, head.headers.text_of("host"))
}

/// As many whole words of a user agent as are worth remembering: half a secret is not seen for what it is.
fn words(agent: &str) -> &str {
    agent.get(..LONGEST_AGENT).map_or(agent, |start| start.rsplit_once(' ').map_or("", |(words, _)| words))
}

/// 405, for any other method of `/gate/authorize`.
pub async fn other_method(state: State<App>) -> Response {
    not_allowed(state, "GET, HEAD, POST")
}

/// 405, for any other method of `/gate/verify`.
pub async fn only_post(state: State<App>) -> Response {
    not_allowed(state, "POST")
}

fn not_allowed(State(app): State<App>, methods: &'static str) -> Response {
    let mut answer = answer::problem(&Problem::method_not_allowed(), &app.request_ids.next(), Mode::Plain);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}
