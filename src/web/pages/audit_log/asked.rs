//! What the query string asks of the audit log, as the page and its exports understand it alike. Every part narrows, and
//! what cannot be understood matches nothing: a log must not show more than was asked for.

use std::net::IpAddr;
use std::time::Duration;

use time::macros::format_description;
use time::{Date, Time};

use crate::clock::{Timestamp, days, hours};
use crate::model::audit::Action;
use crate::model::secret::Secret;
use crate::model::text;
use crate::store::audit_list::{self, Filter};
use crate::web::App;
use crate::web::error::Error;
use crate::web::form::{Fields, link};

/// Characters of a search; no name is longer, and no database likes a longer pattern.
const LONGEST_SEARCH: usize = 100;
/// What no record has.
const NOTHING: &str = "-";
/// Matching events are counted no further.
const MOST_COUNTED: i64 = 10_000;
/// Actors that are no person of the account, by the kind that the log has of them.
pub const KINDS: [(&str, &str); 5] = [
    ("key", "An API key"),
    ("staff", "Support staff"),
    ("visitor", "Somebody not signed in"),
    ("cli", "The command line"),
    ("system", "The product itself"),
];
pub const RANGES: [(&str, &str, Duration); 4] = [
    ("24h", "Last 24 hours", hours(24)),
    ("7d", "Last 7 days", days(7)),
    ("30d", "Last 30 days", days(30)),
    ("90d", "Last 90 days", days(90)),
];

/// The filters, as they stand in the form.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub q: String,
    /// A person's id, or one of [`KINDS`].
    pub actor: String,
    pub action: String,
    pub range: String,
    pub from: String,
    pub to: String,
    pub target: String,
}

impl Asked {
    pub fn read(fields: &Fields) -> Self {
        let known = |name: &str, is_known: &dyn Fn(&str) -> bool| match fields.get(name) {
            value if value.is_empty() || is_known(value) => value.to_owned(),
            _ => NOTHING.to_owned(),
        };
        Self {
            q: fields.get("q").trim().chars().take(LONGEST_SEARCH).collect(),
            actor: fields.id("actor").to_owned(),
            action: known("action", &|code| code.parse::<Action>().is_ok()),
            range: known("range", &|range| RANGES.iter().any(|(known, ..)| *known == range)),
            from: known("from", &|day| date(day).is_some()),
            to: known("to", &|day| date(day).is_some()),
            target: fields.id("target").to_owned(),
        }
    }

    /// A whole secret belongs into no address: the same search with its last four characters instead.
    pub fn without_secret(&self, app: &App) -> Option<Self> {
        let last4 = Secret::last4_within(&self.q, &app.gate.prefixes.all())?;
        Some(Self { q: last4.into(), ..self.clone() })
    }

    pub fn filter(&self, now: Timestamp) -> Filter {
        let mut filter = Filter { target_id: self.target.clone(), action: self.action.clone(), ..Filter::default() };
        if KINDS.iter().any(|(kind, _)| *kind == self.actor) {
            filter.actor_kind.clone_from(&self.actor);
        } else {
            filter.actor_id.clone_from(&self.actor);
        }
        let range = RANGES.iter().find(|(known, ..)| *known == self.range);
        filter.since = range.map(|(.., span)| now - *span).max(date(&self.from).map(midnight));
        filter.until = date(&self.to).and_then(Date::next_day).map(midnight);
        self.search(&mut filter);
        if [&self.range, &self.from, &self.to].iter().any(|asked| *asked == NOTHING) {
            filter.event_id = NOTHING.into();
        }
        filter
    }

