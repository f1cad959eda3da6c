//! Every key of the installation that is not deleted, page by page: what a definition is compared with. Across accounts,
//! because a definition is.

use super::{Db, columns, read};
use crate::clock::Timestamp;
use crate::model::misfit::LiveKey;

columns!(LiveKey { id, account_id, name, key_type, environment, scopes, prefix, created_at, expires_at });

/// Keys on a page.
const PAGE: i64 = 500;

/// Those that follow `after`, account by account, the oldest first.
///
/// # Errors
/// If the database does not answer.
pub async fn page(db: &Db, after: Option<&LiveKey>) -> sqlx::Result<Vec<LiveKey>> {
    const PAGE_OF: &str = "
        select id, account_id, name, key_type, environment, scopes, prefix, created_at, expires_at
        from api_keys
        where (account_id, created_at, id) > ($1, $2, $3)
        and deleted_at is null
        order by account_id, created_at, id
        limit $4";
    let from = after.map_or(("", Timestamp::from_micros(0), ""), |key| (&key.account_id, key.created_at, &key.id));
    let (account_id, created_at, id) = from;
    read!(db, c => sqlx::query_as(PAGE_OF)
        .bind(account_id)
        .bind(created_at)
        .bind(id)
        .bind(PAGE)
        .fetch_all(c))
}
