//! Making an inbox, for pages and JSON alike.

use super::App;
use crate::host::host_of;
use crate::model::inbox::{Inbox, local_part};
use crate::model::name;
use crate::model::text;
use crate::product::Words;
use crate::store::Act;
use crate::store::inboxes::{self, Created};
use crate::store::once::Once;

/// Why there is no new inbox.
pub enum Refused {
    /// What is wrong with its name.
    Name(String),
    /// There is one of this name; [`name_taken`] says so.
    NameTaken,
    /// The same request came before; this is the inbox it made.
    Before(String),
    /// A request with the same idempotency key asked for something else.
    OtherRequest,
    Database(sqlx::Error),
}

/// The host that inboxes live under; an address is no name for one.
fn mail_host(public_url: &str) -> &str {
    let host = host_of(public_url);
    if host.parse::<std::net::IpAddr>().is_ok() { "localhost" } else { host }
}

/// Adds an inbox of this name.
pub async fn add(
    app: &App,
    act: &Act<'_>,
    account_id: &str,
    name: &str,
    once: Option<Once<'_>>,
) -> Result<Inbox, Refused> {
    let name = name.trim();
    if let Some(objection) = name::objection(name, name::LONGEST) {
        return Err(Refused::Name(objection));
    }
    let inbox = Inbox {
        id: app.entropy.id("inb"),
        account_id: account_id.into(),
        name: name.into(),
        address: format!("{}@in.{}", local_part(name, &app.entropy.base62(4)), mail_host(&app.public_url)),
        created_at: app.now(),
    };
    match inboxes::create(&app.db, act, &inbox, once).await {
        Ok(Created::Now) => Ok(inbox),
        Ok(Created::Before(id)) => Err(Refused::Before(id)),
        Ok(Created::OtherRequest) => Err(Refused::OtherRequest),
        Ok(Created::NameTaken) => Err(Refused::NameTaken),
        Err(error) => Err(Refused::Database(error)),
    }
}

/// What is said of a name that another inbox has.
pub fn name_taken(name: &str, words: &Words) -> String {
    let an_inbox = text::capitalised(&text::with_article(&words.resource));
    format!("{an_inbox} named {name} already exists. Choose another name.")
}
