//! What the mails about keys say: which key, what happened or will, since when and by whom, and what to do.

use std::borrow::Cow;
use std::time::Duration;

use super::reminders::Advice;
use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;
use crate::model::letter::{Button, Letter};
use crate::model::name::isolated;
use crate::model::reminder::{FLOOR, REFUSED_FLOOR, Spike, Stretch, TIMES};
use crate::model::text;

/// What all of them are about.
pub(super) struct Letterhead<'a> {
    pub brand: &'a str,
    pub public_url: &'a str,
    pub account: &'a str,
    pub key: &'a ApiKey,
    pub now: Timestamp,
    pub advice: Advice,
}

impl Letterhead<'_> {
    /// The key and its account, by their names.
    fn names(&self) -> (Cow<'_, str>, Cow<'_, str>) {
        (isolated(&self.key.name), isolated(self.account))
    }

    /// `the API key billing (kd_live_…7Qx2) of Halden Freight`
    fn subject(&self) -> String {
        let (name, account) = self.names();
        format!("the API key {name} ({}) of {account}", self.key.fragment())
    }

    fn button(&self, label: &'static str, rest: &str) -> Button {
        let link = format!("{}/settings/api-keys/{}{rest}", self.public_url, self.key.id);
        Button { label, link: link.into() }
    }

    fn page(&self) -> Button {
        self.button("See the key", "")
    }

    /// To a form that is filled from this key, where a page makes keys.
    fn successor(&self) -> Button {
        if !self.advice.creates {
            return self.page();
        }
        let link = format!("{}/settings/api-keys/new?from={}", self.public_url, self.key.id);
        Button { label: "Create its successor", link: link.into() }
    }

    /// What is known of who would miss it.
    fn last_use(&self) -> String {
        match (self.key.last_used_at, &self.key.last_used_ip) {
            (Some(at), Some(ip)) => format!("It was last used {}, from {ip}.", text::ago_in_words(at, self.now)),
            (Some(at), None) => format!("It was last used {}.", text::ago_in_words(at, self.now)),
            (None, _) => "Nobody has used it yet.".into(),
        }
    }

    pub fn created(&self) -> Letter {
        let key = self.key;
        let (name, account) = self.names();
        let by = key.created_by_name.as_deref().map_or(Cow::Borrowed("A program, or the command line,"), isolated);
        let scopes = if key.scopes.is_full_access() {
            "It has full access.".into()
        } else {
            format!("It may: {}.", text::list(&key.scopes.iter().map(str::to_owned).collect::<Vec<_>>()))
        };
        let to = key.inbox_name.as_ref().map(|inbox| format!(" It is bound to {}.", isolated(inbox)));
        let to = to.unwrap_or_default();
        Letter {
            subject: format!("New API key {name} for {account}"),
            paragraphs: vec![
                format!("{by} created {} on {}.", self.subject(), text::date_time(key.created_at)),
                format!("{scopes}{to}"),
            ],
            button: Some(self.page()),
            closing: format!(
                "If nobody should have created it, delete it on that page: it stops at once. You get this email because you \
                 are an administrator of {account} on {}.",
                self.brand
            ),
        }
    }

    pub fn revealed(&self, at: Timestamp) -> Letter {
        let key = self.key;
        let by = key.revealed_by_name.as_deref().map_or(Cow::Borrowed("Somebody"), isolated);
        let from = key.revealed_ip.as_ref().map(|ip| format!(" from {ip}")).unwrap_or_default();
        Letter {
            subject: format!("{} was revealed by {by}", isolated(&key.name)),
            paragraphs: vec![
                format!("{by} revealed {}, which you created, on {}{from}.", self.subject(), text::date_time(at)),
                "Whoever reveals a key can copy it and use it.".into(),
            ],
            button: Some(self.page()),
            closing: "If you agreed on that, there is nothing to do. If not, replace or delete the key.".into(),
        }
    }

    pub fn expiring(&self, at: Timestamp) -> Letter {
        let until = text::until(at, self.now);
        let mut paragraphs = vec![
            format!(
                "{} expires {until}, on {}. From then on, requests with it fail with 401.",
                text::capitalised(&self.subject()),
                text::date_time(at)
            ),
            self.last_use(),
        ];
        paragraphs.extend(self.ways_on());
        Letter {
            subject: format!("{} expires {until}", isolated(&self.key.name)),
            paragraphs,
            button: Some(self.successor()),
            closing: "If nothing needs it any more, let it expire: there is nothing to do.".into(),
        }
    }

    pub fn expired(&self, at: Timestamp) -> Letter {
        let mut paragraphs = vec![
            format!(
                "{} expired on {}. Requests with it fail with 401.",
                text::capitalised(&self.subject()),
                text::date_time(at)
            ),
            self.last_use(),
        ];
        paragraphs.extend(self.ways_on());
        Letter {
            subject: format!("{} has expired", isolated(&self.key.name)),
            paragraphs,
            button: Some(self.successor()),
            closing: "If nothing needs it any more, there is nothing to do.".into(),
        }
    }

    fn ways_on(&self) -> Option<String> {
        let renewed = self.key.renewed_expiry(self.now).filter(|_| self.advice.rotates);
        let rotate = renewed
            .map(|at| format!("Rotating it instead keeps its name and ID, and lets it live until {}.", text::date(at)));
        let create = self.advice.creates.then(|| {
            "Create its successor in a form that is filled from it, deploy that, and delete this one.".to_owned()
        });
        let ways: Vec<String> = create.into_iter().chain(rotate).collect();
        (!ways.is_empty()).then(|| ways.join(" "))
    }

    pub fn spike(&self, stretch: &Stretch, spike: Spike) -> Letter {
        let begin = Timestamp::from_micros(stretch.hour * 3_600_000_000);
        let number = |count: i64| text::thousands(count.unsigned_abs());
        let what = match spike {
            Spike::Refused => "refused requests",
            Spike::Requests => "requests",
        };
        Letter {
            subject: format!("Unusually many {what} with {}", isolated(&self.key.name)),
            paragraphs: vec![
                format!(
                    "In the hour from {}, there were {} requests with {}, and {} of them were refused.",
                    text::date_time(begin),
                    number(stretch.requests),
                    self.subject(),
                    number(stretch.refused)
                ),
                format!(
                    "In the 7 days before, no hour had more than {} requests or more than {} refused.",
                    number(stretch.most_requests),
                    number(stretch.most_refused)
                ),
                format!(
                    "We write when an hour of a key has {TIMES} times as many as the busiest hour of the 7 days before, \
                     and at least {FLOOR} requests or {REFUSED_FLOOR} refused ones; at most once a day for each key."
                ),
            ],
            button: Some(self.button("See its requests", "?period=24h")),
            closing:
                "If you know why, there is nothing to do. If not, check where it is used from, and replace or delete it."
                    .into(),
        }
    }

    pub fn rotation_due(&self, age: Duration) -> Letter {
        let key = self.key;
        let old =
            text::count(self.now.since(key.rotated_at.unwrap_or(key.created_at)).as_secs() / 86_400, "day", "days");
        let recommended = text::count(age.as_secs() / 86_400, "day", "days");
        Letter {
            subject: format!("Time to rotate {}", isolated(&key.name)),
            paragraphs: vec![
                format!(
                    "The secret of {} is {old} old. It should be replaced every {recommended}, so that a copy that \
                     somebody kept stops working.",
                    self.subject()
                ),
                format!("{} The old secret can keep working while you deploy the new one.", self.last_use()),
            ],
            button: Some(self.button("Rotate the key", "/rotate")),
            closing: "If nothing needs it any more, delete it instead.".into(),
        }
    }
}
