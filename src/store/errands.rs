//! Errands: mail that is to be sent, each once, however often a process dies between. A row is claimed before it is
//! tried and comes back by itself if nobody says how that went.

use std::time::Duration;

use super::{Act, Db, Tx, change, columns, read, within};
use crate::clock::{Timestamp, days, hours};

/// How long whoever claimed an errand may take; then it is anybody's again.
const CLAIM: Duration = Duration::from_secs(45);
/// The first pause after a failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = hours(4);
/// Tries before it is given up: about a day.
const MOST_TRIES: i64 = 17;
const KEPT: Duration = days(30);
/// Characters of a mail server's reply that are worth keeping.
const LONGEST_PROBLEM: usize = 200;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody forgot the password of this address; nobody has looked yet whether the address is anybody's.
    PasswordForgotten,
    /// The password was changed.
    PasswordChanged,
    /// The address is to be proven.
    VerifyEmail,
    /// Somebody is asked to join a team.
    Invitation,
    /// Somebody has another role.
    RoleChanged,
    /// Somebody is not of the team any more.
    Removed,
    /// Another way to sign in was added.
    IdentityLinked,
    /// A way to sign in is gone.
    IdentityUnlinked,
    /// A password that somebody set before the address was proven is gone.
    PasswordRemoved,
    /// There is another second factor.
    FactorAdded,
    /// There is one less.
    FactorRemoved,
    /// There are new recovery codes, and the old ones are void.
    RecoveryCodesMade,
    /// Somebody came in by a recovery code.
    RecoveryCodeSpent,
    /// Somebody signed in on a device that they had not used before.
    NewDevice,
    /// The secret of a key was found where it should not be.
    KeyExposed,
    /// Somebody else made a key.
    KeyCreated,
    /// Somebody else revealed a key.
    KeyRevealed,
    /// A key will expire soon.
    KeyExpiring,
    /// A key has expired.
    KeyExpired,
    /// The secret of a key should be replaced.
    RotationDue,
    /// An hour of a key had unusually many requests.
    UsageSpike,
}

impl Kind {
    const ALL: [Self; 21] = [
        Self::PasswordForgotten,
        Self::PasswordChanged,
        Self::VerifyEmail,
        Self::Invitation,
        Self::RoleChanged,
        Self::Removed,
        Self::IdentityLinked,
        Self::PasswordRemoved,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::RecoveryCodesMade,
        Self::RecoveryCodeSpent,
        Self::IdentityUnlinked,
        Self::NewDevice,
        Self::KeyExposed,
        Self::KeyCreated,
        Self::KeyRevealed,
        Self::KeyExpiring,
        Self::KeyExpired,
        Self::RotationDue,
        Self::UsageSpike,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::PasswordForgotten => "password_forgotten",
            Self::PasswordChanged => "password_changed",
            Self::VerifyEmail => "verify_email",
            Self::Invitation => "invitation",
            Self::RoleChanged => "role_changed",
            Self::Removed => "removed",
            Self::IdentityLinked => "identity_linked",
            Self::PasswordRemoved => "password_removed",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::RecoveryCodeSpent => "recovery_code_spent",
            Self::IdentityUnlinked => "identity_unlinked",
            Self::NewDevice => "new_device",
            Self::KeyExposed => "key_exposed",
            Self::KeyCreated => "key_created",
            Self::KeyRevealed => "key_revealed",
            Self::KeyExpiring => "key_expiring",
            Self::KeyExpired => "key_expired",
            Self::RotationDue => "rotation_due",
            Self::UsageSpike => "usage_spike",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = crate::model::user::Unknown;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| crate::model::user::Unknown { kind: "errand", found: text.into() })
    }
}

/// A mail to send.
#[derive(Clone, Debug)]
pub struct Errand {
    pub id: String,
    pub kind: Kind,
    pub recipient: String,
    /// The id of what the letter is composed from; empty where the recipient says it all.
    pub about: String,
    pub due_at: Timestamp,
    pub tries: i64,
}

columns!(Errand { id, kind, recipient, about, due_at, tries });

/// Asks for a mail, on its own.
pub async fn ask(db: &Db, act: &Act<'_>, kind: Kind, recipient: &str, event: &str) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    put(&mut tx, act, kind, recipient, event).await?;
    tx.commit().await
}

/// Asks for a mail together with what it is about. One about the same event that was asked for before is enough.
pub(super) async fn put(tx: &mut Tx, act: &Act<'_>, kind: Kind, recipient: &str, event: &str) -> sqlx::Result<()> {
    insert(tx, act, kind, (recipient, ""), event).await
}

/// Asks for a mail about the record of this id, once more each time.
pub(super) async fn put_about(
    tx: &mut Tx,
    act: &Act<'_>,
    kind: Kind,
    recipient: &str,
    about: &str,
) -> sqlx::Result<()> {
    let event = format!("{} {}", kind.as_str(), act.entropy.id("evt"));
    insert(tx, act, kind, (recipient, about), &event).await
}

