//! Which keys of an account a filter finds. Each status is one condition, which whatever lists or counts its keys shares.

use crate::clock::Timestamp;
use crate::model::text::fold;

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
    /// Whether it asks for anything beside the status.
    pub fn is_narrow(&self) -> bool {
        [&self.q, &self.key_type, &self.environment, &self.inbox, &self.scope].iter().any(|asked| !asked.is_empty())
    }

    /// The words that every key has which the filter finds, whatever its status: the one list or the other, as `key_words`
    /// asks for them. None where no word narrows.
    pub(super) fn words(&self, account_id: &str) -> Option<[String; 2]> {
        const NOBODYS: &str = "0";
        let of_account: String = account_id.chars().skip("acc_".len()).take(8).collect();
        let word = |kind: char, value: &str| format!("{of_account}{kind}{}", hex(value));
        let told = [('t', &self.key_type), ('e', &self.environment), ('i', &self.inbox)];
        let told = told.into_iter().filter(|(_, value)| !value.is_empty()).map(|(kind, value)| word(kind, value));
        let common: Vec<String> = told.collect();
        let with = |more: Vec<String>| common.iter().cloned().chain(more).collect::<Vec<_>>().join(" ");
        let parts: Vec<String> = parts(&fold(&self.q)).iter().map(|part| word('n', part)).collect();
        if !parts.is_empty() {
            let end = Some(self.last_characters()).filter(|end| !end.is_empty());
            return Some([with(parts), end.map_or(NOBODYS.into(), |end| with(vec![word('l', end)]))]);
        }
        if !self.scope.is_empty() && self.q.is_empty() {
            return Some([with(vec![word('s', &self.scope)]), with(vec![word('s', "*")])]);
        }
        (!common.is_empty()).then(|| [with(Vec::new()), NOBODYS.into()])
    }

    /// The four characters that a pasted secret, or the end of one, ends with; nothing if the text cannot be one.
    pub(super) fn last_characters(&self) -> &str {
        // As the list shows it, `kd_live_…7Qx2`, and as people copy it from there.
        let q = self.q.rsplit('…').next().unwrap_or(&self.q).trim();
        let plain = q.len() >= 4 && q.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if plain { &q[q.len() - 4..] } else { "" }
    }
}

/// Three letters in a row, each one more than the last; a longer text is told by its first.
fn parts(text: &str) -> Vec<String> {
    const MOST: usize = 12;
    let letters: Vec<char> = text.chars().collect();
    letters.windows(3).take(MOST).map(|part| part.iter().collect()).collect()
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
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

/// What the filter asks for beside the status; behind a `where` that says whose keys.
macro_rules! narrowed {
    () => {
        "
        and ($2 = '' or k.key_type = $2)
        and ($3 = '' or k.environment = $3)
        and ($4 = '' or k.inbox_id = $4)
        and ($5 = '' or k.name_folded like $5 escape '\\' or k.last4 = $6)
        and ($7 = '' or ' ' || k.scopes || ' ' like $7 escape '\\' or k.scopes = '*')"
    };
}

/// Every status, as a case of its name, a sum over keys or a bit of a key's, with `$between` between them; the first is that of the
/// list without one.
macro_rules! each_status {
    ($as:ident, $between:literal) => {
        concat!(
            $crate::store::key_filter::status!($as, "", "k.deleted_at is null", 1),
            $between,
            $crate::store::key_filter::status!($as, "active", $crate::store::key_filter::active!(), 2),
            $between,
            $crate::store::key_filter::status!($as, "retiring", $crate::store::key_filter::retiring!(), 4),
            $between,
            $crate::store::key_filter::status!($as, "paused", $crate::store::key_filter::paused!(), 8),
            $between,
            $crate::store::key_filter::status!($as, "expiring", $crate::store::key_filter::expiring!(), 16),
            $between,
            $crate::store::key_filter::status!($as, "unused", $crate::store::key_filter::unused!(), 32),
            $between,
            $crate::store::key_filter::status!($as, "unrevealed", $crate::store::key_filter::unrevealed!(), 64),
            $between,
            $crate::store::key_filter::status!($as, "never-used", $crate::store::key_filter::never_used!(), 128),
            $between,
            $crate::store::key_filter::status!($as, "full-access", $crate::store::key_filter::full_access!(), 256),
            $between,
            $crate::store::key_filter::status!($as, "rotation-due", $crate::store::key_filter::rotation_due!(), 512),
            $between,
            $crate::store::key_filter::status!($as, "owner-left", $crate::store::key_filter::owner_left!(), 1024),
            $between,
            $crate::store::key_filter::status!($as, "expired", $crate::store::key_filter::expired!(), 2048),
            $between,
            $crate::store::key_filter::status!($as, "deleted", "k.deleted_at is not null", 4096)
        )
    };
}

macro_rules! status {
    (case, $status:literal, $condition:expr, $bit:literal) => {
        concat!("when '", $status, "' then ", $condition)
    };
    (sum, $status:literal, $condition:expr, $bit:literal) => {
        concat!("count(case when ", $condition, " then 1 end)")
    };
    (bit, $status:literal, $condition:expr, $bit:literal) => {
        concat!("case when ", $condition, " then ", $bit, " else 0 end")
    };
}

/// Those statuses, in the order of their bits.
pub(super) const STATUSES: [&str; 13] = [
    "",
    "active",
    "retiring",
    "paused",
    "expiring",
    "unused",
    "unrevealed",
    "never-used",
    "full-access",
    "rotation-due",
    "owner-left",
    "expired",
    "deleted",
];

/// What the whole filter asks for; a status that nobody knows is none.
macro_rules! in_status {
    () => {
        concat!(
            $crate::store::key_filter::narrowed!(),
            "
        and (case $13
            ",
            $crate::store::key_filter::each_status!(case, "\n            "),
            "
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

/// Tombstones stand apart in every order.
macro_rules! gone {
    () => {
        "(case when k.deleted_at is null then 0 else 1 end)"
    };
}

pub(super) use {
    active, bind_filter, each_status, expired, expiring, full_access, gone, in_status, narrowed, never_used,
    owner_left, paused, retiring, rotation_due, status, unrevealed, unused, working,
};

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
