//! One key: its use first, then who did what, then the facts. A key that still waits for its reveal shows its seal
//! instead.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::reveal::{OldKey, SealPage};
use super::{Abilities, Seal, awaits_first_reveal, can_show_again, find};
use crate::clock::{Timestamp, days};
use crate::model::api_key::ApiKey;
use crate::model::text;
use crate::model::usage::Series;
use crate::product::{KeyAct, Product};
use crate::store::audit_events::{self, Slice};
use crate::store::{refusals, usage};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::{Id, Query};
use crate::web::pages::audit_log::Line;
use crate::web::pages::support::Refusal;
use crate::web::view::{Chart, Moment, Standing, short_date};
use crate::web::{App, page};

/// Events on this page; the audit log has them all.
const EVENTS: i64 = 8;
const REFUSALS: i64 = 5;

#[derive(Template)]
#[template(path = "keys/detail.html")]
struct Detail {
    chrome: Chrome,
    may_change: bool,
    /// Whether I can have its secret shown again.
    may_reveal: bool,
    /// Other keys can be shown again, and this one is not kept.
    not_kept: bool,
    key: ApiKey,
    standing: Standing,
    abilities: Abilities,
    old: Option<OldKey>,
    last_used: Option<Moment>,
    periods: Vec<(&'static str, &'static str)>,
    period: &'static str,
    numbers: Numbers,
    chart: Chart,
    events: Vec<Line>,
    refusals: Vec<Refusal>,
    created: Moment,
    /// When its secret should be replaced.
    due: Option<Due>,
    offered: Vec<KeyAct>,
    revealed: Option<Moment>,
    rotated: Option<Moment>,
    deleted: Option<Moment>,
}

/// When a secret should be replaced, by the definition's recommended age.
struct Due {
    passed: bool,
    /// `due in 12 days`, `due since 12 Sep 2026`
    sentence: String,
}

impl Due {
    fn of(key: &ApiKey, product: &Product, now: Timestamp) -> Option<Self> {
        let at = key.rotation_due(days(product.rotation.recommended_days))?;
        let offered = product.offers(KeyAct::Rotate) && product.rotation.recommended_days > 0;
        let sentence =
            if at <= now { format!("due since {}", text::date(at)) } else { format!("due {}", text::until(at, now)) };
        offered.then_some(Self { passed: at <= now, sentence })
    }
}

struct Numbers {
    requests: String,
    refused: String,
    refused_share: String,
    addresses: String,
    /// The peak, and when it was.
    peak: Option<(String, String)>,
    peak_label: &'static str,
}

impl Detail {
    fn is_shown(&self, period: &str) -> bool {
        self.period == period
    }

    fn offers(&self, act: KeyAct) -> bool {
        self.offered.contains(&act)
    }

    fn is_hourly(&self) -> bool {
        self.period == "24h"
    }
}

const PERIODS: [(&str, &str); 4] = [("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days")];

/// `GET /settings/api-keys/{id}`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id, Query(query): Query) -> Result<Response, Error> {
    let key = find(&app, &me, &id).await?;
    let now = app.now();
    if awaits_first_reveal(&key, &app) && me.is_administrator() {
        let seal = Seal::of(&key, &app, "");
        return Ok(page(StatusCode::OK, &SealPage::of(&app, &me, key, seal).await?));
    }
    let period = PERIODS.iter().map(|(id, _)| *id).find(|id| *id == query.get("period")).unwrap_or("30d");
    let series = series(&app, &key, period, now).await?;
    let slice = Slice { target_id: &key.id, before: None, limit: EVENTS };
    let events = audit_events::list(&app.db, me.account_id(), slice).await?;
    let refusals = refusals::list_of_key(&app.db, me.account_id(), &key.id, REFUSALS).await?;
    let mut chrome = Chrome::of(&app, &me, Place::Keys).await?;
    chrome.here = format!("/settings/api-keys/{}?period={period}", key.id);
    let shown = Detail {
        chrome,
        may_change: me.is_administrator() && key.deleted_at.is_none(),
        may_reveal: me.is_administrator() && can_show_again(&key, &app.product),
        not_kept: app.product.reveals_again() && key.kept_at.is_none() && key.deleted_at.is_none(),
        standing: Standing::of(&key, now),
        abilities: Abilities::of(&key, &app.product, now),
        old: OldKey::find(&app, &key).await?,
        last_used: key.last_used_at.map(|at| Moment::ago_in_words(at, now)),
        periods: PERIODS.to_vec(),
        period,
        numbers: numbers(&app, &key, &series, period_start(period, now)).await?,
        chart: Chart::of(&series),
        events: events.iter().map(|event| Line::of(event, now)).collect(),
        refusals: refusals.iter().map(|refused| Refusal::of(refused, now)).collect(),
        created: Moment::date(key.created_at),
        due: Due::of(&key, &app.product, now),
        offered: app.product.keys.in_page.clone(),
        revealed: key.revealed_at.map(|at| Moment::new(at, text::date_time(at))),
        rotated: key.rotated_at.map(|at| Moment::new(at, text::date_time(at))),
        deleted: key.deleted_at.map(|at| Moment::new(at, text::date_time(at))),
        key,
    };
    Ok(page(StatusCode::OK, &shown))
}

fn period_start(period: &str, now: Timestamp) -> Timestamp {
    now - match period {
        "24h" => days(1),
        "7d" => days(7),
        "90d" => days(90),
        _ => days(30),
    }
}

async fn series(app: &App, key: &ApiKey, period: &str, now: Timestamp) -> Result<Series, Error> {
    let from = period_start(period, now) - days(1);
    let hours = usage::list_hours(&app.db, &key.account_id, &key.id, from.hour()).await?;
    Ok(match period {
        "24h" => Series::hours(&hours, 24, now),
        "7d" => Series::days(&hours, 7, now),
        "90d" => Series::days(&hours, 90, now),
        _ => Series::days(&hours, 30, now),
    })
}

async fn numbers(app: &App, key: &ApiKey, series: &Series, since: Timestamp) -> Result<Numbers, Error> {
    let addresses = usage::list_addresses(&app.db, &key.account_id, &key.id, since).await?;
    let (total, refused) = (series.total(), series.refused());
    let daily = series.hours_per_bucket == 24;
    let at = |at: Timestamp| if daily { short_date(at) } else { format!("{} UTC", text::time_of_day(at)) };
    Ok(Numbers {
        requests: text::thousands(total),
        refused: text::thousands(refused),
        refused_share: if refused == 0 { String::new() } else { percent(refused, total) },
        addresses: text::thousands(addresses.len() as u64),
        peak: series.peak().map(|(start, most)| (text::thousands(most), at(start))),
        peak_label: if daily { "Peak day" } else { "Peak hour" },
    })
}

/// `0.17%`, to two places.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = part * 10_000 / whole.max(1);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}
