//! `keydesk key`: keys from the command line, for whoever runs the desk. One subcommand a file, or those of one account
//! together.

mod import;
mod leaked;
mod of_account;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use crate::config::Settings;

#[derive(Subcommand)]
pub enum Key {
    /// List the keys of an account: id, status, environment, last characters, name.
    List {
        /// Email of anybody in the account.
        email: String,
    },
    /// Create a standard key and print its secret, once.
    Create(New),
    /// Delete a key for good.
    Delete {
        /// Email of anybody in the account.
        email: String,
        /// The id of the key, such as `key_…`.
        id: String,
    },
    /// Create a key for each row of a CSV file, and print their new secrets as CSV, once.
    Import {
        /// Email of anybody in the account.
        email: String,
        /// The file; - is what comes in. Its first line names the columns: name, and as many as there are of type,
        /// environment, inbox, scopes, `allowed_ips` and `expires_at`, as an export of keys has them.
        file: PathBuf,
    },
    /// Switch off every key whose secret stands in a text, as leaked: its owners are told by email.
    Leaked {
        /// The text; - is what comes in.
        file: PathBuf,
        /// Where it was found, for the owners.
        #[arg(long, default_value = "", hide_default_value = true)]
        url: String,
    },
}

/// A key to create.
#[derive(Args)]
pub struct New {
    /// Email of anybody in the account.
    email: String,
    /// Name of the key, such as where it is used. Up to 50 characters.
    name: String,
    /// Default: the definition's first.
    #[arg(long)]
    environment: Option<String>,
    /// `full`, `read`, or a preset of the definition's own.
    #[arg(long, default_value = "read")]
    preset: String,
    /// Days that it lives, or none. Default: the definition's.
    #[arg(long)]
    expires: Option<String>,
}

pub async fn run(settings: &Settings, key: Key) -> Result<(), Failure> {
    match key {
        Key::List { email } => of_account::list(settings, &email).await,
        Key::Create(new) => of_account::create(settings, new).await,
        Key::Delete { email, id } => of_account::delete(settings, &email, &id).await,
        Key::Import { email, file } => import::run(settings, &email, &file).await,
        Key::Leaked { file, url } => leaked::run(settings, &file, &url).await,
    }
}
