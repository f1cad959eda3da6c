//! `keydesk admin create`: an account and its administrator, without a browser.

use std::io::{IsTerminal, Read};

use clap::Subcommand;
use zeroize::Zeroizing;

use super::Failure;
use super::serve::open;
use crate::config::Settings;
use crate::model::audit::Actor;
use crate::store::{second_factors, users};
use crate::web::App;
use crate::web::error::Error;
use crate::web::people::{Application, Refused, enroll};

#[derive(Subcommand)]
pub enum Admin {
    /// Make an account and its administrator; the password is read from standard input.
    Create {
        /// Their email address.
        email: String,
        /// Name of the account. Default: made from the address.
        #[arg(long, default_value = "", hide_default_value = true)]
        account: String,
    },
    /// Turn two-factor off for somebody who lost their device and their recovery codes. Make sure that it is them first.
    ResetTwoFactor {
        /// Their email address.
        email: String,
    },
}

pub struct NewAdmin {
    pub email: String,
    pub account: String,
    pub password: Zeroizing<String>,
}

/// What became of it.
pub enum Made {
    Now(String),
    Before(String),
}

impl Made {
    pub fn say(&self) {
        match self {
            Self::Now(email) => println!("{email} is the administrator of a new account."),
            Self::Before(email) => println!("{email} exists; nothing was changed."),
        }
    }
}

pub async fn run(settings: &Settings, admin: Admin) -> Result<(), Failure> {
    match admin {
        Admin::Create { email, account } => create(settings, email, account).await,
        Admin::ResetTwoFactor { email } => reset_two_factor(settings, &email).await,
    }
}

async fn reset_two_factor(settings: &Settings, email: &str) -> Result<(), Failure> {
    let app = open(settings, settings.listen).await?;
    let Some((user, _)) = users::find_by_email(&app.db, email).await? else {
        return Err(format!("nobody signs in with {email}").into());
    };
    let actor = Actor::machine("cli", "Command line");
    let had = second_factors::forget(&app.db, &app.act(&actor), &user).await?;
    let email = &user.email;
    println!(
        "{}",
        if had {
            format!("Two-factor is off for {email}.")
        } else {
            format!("{email} has no two-factor; nothing was changed.")
        }
    );
    app.db.close().await;
    Ok(())
}

async fn create(settings: &Settings, email: String, account: String) -> Result<(), Failure> {
    let password = ask_password(&email)?;
    let app = open(settings, settings.listen).await?;
    match make_admin(&app, NewAdmin { email, account, password }).await? {
        Made::Before(email) => Err(format!("{email} exists already").into()),
        made @ Made::Now(_) => {
            made.say();
            app.db.close().await;
            Ok(())
        }
    }
}

/// Asked for without echo at a terminal; the first line of standard input where a program types.
fn ask_password(email: &str) -> Result<Zeroizing<String>, Failure> {
    if std::io::stdin().is_terminal() {
        return Ok(rpassword::prompt_password(format!("Password for {email}: "))?.into());
    }
    let mut piped = Zeroizing::new(String::new());
    std::io::stdin().take(4096).read_to_string(&mut piped)?;
    Ok(Zeroizing::new(piped.lines().next().unwrap_or_default().to_owned()))
}

/// Makes the account unless somebody has the address.
pub async fn make_admin(app: &App, new: NewAdmin) -> Result<Made, Failure> {
    if users::find_by_email(&app.db, &new.email).await?.is_some() {
        return Ok(Made::Before(new.email));
    }
    let application = Application { account: new.account, email: new.email.clone(), password: new.password };
    match enroll(app, &Actor::machine("cli", "Command line"), application).await {
        Ok(user) => Ok(Made::Now(user.email)),
        Err(Refused::Mistakes(errors)) => {
            Err(errors.iter().map(|(field, why)| format!("{field}: {why}")).collect::<Vec<_>>().join("\n").into())
        }
        Err(Refused::Error(Error::Busy)) => Err("the account was not created: the database is busy. Try again".into()),
        Err(Refused::Error(_)) => Err("the account was not created: what is logged above says why".into()),
    }
}
