//! Which keys of an account a filter finds, and how many of each status. Each status is one condition, which its count and its
//! list share.

use super::{Db, columns, read};
use crate::clock::Timestamp;

/// What to list. Empty means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of a name, or the last characters of a secret.
    pub q: String,
    pub key_type: String,
    pub environment: String,
    pub inbox: String,
    pub scope: String,
    pub status: String,
    /// Since when a secret that works is due for rotation; of none if there is no such moment.
    pub due_since: Timestamp,
}

impl Filter {
    /// The four characters that a pasted secret, or the end of one, ends with; nothing if the text cannot be one.
    pub(super) fn last_characters(&self) -> &str {
        // As the list shows it, `kd_live_…7Qx2`, and as people copy it from there.
        let q = self.q.rsplit('…').next().unwrap_or(&self.q).trim();
        let plain = q.len() >= 4 && q.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if plain { &q[q.len() - 4..] } else { "" }
    }
}

/// How many keys the filter finds per status, whatever status it asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatusCounts {
    pub all: i64,
    pub active: i64,
    pub retiring: i64,
    pub paused: i64,
    pub expiring: i64,
    pub unused: i64,
    pub unrevealed: i64,
    pub never_used: i64,
    pub full_access: i64,
    pub rotation_due: i64,
    pub owner_left: i64,
    pub expired: i64,
    pub deleted: i64,
}

columns!(StatusCounts {
    all,
    active,
    retiring,
    paused,
    expiring,
    unused,
    unrevealed,
    never_used,
    full_access,
    rotation_due,
    owner_left,
    expired,
    deleted,
});

impl StatusCounts {
    pub fn of(&self, status: &str) -> i64 {
        match status {
            "active" => self.active,
            "retiring" => self.retiring,
            "paused" => self.paused,
            "expiring" => self.expiring,
            "unused" => self.unused,
            "unrevealed" => self.unrevealed,
            "never-used" => self.never_used,
            "full-access" => self.full_access,
            "rotation-due" => self.rotation_due,
            "owner-left" => self.owner_left,
            "expired" => self.expired,
            "deleted" => self.deleted,
            _ => self.all,
        }
    }
}

/// Works at $8.
macro_rules! working {
    () => {
        "k.deleted_at is null and k.paused_at is null and (k.expires_at is null or k.expires_at > $8)"
    };
}
macro_rules! active {
    () => {
        concat!($crate::store::key_filter::working!(), " and (k.retires_at is null or k.retires_at <= $8)")
    };
}
macro_rules! expiring {
    () => {
        concat!($crate::store::key_filter::working!(), " and k.expires_at <= $9")
    };
}
macro_rules! unused {
    () => {
        concat!($crate::store::key_filter::working!(), " and coalesce(k.last_used_at, k.created_at) <= $10")
    };
}
macro_rules! unrevealed {
    () => {
        concat!($crate::store::key_filter::working!(), " and k.sealed_until is not null and k.revealed_at is null")
    };
}
macro_rules! never_used {
    () => {
        concat!($crate::store::key_filter::working!(), " and k.last_used_at is null and k.created_at <= $11")
    };
}
macro_rules! full_access {
    () => {
        concat!($crate::store::key_filter::working!(), " and k.scopes = '*'")
    };
}
macro_rules! rotation_due {
    () => {
        concat!($crate::store::key_filter::working!(), " and coalesce(k.rotated_at, k.created_at) <= $12")
    };
}
macro_rules! owner_left {
    () => {
        concat!(
            $crate::store::key_filter::working!(),
            " and k.created_by in (select u.id from users u where u.account_id = $1 and u.removed_at is not null)"
        )
    };
}
macro_rules! retiring {
    () => {
        concat!($crate::store::key_filter::working!(), " and k.retires_at > $8")
    };
}
macro_rules! paused {
    () => {
        "k.deleted_at is null and k.paused_at is not null and (k.expires_at is null or k.expires_at > $8)"
    };
}
macro_rules! expired {
    () => {
        "k.deleted_at is null and k.expires_at <= $8"
    };
}

macro_rules! filtered {
    () => {
        "
        where k.account_id = $1
        and ($2 = '' or k.key_type = $2)
        and ($3 = '' or k.environment = $3)
        and ($4 = '' or k.inbox_id = $4)
        and ($5 = '' or k.name_folded like $5 escape '\\' or k.last4 = $6)
        and ($7 = '' or ' ' || k.scopes || ' ' like $7 escape '\\' or k.scopes = '*')"
    };
}

