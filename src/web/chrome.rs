//! What surrounds every signed-in page: navigation with counts, who is signed in, and the one-time flash.

use serde::{Deserialize, Serialize};

use super::App;
use super::audience::Me;
use super::error::Error;
use super::view::{Avatar, Icon, icon};
use crate::model::name::isolated;
use crate::model::text;
use crate::store::accounts::{self, Counts};
use crate::store::count::Count;

const FLASH: &str = "flash";

/// Where in the navigation a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Welcome,
    Keys,
    Inboxes,
    Usage,
    AuditLog,
    Team,
    Security,
    Docs,
    Support,
    /// A page that no entry leads to.
    Elsewhere,
}

/// What happened, said once on the next page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flash {
    /// `good` or `warn`.
    pub kind: String,
    pub name: String,
    pub text: String,
    pub link: Option<(String, String)>,
}

pub struct Chrome {
    pub theme: &'static str,
    pub brand: String,
    /// Whether an account has one key: there is no list to come from, or to go back to.
    pub one_key: bool,
    pub account_name: String,
    /// What of the account, or of the product, the navigation leads through.
    pub part: String,
    pub user_name: String,
    pub role: &'static str,
    pub avatar: Avatar,
    pub entries: Vec<Entry>,
    /// The page that the theme button comes back to.
    pub here: String,
    pub flash: Option<Flash>,
}

pub struct Entry {
    pub href: &'static str,
    pub icon: Icon,
    pub label: String,
    pub count: Option<String>,
    pub current: bool,
}

impl Chrome {
    /// The chrome of a page at `place`. Takes the flash: it is shown once.
    pub async fn of(app: &App, me: &Me, place: Place) -> Result<Self, Error> {
        let counts = accounts::counts(&app.db, me.account_id()).await?;
        let user = me.user();
        let at_desk = place == Place::Support;
        let (account_name, part) = if at_desk {
            ("Support desk".to_owned(), app.product.brand.name.clone())
        } else {
            (user.account_name.clone(), "Settings".to_owned())
        };
        Ok(Self {
            theme: me.info.theme.as_str(),
            brand: app.product.brand.name.clone(),
            one_key: app.product.has_one_key(),
            account_name,
            part,
            user_name: user.name.clone(),
            role: if at_desk { "Support" } else { user.role.label() },
            avatar: Avatar::of(&user.id, &user.name),
            entries: entries(app, me, place, counts),
            here: me.info.path.clone(),
            flash: Flash::take(me).await?,
        })
    }
}

/// The places that my role may open.
fn entries(app: &App, me: &Me, place: Place, counts: Counts) -> Vec<Entry> {
    let role = me.user().role;
    let number = |count: i64| Some(text::thousands(u64::try_from(count).unwrap_or(0)));
    let resources = text::capitalised(&app.product.words.resources);
    let (keys, number_of_keys) = if app.product.has_one_key() {
        ("API key", None)
    } else {
        ("API keys", Some(Count::seen(counts.keys).number()))
    };
    let all = [
        (role.manages_keys(), Place::Welcome, "/welcome", "get-started", "Get started".to_owned(), None),
        (role.sees_keys(), Place::Keys, "/settings/api-keys", "key", keys.to_owned(), number_of_keys),
        (true, Place::Inboxes, "/settings/inboxes", "inbox", resources, number(counts.inboxes)),
        (role.sees_keys(), Place::Usage, "/settings/usage", "usage", "Usage".to_owned(), None),
        (role.sees_keys(), Place::AuditLog, "/settings/audit-log", "log", "Audit log".to_owned(), None),
        (role.sees_keys(), Place::Team, "/settings/team", "team", "Team".to_owned(), number(counts.people)),
        (true, Place::Security, "/settings/security", "security", "Security".to_owned(), None),
        (true, Place::Docs, "/docs", "docs", "API docs".to_owned(), None),
        (me.user().is_staff(), Place::Support, "/support", "search", "Support".to_owned(), None),
    ];
    let open = all.into_iter().filter(|(may, ..)| *may);
    open.map(|(_, at, href, name, label, count)| Entry { href, icon: icon(name), label, count, current: at == place })
        .collect()
}

impl Flash {
    /// One sentence: what it is about, by its name, and what happened to it. Another name in `text` is for the caller to hold
    /// apart.
    pub fn good(name: &str, text: &str) -> Self {
        Self { kind: "good".into(), name: isolated(name).into_owned(), text: text.into(), link: None }
    }

    pub fn with_link(self, href: String, label: &str) -> Self {
        Self { link: Some((href, label.into())), ..self }
    }

    /// Keeps it for the next page that this browser opens.
    pub async fn keep(self, me: &Me) -> Result<(), Error> {
        me.renew_cookie();
        Ok(me.web.insert(FLASH, self).await?)
    }

    /// Takes it out. Looks first: taking nothing would still write the session, on every page.
    async fn take(me: &Me) -> Result<Option<Self>, Error> {
        let kept = me.web.get(FLASH).await?;
        if kept.is_some() {
            me.renew_cookie();
            me.web.remove::<Self>(FLASH).await?;
        }
        Ok(kept)
    }
}
