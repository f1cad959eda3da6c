//! The few keys that a lead finds, read once: where each stands in the order of the list, and which statuses it has. The page, its
//! place and what is counted in each status are told from that.

use super::count::{Count, StatusCounts};
use super::key_filter::{STATUSES, bind_filter, each_status, narrowed};
use super::key_leads::{Lead, led, per_lead};
use super::key_list::{KeyList, Page, Sort};
use super::key_span::{Place, bind_place, per_sort};
use super::read;

/// In the order of the list, ascending.
#[derive(Debug)]
pub(super) struct FewKeys(Vec<FoundKey>);

#[derive(Debug)]
struct FoundKey {
    id: String,
    /// A bit for each of its statuses, and [`BEHIND`].
    bits: i64,
}

/// Whether the key stands behind the place that the page is read from.
const BEHIND: i64 = 8192;

/// One text: a row a key takes longer to hand over than to find. No index leads to a key but that of the lead.
macro_rules! few {
    ($lead:ident, $by:literal) => {
        concat!(
            "
        select string_agg(k.id || ' ' || cast(",
            each_status!(bit, "\n            + "),
            "
            + case when (",
            $by,
            ", k.id) > ($15, $16) then 8192 else 0 end as text), ',' order by ",
            $by,
            ", k.id) as keys
        from api_keys k
        where k.account_id || '' = $1
        and ",
            led!($lead),
            narrowed!()
        )
    };
}

macro_rules! few_by {
    ($lead:ident, $sort:tt) => {
        per_sort!($sort, few, $lead)
    };
}

pub(super) fn few_sql(lead: Lead, sort: Sort) -> &'static str {
    per_lead!(lead, few_by, sort)
}

impl FewKeys {
    /// What the lead finds, whatever status the list asks for; `place` is where its page is read from.
    pub(super) async fn read(list: &KeyList<'_>, lead: Lead, (sort, place): (Sort, &Place)) -> sqlx::Result<Self> {
        let sql = few_sql(lead, sort);
        let [one, other] = list.filter.words(list.account_id).unwrap_or_default();
        let (keys,): (Option<String>,) = read!(list.db, c => {
            let query = bind_filter!(sqlx::query_as(sql), list.account_id, list.filter, list.now);
            bind_place!(query.bind(&one).bind(&other), place).fetch_one(c)
        })?;
        Ok(Self(keys.unwrap_or_default().split(',').filter_map(FoundKey::parse).collect()))
    }

    /// The keys of a page, as it is read.
    pub(super) fn of_page(&self, status: &str, page: Page<'_>) -> Vec<&str> {
        let down = page.is_read_down();
        let is_on = |key: &&FoundKey| {
            key.has(status) && (page.from.is_empty() || (key.id != page.from && (key.bits & BEHIND == 0) == down))
        };
        let keys = self.0.iter().filter(is_on).map(|key| key.id.as_str());
        let most = usize::try_from(page.limit).unwrap_or(0);
        if down { keys.rev().take(most).collect() } else { keys.take(most).collect() }
    }

    /// How many keys of the list come before this one; nothing if it is not among them.
    pub(super) fn before(&self, id: &str, status: &str, descending: bool) -> Option<i64> {
        let at = self.0.iter().position(|key| key.id == id)?;
        let before = if descending { &self.0[at + 1..] } else { &self.0[..at] };
        i64::try_from(before.iter().filter(|key| key.has(status)).count()).ok()
    }

    pub(super) fn counts(&self) -> StatusCounts {
        let found =
            |status: &str| i64::try_from(self.0.iter().filter(|key| key.has(status)).count()).unwrap_or(i64::MAX);
        StatusCounts(STATUSES.iter().map(|status| ((*status).to_owned(), Count::exactly(found(status)))).collect())
    }
}

impl FoundKey {
    fn parse(text: &str) -> Option<Self> {
        let (id, bits) = text.split_once(' ')?;
        Some(Self { id: id.to_owned(), bits: bits.parse().ok()? })
    }

    /// Whether it is in the list of the status; a status that nobody knows is none.
    fn has(&self, status: &str) -> bool {
        let at = STATUSES.iter().position(|known| *known == status).unwrap_or(0);
        self.bits & (1 << at) != 0
    }
}
