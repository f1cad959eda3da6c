//! The list of keys as a file for spreadsheets: the whole filtered list, read and sent in pieces, or the keys that were
//! chosen on a page. It holds facts and never a secret, and the audit log knows of it before its first byte leaves.

use std::borrow::Cow;
use std::io;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Method;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::list::Asked;
use super::selected::chosen;
use super::triage;
use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;
use crate::model::secret::Secret;
use crate::model::text;
use crate::store::key_counts;
use crate::store::key_filter::Filter;
use crate::store::key_list::{KeyList, Page, Sort};
use crate::store::many_keys;
use crate::web::audience::Me;
use crate::web::error::Error;
use crate::web::form::Query;
use crate::web::spreadsheet::{self, plain};
use crate::web::{App, see_other};

/// Keys read and sent at once.
const PIECE: i64 = 500;
const HEADINGS: [&str; 22] = [
    "id",
    "name",
    "status",
    "environment",
    "type",
    "inbox_id",
    "inbox",
    "scopes",
    "allowed_ips",
    "prefix",
    "last4",
    "created_at",
    "created_by",
    "expires_at",
    "rotated_at",
    "revealed_at",
    "revealed_by",
    "last_used_at",
    "last_used_ip",
    "paused_at",
    "deleted_at",
    "deleted_by",
];

/// Where the file of a list is; its order is the file's own.
pub(super) fn path(asked: &Asked) -> String {
    asked.href(&[("sort", ""), ("select", "")]).replacen("/api-keys", "/api-keys.csv", 1)
}

/// `GET /settings/api-keys.csv`, with the list's filters, or with `key=` for each key that was chosen
pub async fn csv_file(State(app): State<App>, me: Me, method: Method, Query(query): Query) -> Result<Response, Error> {
    let asked = Asked::read(&query, triage::due_since(&app.product, app.now()));
    // As on the list: a whole secret belongs into no address.
    if let Some(last4) = Secret::last4_within(query.get("q"), &app.gate.prefixes.all()) {
        let short = asked.href(&[("sort", ""), ("q", last4)]);
        return Ok(see_other(&short.replacen("/api-keys", "/api-keys.csv", 1)));
    }
    let (now, account_id) = (app.now(), me.account_id().to_owned());
    let (which, count, next) = if query.has("key") {
        let keys = many_keys::find(&app.db, &account_id, &chosen(&query)?).await?;
        ("selected".to_owned(), keys.len() as u64, Next::Chosen(keys))
    } else {
        let counts = key_counts::every(&app.db, &account_id, &asked.filter, now).await?;
        (in_words(&asked.filter), counts.of(&asked.filter.status).found.unsigned_abs(), Next::Opening)
    };
    // Whoever only asks what there is takes nothing away.
    if method != Method::HEAD {
        let only = if which.is_empty() { which } else { format!(", only {which}") };
        let detail = format!("{} as CSV{only}", text::count(count, "key", "keys"));
        many_keys::note_export(&app.db, &me.act(&app), &account_id, &detail).await?;
    }
    let name = format!("attachment; filename=\"api-keys-{}.csv\"", now.date_time().date());
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()), (CONTENT_DISPOSITION, name)];
    let export = Export { app, account_id, filter: asked.filter, now, next };
    Ok((headers, Body::from_stream(stream::try_unfold(export, Export::piece))).into_response())
}

/// For the log: `status deleted, environment live`; empty if nothing narrows.
fn in_words(filter: &Filter) -> String {
    let fields = [
        ("search", &filter.q),
        ("type", &filter.key_type),
        ("environment", &filter.environment),
        ("inbox", &filter.inbox),
        ("scope", &filter.scope),
        ("status", &filter.status),
    ];
    let said = fields.into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// A file on its way.
struct Export {
    app: App,
    account_id: String,
    filter: Filter,
    /// When it was asked for: what a status is, is as of then.
    now: Timestamp,
    next: Next,
}

/// What is sent next.
enum Next {
    Opening,
    /// The headings and these keys: the whole file.
    Chosen(Vec<ApiKey>),
    /// The keys created before this one.
    Before(String),
    Nothing,
}

impl Export {
    /// Reads the next piece once the one before it has left. An error cuts the download off, so that nobody takes a part
    /// for the whole.
    async fn piece(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let headings = HEADINGS.map(Cow::Borrowed);
        let from = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => return Ok(None),
            Next::Opening => {
                self.next = Next::Before(String::new());
                return Ok(Some((spreadsheet::lines([headings])?, self)));
            }
            Next::Chosen(keys) => {
                let rows = keys.iter().map(|key| cells(key, self.now));
                let whole = spreadsheet::lines(std::iter::once(headings).chain(rows))?;
                return Ok(Some((whole, self)));
            }
            Next::Before(from) => from,
        };
        // The newest first: a key that is made meanwhile moves none of the others.
        let page = Page { sort: Sort::Created, descending: true, from: &from, backwards: false, limit: PIECE };
        let read = KeyList::new(&self.app.db, &self.account_id, &self.filter, self.now).page(page).read().await;
        let listed = read.map_err(|error| {
            tracing::error!(%error, "An export of keys was cut off");
            io::Error::other("the database does not answer")
        })?;
        let keys = listed.keys;
        let is_full = keys.len() == usize::try_from(PIECE).unwrap_or(usize::MAX);
        let last = keys.last().filter(|_| is_full).map(|last| last.id.clone());
        self.next = listed.looked_to.or(last).map_or(Next::Nothing, Next::Before);
        Ok(Some((spreadsheet::lines(keys.iter().map(|key| cells(key, self.now)))?, self)))
    }
}

fn cells(key: &ApiKey, now: Timestamp) -> [Cow<'_, str>; 22] {
    let at = |at: Option<Timestamp>| at.map_or(Cow::Borrowed(""), |at| Cow::Owned(at.to_string()));
    let text =
        |text: &'_ Option<String>| text.as_deref().map_or(Cow::Borrowed(""), |text| plain(text).into_owned().into());
    [
        plain(&key.id),
        plain(&key.name),
        key.status(now).as_str().into(),
        plain(&key.environment),
        key.key_type.as_str().into(),
        text(&key.inbox_id),
        text(&key.inbox_name),
        key.scopes.to_string().into(),
        key.allowed_ips.to_string().replace('\n', " ").into(),
        plain(&key.prefix),
        plain(&key.last4),
        at(Some(key.created_at)),
        text(&key.created_by_name),
        at(key.expires_at),
        at(key.rotated_at),
        at(key.revealed_at),
        text(&key.revealed_by_name),
        at(key.last_used_at),
        text(&key.last_used_ip),
        at(key.paused_at),
        at(key.deleted_at),
        text(&key.deleted_by_name),
    ]
}
