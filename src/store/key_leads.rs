//! Where to begin looking for keys: what narrows a list most, as a range of an index. Keys that a lead finds are few or
//! many; whoever lists few of them reads these alone, whatever else the account holds.

use super::key_filter::{Filter, bind_filter};
use super::key_list::KeyList;
use super::read;

/// As many keys as a page looks at, whatever it finds among them.
pub(super) const MOST: i64 = 1_000;

/// What narrows a list: the inbox that its keys are bound to, words that they have, or the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lead {
    Inbox,
    Words,
    Active,
    Retiring,
    Paused,
    Expiring,
    Unused,
    Unrevealed,
    NeverUsed,
    FullAccess,
    RotationDue,
    OwnerLeft,
    Expired,
}

/// The keys that a lead finds, by id. The numbers are those of `bind_filter`, with the words behind them: $13 and $14.
macro_rules! found {
    (Words) => {
        "
            select a.key_id from (select key_id from key_words($13) limit 1001) a
            union
            select b.key_id from (select key_id from key_words($14) limit 1001) b"
    };
    (Active) => {
        $crate::store::key_leads::found!(by "(case when k.deleted_at is null then 0 else 1 end) = 0 and k.end_order > $8")
    };
    (Retiring) => {
        $crate::store::key_leads::found!(by "k.retires_at > $8 and k.deleted_at is null")
    };
    (Paused) => {
        $crate::store::key_leads::found!(by "k.paused_at is not null and k.deleted_at is null and k.end_order > $8")
    };
    (Expiring) => {
        $crate::store::key_leads::found!(
            by "(case when k.deleted_at is null then 0 else 1 end) = 0 and k.end_order > $8 and k.end_order <= $9"
        )
    };
    (Unused) => {
        concat!(
            $crate::store::key_leads::found!(
                by "(case when k.deleted_at is null then 0 else 1 end) = 0 and k.use_order > 0 and k.use_order <= $10"
            ),
            "
            union all",
            $crate::store::key_leads::found!(
                by "k.last_used_at is null and k.deleted_at is null and k.paused_at is null and k.created_at <= $10"
            )
        )
    };
    (Unrevealed) => {
        $crate::store::key_leads::found!(
            by "k.sealed_until is not null and k.revealed_at is null and k.deleted_at is null and k.paused_at is null
            and k.end_order > $8"
        )
    };
    (NeverUsed) => {
        $crate::store::key_leads::found!(
            by "k.last_used_at is null and k.deleted_at is null and k.paused_at is null and k.created_at <= $11"
        )
    };
    (FullAccess) => {
        $crate::store::key_leads::found!(
            by "k.scopes = '*' and k.deleted_at is null and k.paused_at is null and k.end_order > $8"
        )
    };
    (RotationDue) => {
        $crate::store::key_leads::found!(
            by "coalesce(k.rotated_at, k.created_at) <= $12 and k.deleted_at is null and k.paused_at is null"
        )
    };
    (OwnerLeft) => {
        "
            select k.id as key_id
            from users u
            join api_keys k on k.account_id = u.account_id and k.created_by = u.id
            where u.account_id = $1
            and u.removed_at is not null
            and k.deleted_at is null"
    };
    (Expired) => {
        $crate::store::key_leads::found!(by "(case when k.deleted_at is null then 0 else 1 end) = 0 and k.end_order <= $8")
    };
    (by $condition:literal) => {
        concat!(
            "
            select k.id as key_id
            from api_keys k
            where k.account_id = $1
            and ",
            $condition
        )
    };
}

/// Those keys, as a condition. An inbox has an index of the keys themselves; the other leads know them by their ids.
macro_rules! led {
    (Inbox) => {
        "k.inbox_id = $4"
    };
    ($lead:ident) => {
        concat!("k.id in (", $crate::store::key_leads::found!($lead), "\n        )")
    };
}

