//! `keydesk migrate`: the schema brought up to date before a start, and `--check`, which tells a script whether it has to
//! be. A start does the same by itself; of several at once, one does it and the others wait.

use clap::Args;

use super::Failure;
use crate::config::Settings;
use crate::store::Db;
use crate::store::look::{Looked, look};
use crate::store::migrations::{name_of, newest_schema};

#[derive(Args)]
pub struct Migrate {
    /// Change nothing; end with 1 if something is to be done.
    #[arg(long)]
    check: bool,
}

pub async fn run(settings: &Settings, Migrate { check }: &Migrate) -> Result<(), Failure> {
    if *check {
        return look_only(settings).await;
    }
    settings.make_data_dir()?;
    let (db, brought) = Db::open_telling(&settings.database_url()).await?;
    for version in &brought {
        println!("{version:04} {}", name_of(*version));
    }
    println!(
        "The database has the schema {}{}.",
        newest_schema(),
        if brought.is_empty() { " already; nothing was changed" } else { " now" }
    );
    db.close().await;
    Ok(())
}

async fn look_only(settings: &Settings) -> Result<(), Failure> {
    match look(&settings.database_url()).await? {
        Looked::Ready(db) => {
            println!("The database has the schema {}; nothing is to be done.", newest_schema());
            db.close().await;
            Ok(())
        }
        Looked::Absent | Looked::Foreign => Err("there is no database of Keydesk's yet; a start makes it".into()),
        Looked::Older { found, known } => {
            Err(format!("the database has the schema {found}, and this Keydesk brings {known}").into())
        }
        Looked::Newer { found, known } => {
            Err(format!("the database has the schema {found}; this Keydesk knows only {known}").into())
        }
    }
}
