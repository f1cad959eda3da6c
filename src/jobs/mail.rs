//! The mail: errands are run one after the other, each letter composed at the moment it is sent. With an SMTP server it
//! goes there; without one it is printed, so that everything can be tried on a laptop.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Message, Tokio1Executor};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{Background, key_mail, letters, product, report};
use crate::model::letter::Letter;
use crate::model::mailed_link::{Kind as Link, Token};
use crate::model::user::User;
use crate::store::errands::{self, Errand, Kind};
use crate::store::{invitations, leaked_keys, mailed_links, sessions, team, users};

/// Errands that nobody announced, such as those of another node or of before a restart, are looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A mail server that is away is asked again this soon, with the one errand that has waited longest.
const AWAY: Duration = Duration::from_secs(4);
/// How long a mail server may take for one mail.
const PATIENCE: Duration = Duration::from_secs(30);

/// A letter with its layout.
#[derive(Clone, Debug)]
pub struct Laid {
    pub text: String,
    pub html: String,
}

/// Lays out a letter of the product of this name.
pub type Layout = fn(&Letter, brand: &str) -> Laid;

/// What a printed letter is handed to.
pub type Printer = Arc<dyn Fn(&str, &Letter, &Laid) + Send + Sync>;

/// Where letters go.
#[derive(Clone)]
pub enum Route {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// No mail server: printed.
    Printed(Printer),
}

/// The post office.
#[derive(Clone)]
pub struct Post {
    pub route: Route,
    pub from: Mailbox,
    pub brand: String,
    pub public_url: String,
    pub layout: Layout,
    /// Rung when there is an errand.
    pub bell: Arc<Notify>,
}

