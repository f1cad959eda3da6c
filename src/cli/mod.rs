//! The command line: one subcommand a file. Without one, Keydesk serves.

mod admin;
mod audit;
mod backup;
mod check;
mod completions;
mod demo;
mod descriptors;
mod healthcheck;
mod init;
mod key;
mod licenses;
mod man;
mod migrate;
mod openapi;
mod progress;
mod restore;
mod scanner_rules;
mod secret_file;
mod serve;
mod session_keys;
mod staff;
mod systemd;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{SettingError, Settings};
use crate::telemetry;

/// What a subcommand ends with when it fails: a sentence for whoever typed it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The API-keys desk of an API product.
#[derive(Parser)]
#[command(version, arg_required_else_help = false)]
struct Line {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the desk (the default).
    Serve(serve::Bootstrap),
    /// Serve believable data from a throw-away database.
    Demo,
    /// Say every mistake of product definitions, and which existing keys could not be created any more.
    Check(check::Check),
    /// Write a product definition to start from.
    Init(init::Init),
    /// Make administrators, and help whoever lost their second factor.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Add and remove support staff.
    #[command(subcommand)]
    Staff(staff::Staff),
    /// List, create, import and delete keys, and switch off leaked ones.
    #[command(subcommand)]
    Key(key::Key),
    /// Check that nobody touched the audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Copy the database while it is served: whole, of one moment, and checked. The secret file is not in it.
    Backup(backup::Backup),
    /// Put a backup in the place of the database. Stop Keydesk first.
    Restore(restore::Restore),
    /// Bring the schema of the database up to date, as a start does.
    Migrate(migrate::Migrate),
    /// Ask the Keydesk of this machine whether it is ready; ends with 1 if not.
    Healthcheck,
    /// Sign session tokens with other keys.
    #[command(subcommand)]
    SessionKeys(session_keys::SessionKeys),
    /// Replace the secret file that every key is derived from.
    #[command(subcommand)]
    SecretFile(secret_file::SecretFileCommand),
    /// Print the API as OpenAPI 3.1, as it is for the product in use.
    Openapi,
    /// Print what finds keys of the product in use in source code: a gitleaks rule, or the regular expression alone.
    ScannerRules(scanner_rules::ScannerRules),
    /// Print what a shell completes command lines with.
    Completions(completions::Completions),
    /// Print the manual page, or write one for each subcommand.
    Man(man::Manual),
    /// Print the licences of what this program is built from.
    Licenses,
}

/// Runs what was typed.
pub fn run() -> ExitCode {
    let line = Line::parse();
    let _telemetry = telemetry::start(&line.settings.log_format);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let done = runtime.block_on(async {
        match line.command {
            None => serve::run(&line.settings, &serve::Bootstrap::from_environment()).await,
            Some(Command::Serve(bootstrap)) => serve::run(&line.settings, &bootstrap).await,
            Some(Command::Demo) => demo::run(line.settings).await,
            Some(Command::Check(check)) => check::run(&line.settings, &check).await,
            Some(Command::Init(init)) => init::run(&init),
            Some(Command::Admin(admin)) => admin::run(&line.settings, admin).await,
            Some(Command::Staff(staff)) => staff::run(&line.settings, staff).await,
            Some(Command::Key(key)) => key::run(&line.settings, key).await,
            Some(Command::Audit(audit)) => audit::run(&line.settings, audit).await,
            Some(Command::Backup(backup)) => backup::run(&line.settings, &backup).await,
            Some(Command::Restore(restore)) => restore::run(&line.settings, &restore).await,
            Some(Command::Migrate(migrate)) => migrate::run(&line.settings, &migrate).await,
            Some(Command::Healthcheck) => healthcheck::run(&line.settings),
            Some(Command::SessionKeys(keys)) => session_keys::run(&line.settings, keys).await,
            Some(Command::SecretFile(command)) => secret_file::run(&line.settings, command).await,
            Some(Command::Openapi) => openapi::run(&line.settings),
            Some(Command::ScannerRules(rules)) => scanner_rules::run(&line.settings, &rules),
            Some(Command::Completions(completions)) => completions::run(&completions),
            Some(Command::Man(manual)) => man::run(&manual),
            Some(Command::Licenses) => licenses::run(),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => match failure.downcast_ref::<SettingError>() {
            Some(SettingError::Product(refused)) => fail(&refused.styled()),
            _ => fail(&failure.to_string()),
        },
    }
}

fn fail(why: &str) -> ExitCode {
    anstream::eprintln!("keydesk: {why}");
    ExitCode::FAILURE
}
