//! Which errors say that the database cannot be used just now, and may be in a moment: it is gone, its disk is full, it is
//! stopping or starting. Nothing was changed then, and whoever asked may try again.

/// `SQLite`'s own: busy, locked, cannot be written to, input or output failed, full, cannot be opened.
const SQLITE: [u32; 6] = [5, 6, 8, 10, 13, 14];
/// `PostgreSQL`'s classes: the connection failed, no resources (a full disk), an operator intervened, its system failed.
const POSTGRES: [&str; 4] = ["08", "53", "57", "58"];

pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(said) => {
            said.code().is_some_and(|code| match said.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
                // The low byte is the kind; what is above it says more.
                Some(_) => code.parse::<u32>().is_ok_and(|code| SQLITE.contains(&(code & 0xff))),
                None => POSTGRES.iter().any(|class| code.starts_with(class)),
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;

    #[tokio::test]
    async fn a_full_database_is_away_and_a_mistake_of_ours_is_not() {
        let mut connection = sqlx::SqliteConnection::connect("sqlite::memory:").await.expect("a database");
        sqlx::raw_sql("create table t (x text); pragma max_page_count = 2")
            .execute(&mut connection)
            .await
            .expect("a table");
        let full = sqlx::query("insert into t values (zeroblob(100000))").execute(&mut connection).await;
        assert!(is_away(&full.expect_err("no room")));
        let mistake = sqlx::query("select x from nothing").execute(&mut connection).await;
        assert!(!is_away(&mistake.expect_err("no table")));
        assert!(!is_away(&sqlx::Error::RowNotFound));
    }
}
