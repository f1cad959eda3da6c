//! One key: its use first, then who did what, then the facts. A key that still waits for its reveal shows its seal
//! instead.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::banner::Banner;
use super::excess::Excess;
use super::life::Life;
use super::notes::Note;
use super::reveal::{OldKey, SealPage};
use super::{Abilities, Seal, awaits_first_reveal, can_show_again, find};
use crate::clock::{Timestamp, days};
use crate::model::api_key::ApiKey;
use crate::model::text;
use crate::model::usage::Series;
use crate::product::{KeyAct, Product};
use crate::store::audit_events::{self, Slice};
use crate::store::usage_list::Interval;
use crate::store::{api_key_secrets, refusals, usage};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::{Id, Query};
use crate::web::pages::audit_log::Line;
use crate::web::pages::support::Refusal;
use crate::web::period::{PERIODS, Period};
use crate::web::refusals::{Reason, reasons};
use crate::web::view::{Chart, Moment, Numbers, Standing};
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
    banner: Option<Banner>,
    old: Option<OldKey>,
    last_used: Option<Moment>,
    periods: [Period; 4],
    period: Period,
    numbers: Numbers,
    addresses: String,
    chart: Chart,
    reasons: Vec<Reason>,
    /// What it may do and does not.
    excess: Option<Excess>,
    events: Vec<Line>,
    life: Life,
    notes: Vec<Note>,
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

impl Detail {
    fn offers(&self, act: KeyAct) -> bool {
        self.offered.contains(&act)
    }
}

/// `GET /settings/api-keys/{id}`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id, Query(query): Query) -> Result<Response, Error> {
    let key = find(&app, &me, &id).await?;
    let now = app.now();
    if awaits_first_reveal(&key, &app) && me.is_administrator() {
        let seal = Seal::of(&key, &app, "");
        return Ok(page(StatusCode::OK, &SealPage::of(&app, &me, key, seal).await?));
    }
    let period = Period::asked(&query);
    let series = series(&app, &key, period, now).await?;
    let slice = Slice { target_id: &key.id, before: None, limit: EVENTS };
    let events = audit_events::list(&app.db, me.account_id(), slice).await?;
    let refusals = refusals::list_of_key(&app.db, me.account_id(), &key.id, REFUSALS).await?;
    let mut chrome = Chrome::of(&app, &me, Place::Keys).await?;
    chrome.here = format!("/settings/api-keys/{}?period={}", key.id, period.id);
    let refused = usage::list_refusals(&app.db, &key.account_id, &key.id, period.since(now)).await?;
    let waits = key.status(now).verifies() && !api_key_secrets::has_current(&app.db, me.account_id(), &key.id).await?;
    let may = me.is_administrator();
    let withdrawn = waits.then(|| Banner::withdrawn(&key, &app.product, may));
    let shown = Detail {
        chrome,
        may_change: me.is_administrator() && key.deleted_at.is_none(),
        may_reveal: me.is_administrator() && can_show_again(&key, &app.product),
        not_kept: app.product.reveals_again() && key.kept_at.is_none() && key.deleted_at.is_none(),
        standing: if waits { Standing::waits() } else { Standing::of(&key, now) },
        abilities: Abilities::of(&key, &app.product, now),
        banner: withdrawn.or_else(|| Banner::of(&key, &app.product, may, now)),
        old: OldKey::find(&app, &key).await?,
        last_used: key.last_used_at.map(|at| Moment::ago_in_words(at, now)),
        periods: PERIODS,
        period,
        numbers: Numbers::of(&series),
        addresses: addresses(&app, &key, period.start(now)).await?,
        chart: Chart::of(&series),
        reasons: reasons(&refused, &app.product),
        excess: Excess::find(&app, &key, now).await?,
        events: events.iter().map(|event| Line::of(event, now)).collect(),
        life: Life::of(&app, &key).await?,
        notes: Note::newest(&app, &key).await?,
        refusals: refusals.iter().map(|refused| Refusal::of(refused, &app.product, now)).collect(),
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

async fn series(app: &App, key: &ApiKey, period: Period, now: Timestamp) -> Result<Series, Error> {
    let counted = match period.since(now) {
        (Interval::Hour, from) => usage::list_hours(&app.db, &key.account_id, &key.id, from).await?,
        (Interval::Day, from) => usage::list_days(&app.db, &key.account_id, &key.id, from).await?,
    };
    Ok(period.series(&counted, now))
}

/// From how many addresses the key was used.
async fn addresses(app: &App, key: &ApiKey, since: Timestamp) -> Result<String, Error> {
    let addresses = usage::count_addresses(&app.db, &key.account_id, &key.id, since).await?;
    Ok(text::thousands(addresses.unsigned_abs()))
}