/// `$text!(…, Lead)` of the lead that `$lead` is.
macro_rules! per_lead {
    ($lead:expr, $text:ident $(, $more:tt)*) => {
        match $lead {
            $crate::store::key_leads::Lead::Inbox => $text!(Inbox $(, $more)*),
            $crate::store::key_leads::Lead::Words => $text!(Words $(, $more)*),
            $crate::store::key_leads::Lead::Active => $text!(Active $(, $more)*),
            $crate::store::key_leads::Lead::Retiring => $text!(Retiring $(, $more)*),
            $crate::store::key_leads::Lead::Paused => $text!(Paused $(, $more)*),
            $crate::store::key_leads::Lead::Expiring => $text!(Expiring $(, $more)*),
            $crate::store::key_leads::Lead::Unused => $text!(Unused $(, $more)*),
            $crate::store::key_leads::Lead::Unrevealed => $text!(Unrevealed $(, $more)*),
            $crate::store::key_leads::Lead::NeverUsed => $text!(NeverUsed $(, $more)*),
            $crate::store::key_leads::Lead::FullAccess => $text!(FullAccess $(, $more)*),
            $crate::store::key_leads::Lead::RotationDue => $text!(RotationDue $(, $more)*),
            $crate::store::key_leads::Lead::OwnerLeft => $text!(OwnerLeft $(, $more)*),
            $crate::store::key_leads::Lead::Expired => $text!(Expired $(, $more)*),
        }
    };
}

macro_rules! number {
    (Inbox) => {
        "
        select count(*)
        from (select 1 as one from api_keys where inbox_id = $4 limit $15) counted"
    };
    (Words) => {
        "
        select (select count(*) from (select 1 as one from key_words($13) limit $15) a)
            + (select count(*) from (select 1 as one from key_words($14) limit $15) b)"
    };
    ($lead:ident) => {
        concat!(
            "
        select count(*)
        from (
            select f.key_id
            from (",
            $crate::store::key_leads::found!($lead),
            "
            ) f
            limit $15
        ) counted"
        )
    };
}

pub(super) use {found, led, per_lead};

impl Lead {
    /// What narrows this list, the most telling first.
    pub(super) fn of(filter: &Filter) -> impl Iterator<Item = Self> {
        let status = match filter.status.as_str() {
            "active" => Some(Self::Active),
            "retiring" => Some(Self::Retiring),
            "paused" => Some(Self::Paused),
            "expiring" => Some(Self::Expiring),
            "unused" => Some(Self::Unused),
            "unrevealed" => Some(Self::Unrevealed),
            "never-used" => Some(Self::NeverUsed),
            "full-access" => Some(Self::FullAccess),
            "rotation-due" => Some(Self::RotationDue),
            "owner-left" => Some(Self::OwnerLeft),
            "expired" => Some(Self::Expired),
            _ => None,
        };
        let inbox = (!filter.inbox.is_empty()).then_some(Self::Inbox);
        // Of an inbox alone, words find what the inbox finds.
        let beside = [&filter.q, &filter.key_type, &filter.environment, &filter.scope];
        let words = beside.iter().any(|asked| !asked.is_empty()).then_some(Self::Words);
        inbox.into_iter().chain(words).chain(status)
    }

    /// Whether it finds no more than [`MOST`] keys. That it finds more is believed for a while.
    pub(super) async fn finds_few(self, list: &KeyList<'_>) -> sqlx::Result<bool> {
        let words = list.filter.words(list.account_id);
        if self == Self::Words && words.is_none() {
            return Ok(false);
        }
        let [one, other] = words.unwrap_or_default();
        let inbox = if self == Self::Inbox { list.filter.inbox.as_str() } else { "" };
        let asked = if self == Self::Words { [one.as_str(), &other] } else { ["", inbox] };
        let name = list.db.crowded.name((list.account_id, self, asked));
        if list.db.crowded.has_many(name, list.now) {
            return Ok(false);
        }
        let sql = self.number_sql();
        let (found,): (i64,) = read!(list.db, c => {
            let query = bind_filter!(sqlx::query_as(sql), list.account_id, list.filter, list.now);
            query.bind(&one).bind(&other).bind(MOST + 1).fetch_one(c)
        })?;
        if found > MOST {
            list.db.crowded.note_many(name, list.now);
        }
        Ok(found <= MOST)
    }

    pub(super) fn number_sql(self) -> &'static str {
        per_lead!(self, number)
    }
}