    /// An event by its id, an address, a thing by its id, or else a part of a name.
    fn search(&self, filter: &mut Filter) {
        if is_id(&self.q, "evt") {
            filter.event_id.clone_from(&self.q);
        } else if let Ok(ip) = self.q.parse::<IpAddr>() {
            filter.ip = ip.to_string();
        } else if self.target.is_empty() && ["key", "inb", "usr", "acc"].iter().any(|kind| is_id(&self.q, kind)) {
            filter.target_id.clone_from(&self.q);
        } else {
            filter.target_name.clone_from(&self.q);
        }
    }

    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("q", &self.q),
            ("actor", &self.actor),
            ("action", &self.action),
            ("range", &self.range),
            ("from", &self.from),
            ("to", &self.to),
            ("target", &self.target),
        ]
    }

    /// Whether the form narrows the log; what it is narrowed to from elsewhere, such as a key, is not the form's.
    pub fn is_narrowed(&self) -> bool {
        self.fields().iter().any(|(name, value)| *name != "target" && !value.is_empty())
    }

    /// These filters at `path`, from a place on.
    pub fn href(&self, path: &str, cursor: (&str, &str)) -> String {
        let fields: Vec<_> = self.fields().into_iter().chain([cursor]).collect();
        link(path, &fields)
    }

    /// For the log itself: `action key.deleted, from 2026-11-01`; empty if nothing narrows.
    pub fn in_words(&self) -> String {
        let asked = self.fields().into_iter().filter(|(_, value)| !value.is_empty());
        let said = asked.map(|(name, value)| match name {
            "q" => format!("search {value}"),
            name => format!("{name} {value}"),
        });
        said.collect::<Vec<_>>().join(", ")
    }
}

/// How many events match: `1,204 events`, `more than 10,000 events`.
pub async fn matching(app: &App, account_id: &str, filter: &Filter, up_to: i64) -> Result<String, Error> {
    let window = audit_list::Window { up_to, ..audit_list::Window::newest(MOST_COUNTED + 1) };
    let count =
        if filter.is_everything() { up_to } else { audit_list::count(&app.db, account_id, filter, window).await? };
    let said = |count: i64| text::count(u64::try_from(count).unwrap_or(0), "event", "events");
    let is_whole = filter.is_everything() || count <= MOST_COUNTED;
    Ok(if is_whole { said(count) } else { format!("more than {}", said(MOST_COUNTED)) })
}

fn is_id(text: &str, kind: &str) -> bool {
    let random = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_'));
    random.is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn date(text: &str) -> Option<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).ok()
}

fn midnight(day: Date) -> Timestamp {
    day.with_time(Time::MIDNIGHT).assume_utc().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Filter {
        let now = Timestamp::from_micros(1_795_269_900_000_000);
        Asked::read(&Fields::parse(query).expect("a query")).filter(now)
    }

    #[test]
    fn a_search_is_for_an_event_an_address_a_thing_or_a_name() {
        assert_eq!(filter("q=evt_0123456789abcdef").event_id, "evt_0123456789abcdef");
        assert_eq!(filter("q=198.51.100.7").ip, "198.51.100.7");
        assert_eq!(filter("q=2001:DB8::0:1").ip, "2001:db8::1");
        assert_eq!(filter("q=key_0123456789abcdef").target_id, "key_0123456789abcdef");
        for name in ["billing", "evt_1", "198.51.100", "evt_0123456789abcde!"] {
            assert_eq!(filter(&format!("q={name}")).target_name, name);
        }
    }

    #[test]
    fn days_are_whole_and_a_span_and_days_narrow_together() {
        let asked = filter("from=2026-11-01&to=2026-11-02");
        let at = |moment: Option<Timestamp>| moment.expect("a bound").to_string();
        assert_eq!((at(asked.since), at(asked.until)), ("2026-11-01T00:00:00Z".into(), "2026-11-03T00:00:00Z".into()));
        assert_eq!(at(filter("range=24h&from=2026-11-01").since), "2026-11-20T14:05:00Z");
        assert_eq!(at(filter("range=24h&from=2026-11-21").since), "2026-11-21T00:00:00Z");
        assert!(filter("").is_everything() && !filter("to=2026-11-02").is_everything());
    }

    #[test]
    fn what_cannot_be_understood_matches_nothing() {
        for query in ["from=yesterday", "to=2026-02-30", "range=2d"] {
            assert_eq!(filter(query).event_id, NOTHING, "{query}");
        }
        assert_eq!(filter("action=key.exploded").action, NOTHING);
        assert_eq!(filter("actor=%27").actor_id, NOTHING);
    }
}
