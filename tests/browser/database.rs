//! The desk's database, opened beside the desk that goes on running: what no page does, and what only time would, is
//! done where it stands.

use sqlx::Connection as _;

use crate::desk::Desk;

/// Runs one statement.
pub async fn change(desk: &Desk, statement: &'static str) {
    let mut database = sqlx::SqliteConnection::connect(&format!("sqlite://{}", desk.database().display()))
        .await
        .expect("the database opens");
    sqlx::query(statement).execute(&mut database).await.expect("the statement runs");
}

/// Lets so much time pass for every session that whoever sits there is asked who they are before what asks for it.
pub async fn age_proofs(desk: &Desk) {
    change(desk, "update sessions set authenticated_at = 1").await;
}
