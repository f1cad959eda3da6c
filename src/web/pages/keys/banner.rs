//! What a key's page says before anything else, because it cannot wait: that the key has expired, or will within days, or
//! that its secret was withdrawn.

use crate::clock::Timestamp;
use crate::model::api_key::{ApiKey, Status};
use crate::model::reminder::Reminder;
use crate::model::text;
use crate::product::{KeyAct, Product};
use crate::web::view::Moment;

pub(super) struct Banner {
    pub sentence: String,
    pub at: Option<Moment>,
    /// What comes of it.
    pub consequence: &'static str,
    /// Where to mend it, and by which words, if the reader may.
    pub way_out: Option<(String, &'static str)>,
}

impl Banner {
    pub fn of(key: &ApiKey, product: &Product, may_change: bool, now: Timestamp) -> Option<Self> {
        let (status, expiry) = (key.status(now), key.expires_at?);
        let near = expiry <= now + Reminder::ExpiresIn3Days.notice();
        let (sentence, consequence) = match status {
            Status::Expired => ("This key has expired.".to_owned(), "Requests with it fail with 401."),
            Status::Active | Status::Retiring if near => (
                format!("This key expires {}.", text::until(expiry, now)),
                "From then on, requests with it fail with 401.",
            ),
            _ => return None,
        };
        let at = Some(Moment::new(expiry, text::date_time(expiry)));
        let successor = (format!("/settings/api-keys/new?from={}", key.id), "Create its successor");
        let way_out = (may_change && product.offers(KeyAct::Create)).then_some(successor);
        Some(Self { sentence, at, consequence, way_out })
    }

    /// Of a key whose secret leaked or was lost, and that has no other.
    pub fn withdrawn(key: &ApiKey, product: &Product, may_change: bool) -> Self {
        let rotation = (format!("/settings/api-keys/{}/rotate", key.id), "Rotate it");
        Self {
            sentence: "This key waits to be rotated.".to_owned(),
            at: None,
            consequence: "Its secret leaked or was lost, and requests with it fail with 401.",
            way_out: (may_change && product.offers(KeyAct::Rotate)).then_some(rotation),
        }
    }
}
