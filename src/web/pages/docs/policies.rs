//! The definition's policies in sentences: how many keys, how long they live, how they are rotated and deleted, and
//! what is refused before any key is looked at.

use super::Guide;
use crate::model::text;
use crate::product::{ExpiryPolicy, KeyAct, Reveal, grace_hours};

impl Guide<'_> {
    pub fn number_of_keys(&self) -> String {
        match u64::try_from(self.product.keys.limit) {
            Ok(1) => "An account has one key.".into(),
            Ok(limit) if limit > 0 => format!("An account holds at most {}.", text::count(limit, "key", "keys")),
            _ => "As many as you need.".into(),
        }
    }

    pub fn has_one_key(&self) -> bool {
        self.product.has_one_key()
    }

    /// Whether keys are created, rotated and so on, in the page or over the API.
    pub fn offers_act(&self, act: KeyAct) -> bool {
        self.product.offers(act) || self.product.offers_over_api(act)
    }

    pub fn creates(&self) -> bool {
        self.offers_act(KeyAct::Create)
    }

    pub fn renames(&self) -> bool {
        self.offers_act(KeyAct::Rename)
    }

    pub fn rotates(&self) -> bool {
        self.offers_act(KeyAct::Rotate)
    }

    pub fn deletes(&self) -> bool {
        self.offers_act(KeyAct::Delete)
    }

    /// `create, rotate and delete`, in the page.
    pub fn acts_in_page(&self) -> String {
        in_words(&self.product.keys.in_page)
    }

    /// `create, rotate and delete`, over the API; empty if nothing is done there.
    pub fn acts_over_api(&self) -> String {
        in_words(&self.product.keys.over_api)
    }

    pub fn reveal(&self) -> &'static str {
        match (self.product.keys.reveal, self.rotates()) {
            (Reveal::Again, _) => {
                "Whenever you need to copy it again: an administrator confirms their password, and the audit log says \
                 who looked and when."
            }
            (Reveal::Once, true) => {
                "Once. A new key waits sealed for up to 24 hours; once it is revealed, nobody, including us, can show \
                 it again. Lost it? Rotate it."
            }
            (Reveal::Once, false) => {
                "Once. A new key waits sealed for up to 24 hours; once it is revealed, nobody, including us, can show \
                 it again. Lost it? Delete it and create another."
            }
        }
    }

    /// Where keys are deleted, if they are.
    pub fn deletion(&self) -> &'static str {
        let product = self.product;
        match (product.offers(KeyAct::Delete), product.offers_over_api(KeyAct::Delete)) {
            (true, true) => "In the page, or over the API.",
            (true, false) => "Keys can’t be deleted over the API, only in the page.",
            _ => "Over the API.",
        }
    }

    /// `every 90 days`, if the definition recommends an age.
    pub fn rotation_period(&self) -> String {
        match self.product.rotation.recommended_days {
            0 => "regularly".into(),
            days => format!("every {}", text::count(days, "day", "days")),
        }
    }

    pub fn expiry(&self) -> String {
        let expiry = &self.product.expiry;
        let lives: Vec<String> = expiry.choices_days.iter().map(|days| life(*days)).collect();
        let choices = if lives.is_empty() { "a date".into() } else { format!("{}, or any date", lives.join(", ")) };
        match expiry.policy {
            ExpiryPolicy::None if self.offers_act(KeyAct::Delete) => {
                "Keys don’t expire. They work until you delete them.".into()
            }
            ExpiryPolicy::None => "Keys don’t expire.".into(),
            ExpiryPolicy::Optional => {
                format!("Your choice: {choices}, or no expiry. An expired key is refused with 401.")
            }
            ExpiryPolicy::Required => format!("Every key expires: {choices}. An expired key is refused with 401."),
        }
    }

    /// How long the old secret works on.
    pub fn grace(&self) -> String {
        let rotation = &self.product.rotation;
        let spans: Vec<String> = rotation.grace.iter().filter(|grace| *grace != "0").map(|grace| span(grace)).collect();
        let at_once = self.ends_at_once();
        let choices = text::list(&spans).replace(" and ", " or ");
        match (spans.len(), at_once) {
            (0, _) => "The old one stops working at once.".into(),
            (1, false) => format!("The old one keeps working for {choices}, while you deploy the new one."),
            (_, at_once) => {
                let or = if at_once { ", or stops at once" } else { "" };
                let default = match rotation.default_grace.as_str() {
                    "0" => "at once".to_owned(),
                    grace => span(grace),
                };
                format!("The old one keeps working for {choices}{or}: your choice, {default} unless you say.")
            }
        }
    }

    pub fn grace_choices(&self) -> &[String] {
        &self.product.rotation.grace
    }

    /// Whether the old secret can be ended with the rotation.
    pub fn ends_at_once(&self) -> bool {
        self.product.rotation.grace.iter().any(|grace| grace == "0")
    }

    pub fn per_minute(&self) -> String {
        text::count(u64::from(self.product.rate_limit.per_minute), "request", "requests")
    }
}

fn in_words(acts: &[KeyAct]) -> String {
    let words = acts.iter().map(|act| act.as_str().to_owned());
    text::list(&words.collect::<Vec<_>>())
}

/// `1 hour`, `7 days`.
fn span(grace: &str) -> String {
    match grace_hours(grace).unwrap_or(0) {
        hours if hours > 24 && hours % 24 == 0 => life(hours / 24),
        hours => text::count(hours, "hour", "hours"),
    }
}

fn life(days: u64) -> String {
    if days == 365 { "1 year".into() } else { text::count(days, "day", "days") }
}
