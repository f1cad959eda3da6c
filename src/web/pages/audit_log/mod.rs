//! The audit log: newest first, grouped by day, a sentence and a code for each event, narrowed by filters that all stand
//! in the address.

mod asked;
pub mod export;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use time::macros::format_description;

use self::asked::{Asked, KINDS, RANGES, matching};
use crate::clock::Timestamp;
use crate::model::audit::{Action, AuditEvent};
use crate::model::text;
use crate::store::audit_list::{Filter, Window, newer, newest, older, place};
use crate::store::users;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::{Fields, Query};
use crate::web::view::{Avatar, Moment};
use crate::web::{App, page, see_other};

const HERE: &str = "/settings/audit-log";
/// Events on a page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "audit_log/show.html")]
struct AuditLog {
    chrome: Chrome,
    resources: String,
    days: Vec<Day>,
    asked: Asked,
    actors: Vec<Choice>,
    /// Under what they are done to.
    actions: Vec<(String, Vec<Choice>)>,
    /// The target that the log is narrowed to, if it is.
    target: Option<String>,
    /// `1,204 events`
    matching: String,
    newer: Option<String>,
    older: Option<String>,
}

impl AuditLog {
    fn export(&self, extension: &str) -> String {
        self.asked.href(&format!("{HERE}.{extension}"), ("", ""))
    }

    /// Without what the form narrows.
    fn cleared(&self) -> String {
        Asked { target: self.asked.target.clone(), ..Asked::default() }.href(HERE, ("", ""))
    }

    /// What there is, and what an export will hold.
    fn matching(&self) -> String {
        let (verb, all) = if self.matching == "1 event" { ("matches", "it") } else { ("match", "all of them") };
        format!("{} {verb}, and an export holds {all}", text::capitalised(&self.matching))
    }
}

/// An option of a filter.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

impl Choice {
    fn of(value: String, label: String, chosen: &str) -> Self {
        Self { chosen: value == chosen, value, label }
    }
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
    /// `auditor`; empty for whoever has none.
    pub role: String,
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
                "user" | "staff" => Avatar::of(&event.actor_id, &event.actor_name),
                "key" => Avatar::machine("API"),
                "cli" => Avatar::machine("CLI"),
                _ => Avatar::machine("–"),
            },
            who: event.actor_name.clone(),
            role: event.actor_role.clone(),
            what: event.sentence(),
            code: event.action.code(),
            grave: event.action.is_grave(),
            target: event.target_name.clone(),
            target_href: href,
            ip: event.ip.clone(),
        }
    }
}

/// `GET /settings/audit-log?q=&actor=&action=&range=&from=&to=&target=&before=&after=`
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    let asked = Asked::read(&query);
    if let Some(asked) = asked.without_secret(&app) {
        return Ok(see_other(&asked.href(HERE, ("", ""))));
    }
    let now = app.now();
    let filter = asked.filter(now);
    let shown = Shown::read(&app, me.account_id(), &filter, &query).await?;
    let matching = matching(&app, me.account_id(), &filter, newest(&app.db, me.account_id()).await?).await?;
    let mut chrome = Chrome::of(&app, &me, Place::AuditLog).await?;
    chrome.here = asked.href(HERE, shown.cursor());
    let people = users::list(&app.db, me.account_id()).await?;
    let log = AuditLog {
        chrome,
        resources: app.product.words.resources.clone(),
        days: by_day(&shown.events, now),
        target: shown.target_name(&asked.target),
        actors: actors(&asked, people, &shown.events),
        actions: actions(&asked, &app.product.words.resources),
        newer: shown.newer.as_ref().map(|id| asked.href(HERE, ("after", id))),
        older: shown.older.as_ref().map(|id| asked.href(HERE, ("before", id))),
        matching,
        asked,
    };
    Ok(page(StatusCode::OK, &log))
}

