//! Notes on keys: what auditors and administrators want remembered of one. A note changes nothing of the key, so auditors
//! may add one; it is never changed itself, and the audit log has it too.

use super::{Act, Db, audit_events, change, columns, read, within};
use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};

/// Notes that a key can have.
pub const MOST: i64 = 200;
/// Characters of a note that its event repeats.
const QUOTED: usize = 80;

#[derive(Clone, Debug)]
pub struct Note {
    pub author_id: String,
    pub author_name: String,
    pub body: String,
    pub created_at: Timestamp,
}

columns!(Note { author_id, author_name, body, created_at });

/// Adds a note by whoever acts. Answers `false` if the key has as many as it can have.
pub async fn add(db: &Db, act: &Act<'_>, key: &ApiKey, body: &str) -> sqlx::Result<bool> {
    const COUNT: &str = "select count(*) from key_notes where account_id = $1 and key_id = $2";
    const INSERT: &str = "
        insert into key_notes (id, account_id, key_id, author_id, body, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    let mut tx = db.begin_as(act, &key.account_id).await?;
    let (count,): (i64,) =
        within!(&mut tx, c => sqlx::query_as(COUNT).bind(&key.account_id).bind(&key.id).fetch_one(c))?;
    if count >= MOST {
        return Ok(false);
    }
    change!(
        &mut tx,
        sqlx::query(INSERT)
            .bind(act.entropy.id("not"))
            .bind(&key.account_id)
            .bind(&key.id)
            .bind(&act.actor.id)
            .bind(body)
            .bind(act.at)
    );
    let target = Target { id: &key.id, name: &key.name };
    audit_events::record(&mut tx, act, &key.account_id, Action::KeyNoted, target, &quoted(body)).await?;
    tx.commit().await?;
    Ok(true)
}

/// The newest notes of a key first.
pub async fn list(db: &Db, account_id: &str, key_id: &str, limit: i64) -> sqlx::Result<Vec<Note>> {
    const LIST: &str = "
        select n.author_id, u.name as author_name, n.body, n.created_at
        from key_notes n
        join users u on u.id = n.author_id
        where n.account_id = $1
        and n.key_id = $2
        order by n.created_at desc, n.id desc
        limit $3";
    read!(db, c => sqlx::query_as(LIST).bind(account_id).bind(key_id).bind(limit).fetch_all(c))
}

/// Its beginning, on one line.
fn quoted(body: &str) -> String {
    let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(QUOTED).collect();
    if short.len() < line.len() { format!("“{short}…”") } else { format!("“{line}”") }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn an_event_repeats_the_beginning_of_a_note_on_one_line() {
        assert_eq!(quoted("Asked\n  Ana."), "“Asked Ana.”");
        assert_eq!(quoted(&"ж".repeat(81)), format!("“{}…”", "ж".repeat(80)));
    }
}
