//! `GET /v1/usage`: how often each key was used, by hour or day. Counts are written at most a second after the request.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::door::Caller;
use super::moment::Moment;
use super::page::{Asked, Page, is_id, one_more};
use super::problem::Problem;
use super::words;
use crate::clock::Timestamp;
use crate::product::reserved::KEYS_READ;
use crate::store::usage_list::{self, Counted, Interval, Slice};
use crate::web::App;

/// What a key was used for in one hour or day.
#[derive(Serialize, ToSchema)]
pub struct Usage {
    #[schema(pattern = "^key_[0-9A-Za-z]{16}$")]
    key_id: String,
    /// When the hour or the day begins, in UTC.
    from: Moment,
    /// Requests that passed.
    #[schema(minimum = 0)]
    ok: i64,
    /// Those of `ok` that came with the old secret of a key, after it was rotated.
    #[schema(minimum = 0)]
    ok_old: i64,
    /// Requests that were refused.
    #[schema(minimum = 0)]
    refused: i64,
}

/// What counts may be asked for, for the document; [`Asked`] reads it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only this key.
    #[param(pattern = "^(key_[0-9A-Za-z]{16})?$", nullable = false)]
    pub key: Option<String>,
    /// Only hours or days that begin at this moment or later.
    #[param(format = DateTime, nullable = false)]
    pub from: Option<String>,
    /// Only hours or days that begin before this moment.
    #[param(format = DateTime, nullable = false)]
    pub to: Option<String>,
    /// `hour` when left out; days begin at midnight UTC.
    #[param(inline, nullable = false)]
    pub interval: Option<words::Interval>,
    /// Rows on a page.
    #[param(minimum = 1, maximum = 100, default = 50, nullable = false)]
    pub limit: Option<u32>,
    /// What the page before said as `next`.
    #[param(pattern = "^([0-9]{1,9}_key_[0-9A-Za-z]{16})?$", nullable = false)]
    pub after: Option<String>,
}

/// `GET /v1/usage?key=&from=&to=&interval=&limit=&after=`
#[utoipa::path(
    get, path = "/v1/usage", tag = "Usage", operation_id = "list_usage",
    summary = "Count requests", description = "Requests per key and hour or day, the newest first; hours and days without any are left out. Deleted keys are counted too. Hourly numbers are kept for 90 days, daily ones for good.",
    security(("bearer" = ["keys:read"])),
    params(Query),
    responses((status = 200, description = "A page of counts.", body = Page<Usage>)),
)]
pub async fn list(State(app): State<App>, caller: Caller, asked: Asked) -> Result<Json<Page<Usage>>, Problem> {
    caller.may(&app, KEYS_READ, None)?;
    let interval = interval(&asked)?;
    let limit = asked.limit()?;
    let slice = Slice {
        interval,
        key_id: asked.id("key", "key")?,
        from: asked.moment("from")?.map_or(i64::MIN, |from| first_bucket(from, interval)),
        to: asked.moment("to")?.map_or(i64::MAX, |to| first_bucket(to, interval)),
        after: cursor(&asked)?,
        limit: one_more(limit),
    };
    let counted = usage_list::list(&app.db, caller.account_id(), slice).await?;
    let next = |last: &Counted| format!("{}_{}", last.bucket, last.key_id);
    Ok(Json(Page::of(counted, limit, next, |counted| Usage::of(counted, interval))))
}

fn interval(asked: &Asked) -> Result<Interval, Problem> {
    match asked.value("interval")? {
        None | Some("hour") => Ok(Interval::Hour),
        Some("day") => Ok(Interval::Day),
        Some(_) => Err(Problem::bad_request("interval is hour or day.")),
    }
}

/// The first hour or day that begins at `at` or later.
fn first_bucket(at: Timestamp, interval: Interval) -> i64 {
    let span = interval.micros();
    at.micros().div_euclid(span) + i64::from(at.micros().rem_euclid(span) > 0)
}

/// The hour or day and the key that a page ended with.
fn cursor(asked: &Asked) -> Result<Option<(i64, &str)>, Problem> {
    let after = asked.get("after")?;
    if after.is_empty() {
        return Ok(None);
    }
    let parts = after.split_once('_').filter(|(bucket, key)| bucket.len() <= 9 && is_id(key, "key"));
    let parsed = parts.and_then(|(bucket, key)| Some((i64::from(bucket.parse::<u32>().ok()?), key)));
    parsed.map(Some).ok_or_else(|| Problem::bad_request("after is what the page before said as next."))
}

impl Usage {
    fn of(counted: Counted, interval: Interval) -> Self {
        let from = Timestamp::from_micros(counted.bucket.saturating_mul(interval.micros()));
        Self {
            key_id: counted.key_id,
            from: Moment(from),
            ok: counted.ok,
            ok_old: counted.ok_old,
            refused: counted.refused,
        }
    }
}