/// The events of a page, and the ids that its neighbours begin at.
#[derive(Default)]
struct Shown {
    events: Vec<AuditEvent>,
    newer: Option<String>,
    older: Option<String>,
    /// Where the page itself begins, as its address says it.
    begins: Option<(&'static str, String)>,
}

impl Shown {
    async fn read(app: &App, account_id: &str, filter: &Filter, query: &Fields) -> Result<Self, Error> {
        // One more than is shown tells whether there is another page.
        let window = Window::newest(i64::try_from(PAGE).unwrap_or(i64::MAX) + 1);
        if let Some(after) = place(&app.db, account_id, query.id("after")).await? {
            let mut events = newer(&app.db, account_id, filter, Window { after: Some(after), ..window }).await?;
            // Less than a page is the beginning of the first one.
            if events.len() > PAGE {
                events.remove(0);
                let begins = Some(("after", query.id("after").to_owned()));
                let (newer, older) = (Self::id(events.first()), Self::id(events.last()));
                return Ok(Self { events, newer, older, begins });
            }
        }
        let before = place(&app.db, account_id, query.id("before")).await?;
        let mut events = older(&app.db, account_id, filter, Window { before, ..window }).await?;
        let has_older = events.len() > PAGE;
        events.truncate(PAGE);
        let newer = Self::id(events.first().filter(|_| before.is_some()));
        let older = Self::id(events.last().filter(|_| has_older));
        let begins = before.map(|_| ("before", query.id("before").to_owned()));
        Ok(Self { events, newer, older, begins })
    }

    fn id(event: Option<&AuditEvent>) -> Option<String> {
        event.map(|event| event.id.clone())
    }

    fn cursor(&self) -> (&str, &str) {
        self.begins.as_ref().map_or(("", ""), |(name, id)| (*name, id.as_str()))
    }

    /// What the thing that the log is narrowed to is called; its id, if nothing is known of it.
    fn target_name(&self, id: &str) -> Option<String> {
        let named = self.events.iter().find(|event| event.target_id == id && !event.target_name.is_empty());
        (!id.is_empty()).then(|| named.map_or(id, |event| &event.target_name).to_owned())
    }
}

/// Whoever may have acted: the people of the account, and what is nobody. Somebody who left is there when asked for.
fn actors(asked: &Asked, people: Vec<users::Person>, events: &[AuditEvent]) -> Vec<Choice> {
    let people = people.into_iter().map(|person| (person.id, person.name));
    let nobody = KINDS.iter().map(|(kind, label)| ((*kind).to_owned(), (*label).to_owned()));
    let mut actors: Vec<Choice> = people.chain(nobody).map(|(id, name)| Choice::of(id, name, &asked.actor)).collect();
    if !asked.actor.is_empty() && !actors.iter().any(|actor| actor.chosen) {
        let name = events.first().map_or(&asked.actor, |event| &event.actor_name);
        actors.push(Choice::of(asked.actor.clone(), name.clone(), &asked.actor));
    }
    actors
}

/// Every action under what it is done to.
fn actions(asked: &Asked, resources: &str) -> Vec<(String, Vec<Choice>)> {
    let resources = text::capitalised(resources);
    let groups: [(&str, &[&str]); 5] = [
        ("Keys", &["key", "keys", "secrets"]),
        (&resources, &["inbox"]),
        ("People", &["member", "invitation", "staff"]),
        ("Signing in", &["session", "password", "email", "identity", "factor", "recovery_code", "recovery_codes"]),
        ("Account, record and support", &[]),
    ];
    let group_of = |action: Action| {
        let kind = action.code().split('.').next().unwrap_or_default();
        groups.iter().position(|(_, kinds)| kinds.contains(&kind)).unwrap_or(groups.len() - 1)
    };
    let choice = |action: Action| Choice::of(action.code().into(), action.sentence().into(), &asked.action);
    let of = |index| Action::ALL.into_iter().filter(|action| group_of(*action) == index).map(choice).collect();
    groups.iter().enumerate().map(|(index, (label, _))| ((*label).to_owned(), of(index))).collect()
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
