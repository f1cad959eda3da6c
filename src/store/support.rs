//! What support staff look up: the only reads across accounts, for the group of routes that is theirs alone. Whoever
//! shows something of an account records the look-up in its log first.

use super::api_keys::select_key;
use super::refusals::Refused;
use super::{Act, Db, accounts, read};
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};
use crate::model::secret::SecretHash;

/// Keys that one ending finds.
pub const MOST: i64 = 20;

pub async fn find_refusal(db: &Db, request_id: &str) -> sqlx::Result<Option<Refused>> {
    const FIND: &str = "
        select request_id, at, reason, account_id, key_id, last4, method, path, ip, user_agent, scopes, inboxes, had
        from refusals
        where request_id = $1";
    read!(db, c => sqlx::query_as(FIND).bind(request_id).fetch_optional(c))
}

pub async fn find_key(db: &Db, id: &str) -> sqlx::Result<Option<ApiKey>> {
    const FIND: &str = select_key!("\nwhere k.id = $1");
    read!(db, c => sqlx::query_as(FIND).bind(id).fetch_optional(c))
}

/// The key that a secret belongs, or belonged, to; by any of its hashes.
pub async fn find_key_of_secret(db: &Db, hashes: &[SecretHash]) -> sqlx::Result<Option<ApiKey>> {
    const FIND: &str =
        select_key!("\nwhere k.id = (select min(key_id) from api_key_secrets where secret_hash = $1 or old_hash = $1)");
    for hash in hashes {
        let found = read!(db, c => sqlx::query_as(FIND).bind(hash.to_string()).fetch_optional(c))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The newest keys with a secret, current or replaced, that ends with these four characters.
pub async fn list_keys_ending(db: &Db, last4: &str) -> sqlx::Result<Vec<ApiKey>> {
    const LIST: &str = select_key!(
        "\nwhere k.id in (select key_id from api_key_secrets where last4 = $1)\norder by k.created_at desc, k.id\nlimit $2"
    );
    read!(db, c => sqlx::query_as(LIST).bind(last4).bind(MOST).fetch_all(c))
}

/// The name of an account; empty if there is none.
pub async fn account_name(db: &Db, account_id: &str) -> sqlx::Result<String> {
    const FIND: &str = "select name from accounts where id = $1";
    let found: Option<(String,)> = read!(db, c => sqlx::query_as(FIND).bind(account_id).fetch_optional(c))?;
    Ok(found.map(|(name,)| name).unwrap_or_default())
}

/// That something of the account was looked up, and by what; never by which secret.
pub async fn note_look_up(
    db: &Db,
    act: &Act<'_>,
    account_id: &str,
    target: Target<'_>,
    detail: &str,
) -> sqlx::Result<()> {
    accounts::note_with(db, act, account_id, (Action::SupportLookedUp, target, detail)).await
}
