//! Whom a mail about a key goes to. Of what happens by itself, whoever created the key hears, and every administrator if
//! they cannot do anything about it any more; of what somebody does, whoever else should know.

use std::time::Duration;

use super::errands::{self, Kind};
use super::key_reminders::Due;
use super::{Act, Tx, columns, within};
use crate::clock::days;
use crate::model::reminder::Reminder;

/// Mails that one act of many keys, or a program that makes them all day, sends to one mailbox.
const MOST_A_DAY: i64 = 20;
const DAY: Duration = days(1);

struct Reader {
    id: String,
    email: String,
}

columns!(Reader { id, email });

/// To the administrators, but not to the one who created it.
pub(super) async fn created(tx: &mut Tx, act: &Act<'_>, account_id: &str, key_id: &str) -> sqlx::Result<()> {
    const READERS: &str = "
        select id, email
        from users
        where account_id = $1
        and role = 'administrator'
        and removed_at is null
        and id <> $2
        order by created_at, id
        limit 50";
    let readers: Vec<Reader> =
        within!(&mut *tx, c => sqlx::query_as(READERS).bind(account_id).bind(&act.actor.id).fetch_all(c))?;
    for reader in readers {
        let event = format!("key_created {key_id} {}", reader.id);
        put(tx, act, Kind::KeyCreated, &reader, (key_id, &event)).await?;
    }
    Ok(())
}

/// To whoever created the key, if it was somebody else who revealed it.
pub(super) async fn revealed(tx: &mut Tx, act: &Act<'_>, account_id: &str, key_id: &str) -> sqlx::Result<()> {
    const CREATOR: &str = "
        select u.id, u.email
        from api_keys k
        join users u on u.id = k.created_by
        where k.account_id = $1
        and k.id = $2
        and u.account_id = $1
        and u.removed_at is null
        and u.id <> $3";
    let creator: Option<Reader> = within!(&mut *tx, c => {
        sqlx::query_as(CREATOR).bind(account_id).bind(key_id).bind(&act.actor.id).fetch_optional(c)
    })?;
    let Some(creator) = creator else { return Ok(()) };
    let event = format!("key_revealed {key_id} {}", act.at.micros());
    put(tx, act, Kind::KeyRevealed, &creator, (key_id, &event)).await
}

/// To its creator, if they can still do something about it; otherwise to every administrator.
pub(super) async fn remind(tx: &mut Tx, act: &Act<'_>, reminder: Reminder, due: &Due) -> sqlx::Result<()> {
    const READERS: &str = "
        select u.id, u.email
        from users u
        join api_keys k on k.account_id = u.account_id
        where u.account_id = $1
        and k.id = $2
        and u.role = 'administrator'
        and u.removed_at is null
        and (u.id = k.created_by or not exists (
            select 1 from users c
            where c.id = k.created_by
            and c.account_id = $1
            and c.role = 'administrator'
            and c.removed_at is null
        ))
        order by u.created_at, u.id
        limit 50";
    let readers: Vec<Reader> =
        within!(&mut *tx, c => sqlx::query_as(READERS).bind(&due.account_id).bind(&due.key_id).fetch_all(c))?;
    let kind = match reminder {
        Reminder::ExpiresIn14Days | Reminder::ExpiresIn3Days => Kind::KeyExpiring,
        Reminder::Expired => Kind::KeyExpired,
        Reminder::RotationDue => Kind::RotationDue,
        Reminder::Spike => Kind::UsageSpike,
    };
    let about =
        if reminder == Reminder::Spike { format!("{} {}", due.key_id, due.at.hour()) } else { due.key_id.clone() };
    for reader in readers {
        let event = format!("{} {} {} {}", reminder.as_str(), due.key_id, due.at.micros(), reader.id);
        errands::insert(tx, act, kind, (&reader.email, &about), &event).await?;
    }
    Ok(())
}

/// Asks for it, unless this mailbox has had enough of its kind today.
async fn put(
    tx: &mut Tx,
    act: &Act<'_>,
    kind: Kind,
    reader: &Reader,
    (key_id, event): (&str, &str),
) -> sqlx::Result<()> {
    const COUNT: &str = "select count(*) from errands where recipient = $1 and kind = $2 and created_at > $3";
    let (today,): (i64,) = within!(&mut *tx, c => {
        sqlx::query_as(COUNT).bind(&reader.email).bind(kind.as_str()).bind(act.at - DAY).fetch_one(c)
    })?;
    if today >= MOST_A_DAY {
        return Ok(());
    }
    errands::insert(tx, act, kind, (&reader.email, key_id), event).await
}
