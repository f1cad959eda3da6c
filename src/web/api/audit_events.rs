//! `GET /v1/audit-events`: what happened in the account, for whoever keeps a log of their own.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::door::Caller;
use super::moment::Moment;
use super::page::{Asked, Page, one_more};
use super::problem::Problem;
use crate::model::audit;
use crate::product::reserved::KEYS_READ;
use crate::store::audit_events::{self, Slice};
use crate::web::App;

/// Who did what to what, when and from where.
#[derive(Serialize, ToSchema)]
pub struct AuditEvent {
    #[schema(pattern = "^evt_[0-9A-Za-z]{16}$")]
    id: String,
    at: Moment,
    /// What happened, for programs, such as `key.rotated`.
    action: &'static str,
    /// What happened, for people.
    sentence: String,
    actor: EventActor,
    /// Empty where nothing came over the network.
    ip: String,
    user_agent: String,
    /// What the answer said as `X-Request-Id`; empty where there was none.
    request_id: String,
    target: EventTarget,
    /// The rest of the sentence, such as `old key stops in 24 hours`; often empty.
    detail: String,
}

/// Who acts. What there is nothing to say of is empty.
#[derive(Serialize, ToSchema)]
pub struct EventActor {
    /// `user`, `key`, `staff`, `visitor`, `cli` or `system`.
    kind: String,
    id: String,
    name: String,
    /// A user’s role at that moment.
    role: String,
}

/// What it was done to.
#[derive(Serialize, ToSchema)]
pub struct EventTarget {
    id: String,
    name: String,
}

/// Which events may be asked for, for the document; [`Asked`] reads it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only what was done to this key, inbox, person or account, by its id.
    #[param(pattern = "^([a-z]{3}_[0-9A-Za-z]{16})?$", nullable = false)]
    pub target: Option<String>,
    /// Rows on a page.
    #[param(minimum = 1, maximum = 100, default = 50, nullable = false)]
    pub limit: Option<u32>,
    /// What the page before said as `next`.
    #[param(pattern = "^([0-9]{1,18})?$", nullable = false)]
    pub after: Option<String>,
}

/// `GET /v1/audit-events?target=&limit=&after=`
#[utoipa::path(
    get, path = "/v1/audit-events", tag = "Audit events", operation_id = "list_audit_events",
    summary = "List audit events", description = "What happened in the account, the newest first.",
    security(("bearer" = ["keys:read"])),
    params(Query),
    responses((status = 200, description = "A page of events.", body = Page<AuditEvent>)),
)]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Result<Json<Page<AuditEvent>>, Problem> {
    caller.may(&app, KEYS_READ, None)?;
    let limit = asked.limit()?;
    let slice = Slice { target_id: asked.any_id("target")?, before: before(&asked)?, limit: one_more(limit) };
    let events = audit_events::list(&app.db, caller.account_id(), slice).await?;
    Ok(Json(Page::of(events, limit, |last| last.seq.to_string(), AuditEvent::from)))
}

/// The place in the account's chain that a page ended with.
fn before(asked: &Asked) -> Result<Option<i64>, Problem> {
    let after = asked.get("after")?;
    if after.is_empty() {
        return Ok(None);
    }
    let seq = after.parse::<u64>().ok().filter(|_| after.len() <= 18).and_then(|seq| i64::try_from(seq).ok());
    seq.map(Some).ok_or_else(|| Problem::bad_request("after is what the page before said as next."))
}

impl From<audit::AuditEvent> for AuditEvent {
    fn from(event: audit::AuditEvent) -> Self {
        Self {
            sentence: event.sentence(),
            id: event.id,
            at: Moment(event.at),
            action: event.action.code(),
            actor: EventActor {
                kind: event.actor_kind,
                id: event.actor_id,
                name: event.actor_name,
                role: event.actor_role,
            },
            ip: event.ip,
            user_agent: event.user_agent,
            request_id: event.request_id,
            target: EventTarget { id: event.target_id, name: event.target_name },
            detail: event.detail,
        }
    }
}