macro_rules! in_status {
    () => {
        concat!(
            $crate::store::key_filter::filtered!(),
            "
        and (case $13
            when 'active' then ",
            $crate::store::key_filter::active!(),
            "
            when 'retiring' then ",
            $crate::store::key_filter::retiring!(),
            "
            when 'paused' then ",
            $crate::store::key_filter::paused!(),
            "
            when 'expiring' then ",
            $crate::store::key_filter::expiring!(),
            "
            when 'unused' then ",
            $crate::store::key_filter::unused!(),
            "
            when 'unrevealed' then ",
            $crate::store::key_filter::unrevealed!(),
            "
            when 'never-used' then ",
            $crate::store::key_filter::never_used!(),
            "
            when 'full-access' then ",
            $crate::store::key_filter::full_access!(),
            "
            when 'rotation-due' then ",
            $crate::store::key_filter::rotation_due!(),
            "
            when 'owner-left' then ",
            $crate::store::key_filter::owner_left!(),
            "
            when 'expired' then ",
            $crate::store::key_filter::expired!(),
            "
            when 'deleted' then k.deleted_at is not null
            else k.deleted_at is null
            end)"
        )
    };
}

/// Binds $1 to $12: the filter and the moments that statuses depend on.
macro_rules! bind_filter {
    ($query:expr, $account_id:expr, $filter:expr, $now:expr) => {{
        use $crate::model::api_key::{EXPIRES_SOON, NEVER_USED_AFTER, UNUSED_AFTER};
        use $crate::model::text::fold;
        use $crate::store::containing;
        let q = fold(&$filter.q);
        let scope = &$filter.scope;
        $query
            .bind($account_id)
            .bind(&$filter.key_type)
            .bind(&$filter.environment)
            .bind(&$filter.inbox)
            .bind(if q.is_empty() { q } else { containing(&q) })
            .bind($filter.last_characters())
            .bind(if scope.is_empty() { String::new() } else { containing(&format!(" {scope} ")) })
            .bind($now)
            .bind($now + EXPIRES_SOON)
            .bind($now - UNUSED_AFTER)
            .bind($now - NEVER_USED_AFTER)
            .bind($filter.due_since)
    }};
}

pub(super) use {
    active, bind_filter, expired, expiring, filtered, full_access, in_status, never_used, owner_left, paused, retiring,
    rotation_due, unrevealed, unused, working,
};

const COUNTS: &str = concat!(
    "
        select cast(coalesce(sum(case when k.deleted_at is null then 1 else 0 end), 0) as bigint) as \"all\",
            cast(coalesce(sum(case when ",
    active!(),
    " then 1 else 0 end), 0) as bigint) as active,
            cast(coalesce(sum(case when ",
    retiring!(),
    " then 1 else 0 end), 0) as bigint) as retiring,
            cast(coalesce(sum(case when ",
    paused!(),
    " then 1 else 0 end), 0) as bigint) as paused,
            cast(coalesce(sum(case when ",
    expiring!(),
    " then 1 else 0 end), 0) as bigint) as expiring,
            cast(coalesce(sum(case when ",
    unused!(),
    " then 1 else 0 end), 0) as bigint) as unused,
            cast(coalesce(sum(case when ",
    unrevealed!(),
    " then 1 else 0 end), 0) as bigint) as unrevealed,
            cast(coalesce(sum(case when ",
    never_used!(),
    " then 1 else 0 end), 0) as bigint) as never_used,
            cast(coalesce(sum(case when ",
    full_access!(),
    " then 1 else 0 end), 0) as bigint) as full_access,
            cast(coalesce(sum(case when ",
    rotation_due!(),
    " then 1 else 0 end), 0) as bigint) as rotation_due,
            cast(coalesce(sum(case when ",
    owner_left!(),
    " then 1 else 0 end), 0) as bigint) as owner_left,
            cast(coalesce(sum(case when ",
    expired!(),
    " then 1 else 0 end), 0) as bigint) as expired,
            cast(coalesce(sum(case when k.deleted_at is not null then 1 else 0 end), 0) as bigint) as deleted
        from api_keys k",
    filtered!()
);

pub async fn counts(db: &Db, account_id: &str, filter: &Filter, now: Timestamp) -> sqlx::Result<StatusCounts> {
    read!(db, c => bind_filter!(sqlx::query_as(COUNTS), account_id, filter, now).fetch_one(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_characters_or_more_can_be_the_end_of_a_secret() {
        for (q, found) in
            [("7Qx2", "7Qx2"), (" ab7Qx2 ", "7Qx2"), ("kd_live_…7Qx2", "7Qx2"), ("Qx2", ""), ("a b c d", "")]
        {
            let filter = Filter { q: q.into(), ..Filter::default() };
            assert_eq!(filter.last_characters(), found);
        }
    }
}
