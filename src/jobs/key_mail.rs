//! Mail about keys, composed when it is sent: of what is true by then, for somebody who may still know it. What is not so
//! any more is not said.

use super::Background;
use super::key_letters::Letterhead;
use crate::model::api_key::{ApiKey, Status};
use crate::model::letter::Letter;
use crate::model::user::User;
use crate::store::errands::{Errand, Kind};
use crate::store::{api_keys, key_reminders, users};

/// The letter of an errand about a key; nothing if there is nothing to say any more.
pub(super) async fn compose(background: &Background, errand: &Errand) -> sqlx::Result<Option<Letter>> {
    let db = &background.db;
    let Some((reader, _)) = users::find_by_email(db, &errand.recipient).await? else { return Ok(None) };
    if !reader.role.manages_keys() {
        return Ok(None);
    }
    let (key_id, hour) = errand.about.split_once(' ').unwrap_or((&errand.about, ""));
    let Some(key) = api_keys::find(db, &reader.account_id, key_id).await? else { return Ok(None) };
    if errand.kind == Kind::UsageSpike {
        let hour = hour.parse().unwrap_or_default();
        let stretch = key_reminders::stretch(db, &key.account_id, &key.id, hour).await?;
        let spike = stretch.and_then(|stretch| Some((stretch, stretch.spike()?)));
        return Ok(spike.map(|(stretch, spike)| head(background, &reader, &key).spike(&stretch, spike)));
    }
    Ok(of_its_state(errand.kind, &head(background, &reader, &key)))
}

fn head<'a>(background: &'a Background, reader: &'a User, key: &'a ApiKey) -> Letterhead<'a> {
    Letterhead {
        brand: &background.post.brand,
        public_url: &background.post.public_url,
        account: &reader.account_name,
        key,
        now: background.clock.now(),
        advice: background.advice,
    }
}

fn of_its_state(kind: Kind, head: &Letterhead<'_>) -> Option<Letter> {
    let (key, now) = (head.key, head.now);
    let status = key.status(now);
    match kind {
        Kind::KeyCreated => Some(head.created()),
        Kind::KeyRevealed => key.revealed_at.map(|at| head.revealed(at)),
        Kind::KeyExpiring => key.expires_at.filter(|_| status.verifies()).map(|at| head.expiring(at)),
        Kind::KeyExpired => key.expires_at.filter(|_| status == Status::Expired).map(|at| head.expired(at)),
        Kind::RotationDue => {
            let age = head.advice.rotates_after.filter(|_| status.verifies())?;
            key.rotation_due(age).filter(|due| *due <= now).map(|_| head.rotation_due(age))
        }
        _ => None,
    }
}