/// Asks for a mail about the record of this id, once for each event.
pub(super) async fn insert(
    tx: &mut Tx,
    act: &Act<'_>,
    kind: Kind,
    (recipient, about): (&str, &str),
    event: &str,
) -> sqlx::Result<()> {
    const INSERT: &str = "
        insert into errands (id, kind, event, recipient, about, created_at, due_at, tries, problem)
        values ($1, $2, $3, $4, $5, $6, $6, 0, '')
        on conflict (event) do nothing";
    let id = act.entropy.id("err");
    change!(tx, sqlx::query(INSERT).bind(id).bind(kind.as_str()).bind(event).bind(recipient).bind(about).bind(act.at));
    Ok(())
}

/// Takes the errand that has waited longest, if one is due: nobody else gets it until the claim is over.
pub async fn claim(db: &Db, now: Timestamp) -> sqlx::Result<Option<Errand>> {
    const NEXT: &str = "
        select id, kind, recipient, about, due_at, tries
        from errands
        where done_at is null
        and given_up_at is null
        and due_at <= $1
        order by due_at, id
        limit 1";
    const CLAIM_IT: &str = "
        update errands
        set due_at = $3, tries = tries + 1
        where id = $1
        and due_at = $2
        and done_at is null
        and given_up_at is null
        returning id";
    loop {
        let next: Option<Errand> = read!(db, c => sqlx::query_as(NEXT).bind(now).fetch_optional(c))?;
        let Some(errand) = next else { return Ok(None) };
        let mut tx = db.begin().await?;
        let claimed: Option<(String,)> = within!(&mut tx, c => {
            sqlx::query_as(CLAIM_IT).bind(&errand.id).bind(errand.due_at).bind(now + CLAIM).fetch_optional(c)
        })?;
        tx.commit().await?;
        // Another node may have been faster; then look again.
        if claimed.is_some() {
            return Ok(Some(Errand { tries: errand.tries + 1, ..errand }));
        }
    }
}

/// Mail that is still to be sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting {
    pub due: i64,
    /// Nobody tries them any more.
    pub given_up: i64,
    /// Since when the oldest that is due has been due; 0 if none is.
    pub oldest: i64,
}

columns!(Waiting { due, given_up, oldest });

/// What waits to be sent.
pub async fn waiting(db: &Db, now: Timestamp) -> sqlx::Result<Waiting> {
    const WAITING: &str = "
        select cast(coalesce(sum(case when given_up_at is null then 1 else 0 end), 0) as bigint) as due,
            cast(coalesce(sum(case when given_up_at is null then 0 else 1 end), 0) as bigint) as given_up,
            coalesce(min(case when given_up_at is null then due_at end), 0) as oldest
        from errands
        where done_at is null
        and due_at <= $1";
    read!(db, c => sqlx::query_as(WAITING).bind(now).fetch_one(c))
}

/// Says that the errand was run.
pub async fn done(db: &Db, errand: &Errand, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("update errands set done_at = $2 where id = $1").bind(&errand.id).bind(now));
    tx.commit().await
}

/// Says that the errand could not be run, and why: it comes back later, or is given up after about a day.
pub async fn failed(db: &Db, errand: &Errand, now: Timestamp, problem: &str) -> sqlx::Result<()> {
    const AGAIN: &str = "update errands set due_at = $2, problem = $3 where id = $1";
    const GIVE_UP: &str = "update errands set given_up_at = $2, problem = $3 where id = $1";
    let problem: String = problem.chars().take(LONGEST_PROBLEM).collect();
    let (statement, at) = if errand.tries >= MOST_TRIES { (GIVE_UP, now) } else { (AGAIN, now + pause(errand.tries)) };
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query(statement).bind(&errand.id).bind(at).bind(problem));
    tx.commit().await
}

/// The pause after so many tries.
fn pause(tries: i64) -> Duration {
    let doublings = u32::try_from(tries - 1).unwrap_or(0).min(16);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

/// Forgets errands of long ago.
pub async fn sweep(db: &Db, now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    change!(&mut tx, sqlx::query("delete from errands where created_at <= $1").bind(now - KEPT));
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tries_reach_over_a_day_and_no_pause_is_too_long() {
        let pauses: Vec<Duration> = (1..MOST_TRIES).map(pause).collect();
        assert_eq!(pauses[0], FIRST_PAUSE);
        assert!(pauses.windows(2).all(|two| two[0] <= two[1]) && pauses.iter().all(|one| *one <= LONGEST_PAUSE));
        assert!(pauses.iter().sum::<Duration>() >= hours(20), "{:?}", pauses.iter().sum::<Duration>());
    }
}
