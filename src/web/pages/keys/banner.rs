//! What a key's page says before anything else, because it cannot wait: that the key has expired, or will within days.

use crate::clock::Timestamp;
use crate::model::api_key::{ApiKey, Status};
use crate::model::reminder::Reminder;
use crate::model::text;
use crate::product::{KeyAct, Product};
use crate::web::view::Moment;

pub(super) struct Banner {
    pub sentence: String,
    pub at: Moment,
    /// What comes of it.
    pub consequence: &'static str,
    /// Whether there is a form for another key like it.
    pub successor: bool,
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
        let at = Moment::new(expiry, text::date_time(expiry));
        Some(Self { sentence, at, consequence, successor: may_change && product.offers(KeyAct::Create) })
    }
}
