//! The timeline of a key on its page, of one that is deleted too.

use crate::model::api_key::ApiKey;
use crate::model::text;
use crate::model::timeline::timeline;
use crate::store::api_keys;
use crate::store::audit_events::{self, Slice};
use crate::web::App;
use crate::web::error::Error;
use crate::web::view::Moment;

/// Events that are read for it; a longer log is in the audit log.
const EVENTS: i64 = 200;

pub(super) struct Life {
    pub steps: Vec<Step>,
    /// Whether the log has more of it.
    pub is_longer: bool,
}

pub(super) struct Step {
    pub at: Moment,
    pub what: String,
    pub who: String,
    pub grave: bool,
}

impl Life {
    pub async fn of(app: &App, key: &ApiKey) -> Result<Self, Error> {
        let slice = Slice { target_id: &key.id, before: None, limit: EVENTS };
        let events = audit_events::list(&app.db, &key.account_id, slice).await?;
        let first_used_at = api_keys::first_used_at(&app.db, &key.account_id, &key.id).await?;
        let steps = timeline(key, &events, first_used_at).into_iter().map(|step| Step {
            at: Moment::new(step.at, text::date_time(step.at)),
            what: step.what,
            who: step.who,
            grave: step.grave,
        });
        Ok(Self { steps: steps.collect(), is_longer: i64::try_from(events.len()).unwrap_or(EVENTS) >= EVENTS })
    }
}