/// Why a letter did not leave, in words for the log.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    #[error("the address cannot be written to: {0}")]
    Address(#[from] lettre::address::AddressError),
    #[error("the letter cannot be put together: {0}")]
    Letter(#[from] lettre::error::Error),
    #[error("{0}")]
    Server(#[from] lettre::transport::smtp::Error),
    #[error("the mail server took longer than {} seconds", PATIENCE.as_secs())]
    Slow(#[from] tokio::time::error::Elapsed),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl NotSent {
    /// Whether the server could not be spoken to at all: that says nothing about the letter.
    fn is_away(&self) -> bool {
        match self {
            Self::Slow(_) => true,
            Self::Server(error) => {
                !(error.is_response() || error.is_client() || error.is_transient() || error.is_permanent())
            }
            Self::Address(_) | Self::Letter(_) | Self::Database(_) => false,
        }
    }
}

/// Whether there is a mail server to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    There,
    Away,
}

/// Runs errands until the process ends.
pub(super) async fn run(background: &Background) {
    loop {
        match deliver(background).await {
            // Rung or not, it is soon time to look.
            Ok(Server::Away) => tokio::time::sleep(AWAY).await,
            done => {
                report("mail", done.map(drop));
                let _ = timeout(LOOK_EVERY, background.post.bell.notified()).await;
            }
        }
    }
}

/// Runs every errand that is due, or as many as go before the server is found away.
///
/// # Errors
/// If the database does not answer; an errand that was claimed comes back by itself.
pub async fn deliver(background: &Background) -> sqlx::Result<Server> {
    while let Some(errand) = errands::claim(&background.db, background.clock.now()).await? {
        let ran = run_one(background, &errand).await;
        let now = background.clock.now();
        match ran {
            Ok(()) => errands::done(&background.db, &errand, now).await?,
            Err(problem) => {
                tracing::warn!(errand = errand.id, kind = errand.kind.as_str(), tries = errand.tries, %problem, "A mail was not sent");
                if problem.is_away() {
                    errands::put_off(&background.db, &errand, now, &problem.to_string()).await?;
                    return Ok(Server::Away);
                }
                errands::failed(&background.db, &errand, now, &problem.to_string()).await?;
            }
        }
    }
    Ok(Server::There)
}

async fn run_one(background: &Background, errand: &Errand) -> Result<(), NotSent> {
    let (db, brand) = (&background.db, &background.post.brand);
    let letter = match errand.kind {
        Kind::Invitation => invitation(background, errand).await?,
        Kind::RoleChanged => users::find(db, &errand.about).await?.map(|user| letters::role_changed(brand, &user)),
        Kind::Removed => team::account_left(db, &errand.about).await?.map(|account| letters::removed(brand, &account)),
        Kind::NewDevice => sessions::find_listed(db, &errand.about)
            .await?
            .map(|session| letters::new_device(brand, &session, &background.post.public_url)),
        Kind::KeyExposed => leaked_keys::last_exposure(db, &errand.about)
            .await?
            .map(|exposure| letters::key_exposed(brand, &exposure, background.advice, &background.post.public_url)),
        Kind::KeyCreated
        | Kind::KeyRevealed
        | Kind::KeyExpiring
        | Kind::KeyExpired
        | Kind::RotationDue
        | Kind::UsageSpike => key_mail::compose(background, errand).await?,
        _ => return run_for_user(background, errand).await,
    };
    // What it was about is over: there is nothing to say to anybody.
    let Some(letter) = letter else { return Ok(()) };
    background.post.send(errand, &errand.recipient, &letter).await
}

/// Writes to whoever signs in with the address, at the address as they gave it: it may have been a stranger who typed it
/// now.
async fn run_for_user(background: &Background, errand: &Errand) -> Result<(), NotSent> {
    // Nobody has the address, or nobody any more: there is nothing to say to anybody.
    let Some((user, _)) = users::find_by_email(&background.db, &errand.recipient).await? else { return Ok(()) };
    let brand = &background.post.brand;
    let letter = match errand.kind {
        Kind::PasswordForgotten => letters::password_forgotten(brand, link(background, &user, Link::Reset).await?),
        Kind::VerifyEmail => letters::verify_email(brand, link(background, &user, Link::Verify).await?),
        Kind::IdentityLinked => letters::identity_linked(brand),
        Kind::PasswordRemoved => letters::password_removed(brand),
        Kind::FactorAdded => letters::factor_added(brand, &errand.about),
        Kind::FactorRemoved => letters::factor_removed(brand, &errand.about),
        Kind::RecoveryCodesMade => letters::recovery_codes_made(brand),
        Kind::IdentityUnlinked => letters::identity_unlinked(brand),
        Kind::RecoveryCodeSpent => letters::recovery_code_spent(brand, &errand.about),
        _ => letters::password_changed(brand),
    };
    background.post.send(errand, &user.email, &letter).await
}

/// The invitation with a fresh link, if nobody has taken or withdrawn it.
async fn invitation(background: &Background, errand: &Errand) -> sqlx::Result<Option<Letter>> {
    let Some(invitation) = invitations::find(&background.db, &errand.about).await? else { return Ok(None) };
    let token = Token::generate(Link::Invitation, &background.entropy);
    if !invitations::keep_link(&background.db, &invitation, &token, background.clock.now()).await? {
        return Ok(None);
    }
    let link = token.link(Link::Invitation, &background.post.public_url);
    Ok(Some(letters::invitation(&background.post.brand, &invitation, link)))
}

/// A fresh link; the older ones of its kind are void.
async fn link(background: &Background, user: &User, kind: Link) -> sqlx::Result<zeroize::Zeroizing<String>> {
    let token = Token::generate(kind, &background.entropy);
    mailed_links::keep(&background.db, &background.act(&product()), user, kind, &token).await?;
    Ok(token.link(kind, &background.post.public_url))
}

impl Post {
    async fn send(&self, errand: &Errand, to: &str, letter: &Letter) -> Result<(), NotSent> {
        let laid = (self.layout)(letter, &self.brand);
        let smtp = match &self.route {
            Route::Printed(print) => {
                print(to, letter, &laid);
                return Ok(());
            }
            Route::Smtp(smtp) => smtp,
        };
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.parse()?))
            .subject(&letter.subject)
            // The same for every try, so that a mail that was sent twice shows once.
            .message_id(Some(format!("<{}@{}>", errand.id, self.from.email.domain())))
            .multipart(MultiPart::alternative_plain_html(laid.text, laid.html))?;
        timeout(PATIENCE, smtp.send(message)).await??;
        Ok(())
    }
}
