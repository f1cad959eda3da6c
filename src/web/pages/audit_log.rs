//! The audit log: newest first, grouped by day, a sentence and a code for each event.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use time::macros::format_description;

use crate::clock::Timestamp;
use crate::model::audit::AuditEvent;
use crate::model::text;
use crate::store::audit_events::{self, Slice};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::{Query, link};
use crate::web::view::{Avatar, Moment};
use crate::web::{App, page};

/// Events on a page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "audit_log/show.html")]
struct AuditLog {
    chrome: Chrome,
    resources: String,
    days: Vec<Day>,
    /// The target that the log is narrowed to, if it is.
    target: Option<String>,
    newer: Option<String>,
    older: Option<String>,
}

struct Day {
    label: String,
    lines: Vec<Line>,
}

/// One event as a line.
pub struct Line {
    pub at: Moment,
    /// `2 min ago`
    pub ago: String,
    /// `14:03 UTC`
    pub time: String,
    pub avatar: Avatar,
    pub who: String,
    pub what: String,
    pub code: &'static str,
    pub grave: bool,
    pub target: String,
    pub target_href: Option<String>,
    pub ip: String,
}

impl Line {
    pub fn of(event: &AuditEvent, now: Timestamp) -> Self {
        let href = event.target_id.starts_with("key_").then(|| format!("/settings/api-keys/{}", event.target_id));
        Self {
            at: Moment::new(event.at, seconds(event.at)),
            ago: text::ago(event.at, now),
            time: format!("{} UTC", text::time_of_day(event.at)),
            avatar: match event.actor_kind.as_str() {
                "user" => Avatar::of(&event.actor_id, &event.actor_name),
                "key" => Avatar::machine("API"),
                "cli" => Avatar::machine("CLI"),
                _ => Avatar::machine("–"),
            },
            who: event.actor_name.clone(),
            what: event.sentence(),
            code: event.action.code(),
            grave: event.action.is_grave(),
            target: event.target_name.clone(),
            target_href: href,
            ip: event.ip.clone(),
        }
    }
}

/// `GET /settings/audit-log?target=&before=`
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    let now = app.now();
    let target = query.id("target");
    let before = query.get("before").parse().ok();
    let limit = i64::try_from(PAGE).unwrap_or(i64::MAX) + 1;
    let slice = Slice { target_id: target, before, limit };
    let mut events = audit_events::list(&app.db, me.account_id(), slice).await?;
    let more = events.len() > PAGE;
    events.truncate(PAGE);
    let last = events.last().filter(|_| more).map(|last| last.seq.to_string());
    let narrowed = if target.is_empty() {
        None
    } else {
        events.first().map(|event| event.target_name.clone()).or(Some(target.to_owned()))
    };
    let mut chrome = Chrome::of(&app, &me, Place::AuditLog).await?;
    chrome.here = href(target, query.get("before"));
    let shown = AuditLog {
        chrome,
        resources: app.product.words.resources.clone(),
        days: by_day(&events, now),
        target: narrowed,
        newer: before.map(|_: i64| href(target, "")),
        older: last.map(|before| href(target, &before)),
    };
    Ok(page(StatusCode::OK, &shown))
}

fn href(target: &str, before: &str) -> String {
    link("/settings/audit-log", &[("target", target), ("before", before)])
}

fn by_day(events: &[AuditEvent], now: Timestamp) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for event in events {
        let label = day(event.at, now);
        if days.last().is_none_or(|day| day.label != label) {
            days.push(Day { label, lines: Vec::new() });
        }
        if let Some(day) = days.last_mut() {
            day.lines.push(Line::of(event, now));
        }
    }
    days
}

/// `Today, 21 November 2026`, `Friday, 20 November 2026`.
fn day(at: Timestamp, now: Timestamp) -> String {
    let date =
        at.date_time().format(format_description!("[day padding:none] [month repr:long] [year]")).unwrap_or_default();
    let weekday = at.date_time().weekday().to_string();
    let today = at.date_time().date() == now.date_time().date();
    format!("{}, {date}", if today { "Today" } else { &weekday })
}

fn seconds(at: Timestamp) -> String {
    at.date_time().format(format_description!("[hour]:[minute]:[second]")).unwrap_or_default()
}
