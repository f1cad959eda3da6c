//! The days behind the sparklines of a list of keys: one query, and one row a key.

use super::key_list::PAGE;
use super::{Db, columns, read};
use crate::model::api_key::ApiKey;

/// One key's counted day, as the list needs it.
#[derive(Clone, Debug)]
pub struct KeyDay {
    pub key_id: String,
    pub day: i64,
    pub ok: i64,
    pub refused: i64,
}

/// A row a key: fifteen hundred rows take longer to hand over than to find. `cross join` has SQLite begin with the days of
/// these keys and not with every key of the account.
pub(super) const LIST: &str = "
    select d.key_id,
        string_agg(
            cast(d.day as text) || ' ' || cast(d.ok as text) || ' ' || cast(d.refused as text), ','
        ) as days
    from usage_days d
    cross join api_keys k
    where k.id = d.key_id
    and k.account_id = $1
    and d.day >= $2
    and d.key_id in (
        $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
        $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43,
        $44, $45, $46, $47, $48, $49, $50, $51, $52
    )
    group by d.key_id";

/// The counted days of every listed key since `from_day`, one query for the page. Keys beyond [`PAGE`] are passed over.
pub async fn list(db: &Db, account_id: &str, keys: &[ApiKey], from_day: i64) -> sqlx::Result<Vec<KeyDay>> {
    let ids = (0..PAGE).map(|index| keys.get(index).map_or("", |key| key.id.as_str()));
    let found: Vec<KeyDays> = read!(db, c => {
        let query = sqlx::query_as(LIST).bind(account_id).bind(from_day);
        ids.fold(query, sqlx::query::QueryAs::bind).fetch_all(c)
    })?;
    Ok(found.iter().flat_map(KeyDays::all).collect())
}

/// The days of one key, each its number, what passed and what was refused, commas between.
struct KeyDays {
    key_id: String,
    days: String,
}

columns!(KeyDays { key_id, days });

impl KeyDays {
    fn all(&self) -> impl Iterator<Item = KeyDay> {
        self.days.split(',').filter_map(|day| {
            let mut numbers = day.split(' ').map(|number| number.parse().ok());
            let mut next = || numbers.next().flatten();
            Some(KeyDay { key_id: self.key_id.clone(), day: next()?, ok: next()?, refused: next()? })
        })
    }
}
