//! `keydesk staff`: who supports the product's customers. Never given by a page: only whoever runs the desk can.

use clap::Subcommand;

use super::Failure;
use super::serve::open;
use crate::config::Settings;
use crate::model::audit::Actor;
use crate::store::users;

#[derive(Subcommand)]
pub enum Staff {
    /// Add somebody who has an account to support staff.
    Add {
        /// Their email address.
        email: String,
    },
    /// End that, and sign them out everywhere.
    Remove {
        /// Their email address.
        email: String,
    },
}

pub async fn run(settings: &Settings, staff: Staff) -> Result<(), Failure> {
    let (email, joins) = match staff {
        Staff::Add { email } => (email, true),
        Staff::Remove { email } => (email, false),
    };
    let app = open(settings, settings.listen).await?;
    let Some((user, _)) = users::find_by_email(&app.db, &email).await? else {
        return Err(format!("nobody signs in with {email}. Whoever is to be support staff signs up first.").into());
    };
    let actor = Actor::machine("cli", "Command line");
    let changed = users::set_staff(&app.db, &app.act(&actor), &user, joins).await?;
    println!("{}", said(&user.email, joins, changed));
    app.db.close().await;
    Ok(())
}

fn said(email: &str, joins: bool, changed: bool) -> String {
    match (joins, changed) {
        (true, true) => format!("{email} is support staff."),
        (true, false) => format!("{email} is support staff already; nothing was changed."),
        (false, true) => format!("{email} is not support staff any more, and signed out everywhere."),
        (false, false) => format!("{email} is not support staff; nothing was changed."),
    }
}
