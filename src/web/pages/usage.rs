//! Usage of the whole account: requests over time, why some were refused, and the keys that were used most, each with the
//! way to its own page.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::clock::Timestamp;
use crate::model::text;
use crate::model::usage::{Refusals, UsageHour};
use crate::store::account_usage::{self, Sum, UsedKey};
use crate::store::usage_list::Interval;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::Query;
use crate::web::period::{PERIODS, Period};
use crate::web::ranking::Ranked;
use crate::web::refusals::{Reason, reasons};
use crate::web::view::{Chart, Moment, Numbers, percent, tenths};
use crate::web::{App, page};

#[derive(Template)]
#[template(path = "usage/show.html")]
struct Usage {
    chrome: Chrome,
    periods: [Period; 4],
    period: Period,
    numbers: Numbers,
    chart: Chart,
    reasons: Vec<Reason>,
    top: Vec<Top>,
    /// How many keys were used.
    keys: String,
    /// When they were put in their order, if that was a while ago.
    ranked: Option<Moment>,
}

/// A key among those that were used most.
struct Top {
    id: String,
    name: String,
    deleted: bool,
    requests: String,
    refused: String,
    share: String,
    width: String,
}

impl Top {
    fn of(key: &UsedKey, total: u64) -> Self {
        let requests = u64::try_from(key.ok + key.refused).unwrap_or(0);
        Self {
            id: key.key_id.clone(),
            name: key.name.clone(),
            deleted: key.deleted_at.is_some(),
            requests: text::thousands(requests),
            refused: text::thousands(u64::try_from(key.refused).unwrap_or(0)),
            share: percent(requests, total),
            width: tenths(requests, total),
        }
    }
}

/// `GET /settings/usage?period=`
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    let period = Period::asked(&query);
    let now = app.now();
    let sums = account_usage::list(&app.db, me.account_id(), period.since(now)).await?;
    let ranked = app.ranking.of(&app.db, me.account_id(), period, now).await?;
    let mut chrome = Chrome::of(&app, &me, Place::Usage).await?;
    chrome.here = format!("/settings/usage?period={}", period.id);
    Ok(page(StatusCode::OK, &Usage::of(chrome, &app, (period, now), &sums, &ranked)))
}

impl Usage {
    fn of(chrome: Chrome, app: &App, (period, now): (Period, Timestamp), sums: &[Sum], ranked: &Ranked) -> Self {
        let series = period.series(&counted(sums, period.since(now).0), now);
        // What came since the ranking was made is no reason for shares beyond the whole, nor is what was there before.
        let total =
            series.total().max(ranked.keys.iter().map(|key| u64::try_from(key.ok + key.refused).unwrap_or(0)).sum());
        Self {
            chrome,
            periods: PERIODS,
            period,
            numbers: Numbers::of(&series),
            chart: Chart::of(&series),
            reasons: reasons(&refused(sums), &app.product),
            top: ranked.keys.iter().map(|key| Top::of(key, total)).collect(),
            keys: text::thousands(ranked.keys.first().map_or(0, |key| u64::try_from(key.keys).unwrap_or(0))),
            ranked: (ranked.at < now).then(|| Moment::exact(ranked.at)),
        }
    }
}

/// The sums as hours, a day as its first one.
fn counted(sums: &[Sum], interval: Interval) -> Vec<UsageHour> {
    let hours = if interval == Interval::Hour { 1 } else { 24 };
    let counted = |sum: &Sum| {
        let (ok, refused) = if sum.reason.is_empty() { (sum.count, 0) } else { (0, sum.count) };
        UsageHour { hour: sum.bucket * hours, ok, refused }
    };
    sums.iter().map(counted).collect()
}

/// The sums by reason, the most frequent first.
fn refused(sums: &[Sum]) -> Vec<Refusals> {
    let mut refused: Vec<Refusals> = Vec::new();
    for sum in sums.iter().filter(|sum| !sum.reason.is_empty()) {
        match refused.iter_mut().find(|known| known.reason == sum.reason) {
            Some(known) => known.count += sum.count,
            None => refused.push(Refusals { reason: sum.reason.clone(), count: sum.count }),
        }
    }
    refused.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.reason.cmp(&other.reason)));
    refused
}
