//! What the gate knows of a key, by a secret of it.

use super::{Db, Tx, columns, read, within};
use crate::model::key_facts::KeyFacts;
use crate::model::secret::SecretHash;

columns!(KeyFacts {
    id,
    account_id,
    name,
    key_type,
    environment,
    inbox_id,
    scopes,
    allowed_ips,
    created_at,
    expires_at,
    paused_at,
    deleted_at,
    first_used_at,
    dies_at,
    inbox_deleted_at,
});

const FIND: &str = "
    select k.id, k.account_id, k.name, k.key_type, k.environment, k.inbox_id, k.scopes, k.allowed_ips, k.created_at,
        k.expires_at, k.paused_at, k.deleted_at, k.first_used_at, s.dies_at, i.deleted_at as inbox_deleted_at
    from api_key_secrets s
    join api_keys k on k.id = s.key_id
    left join inboxes i on i.id = k.inbox_id
    where s.secret_hash = coalesce((select o.secret_hash from api_key_secrets o where o.old_hash = $1), $1)";

/// What a verdict takes of the key that a secret belongs, or belonged, to: one indexed read.
pub async fn find(db: &Db, hash: &SecretHash) -> sqlx::Result<Option<KeyFacts>> {
    read!(db, c => sqlx::query_as(FIND).bind(hash.to_string()).fetch_optional(c))
}

/// The same, as the transaction sees it.
pub(super) async fn find_within(tx: &mut Tx, hash: &SecretHash) -> sqlx::Result<Option<KeyFacts>> {
    within!(tx, c => sqlx::query_as(FIND).bind(hash.to_string()).fetch_optional(c))
}
