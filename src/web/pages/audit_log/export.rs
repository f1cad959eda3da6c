//! The audit log as a file: CSV for spreadsheets, JSON Lines for programs. It holds what the page's filters match and no
//! event after the moment it was asked for, is in the log itself before its first byte leaves, and is read and sent in
//! pieces, so that a million events take no more memory than a page.

use std::borrow::Cow;
use std::io;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Method;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::asked::{Asked, matching};
use crate::model::audit::AuditEvent;
use crate::store::accounts;
use crate::store::audit_list::{self, Filter, Place, Window, newest};
use crate::web::audience::Me;
use crate::web::error::Error;
use crate::web::form::Query;
use crate::web::spreadsheet::{self, plain};
use crate::web::{App, api, see_other};

/// Events read and sent at once.
const PIECE: i64 = 500;
const HEADINGS: [&str; 14] = [
    "time",
    "event_id",
    "action",
    "sentence",
    "actor_kind",
    "actor_id",
    "actor_name",
    "actor_role",
    "ip_address",
    "user_agent",
    "request_id",
    "target_id",
    "target_name",
    "detail",
];

#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

impl Format {
    fn path(self) -> &'static str {
        match self {
            Self::Csv => "/settings/audit-log.csv",
            Self::JsonLines => "/settings/audit-log.jsonl",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl",
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Csv => "as CSV",
            Self::JsonLines => "as JSON Lines",
        }
    }

    /// What stands before the first event.
    fn opening(self) -> io::Result<Bytes> {
        match self {
            Self::Csv => spreadsheet::lines([HEADINGS.map(Cow::Borrowed)]),
            Self::JsonLines => Ok(Bytes::new()),
        }
    }

    fn piece(self, events: Vec<AuditEvent>) -> io::Result<Bytes> {
        match self {
            Self::Csv => spreadsheet::lines(events.iter().map(cells)),
            Self::JsonLines => {
                let mut lines = Vec::new();
                for event in events {
                    serde_json::to_writer(&mut lines, &api::audit_events::AuditEvent::from(event))?;
                    lines.push(b'\n');
                }
                Ok(lines.into())
            }
        }
    }
}

/// `GET /settings/audit-log.csv`, with the page's filters
pub async fn csv_file(State(app): State<App>, me: Me, method: Method, query: Query) -> Result<Response, Error> {
    export(app, &me, &method, &query, Format::Csv).await
}

/// `GET /settings/audit-log.jsonl`, with the page's filters: a line for each event, as `/v1/audit-events` says it
pub async fn json_lines(State(app): State<App>, me: Me, method: Method, query: Query) -> Result<Response, Error> {
    export(app, &me, &method, &query, Format::JsonLines).await
}

async fn export(app: App, me: &Me, method: &Method, query: &Query, format: Format) -> Result<Response, Error> {
    let asked = Asked::read(&query.0);
    if let Some(asked) = asked.without_secret(&app) {
        return Ok(see_other(&asked.href(format.path(), ("", ""))));
    }
    let (now, account_id) = (app.now(), me.account_id().to_owned());
    let filter = asked.filter(now);
    let up_to = newest(&app.db, &account_id).await?;
    // Whoever only asks what there is takes nothing away.
    if method != Method::HEAD {
        let matching = matching(&app, &account_id, &filter, up_to).await?;
        let only = asked.in_words();
        let only = if only.is_empty() { only } else { format!(", only {only}") };
        let detail = format!("{matching} {}{only}", format.in_words());
        accounts::note_export(&app.db, &me.act(&app), &account_id, &detail).await?;
    }
    let extension = format.path().rsplit('.').next().unwrap_or_default();
    let name = format!("attachment; filename=\"audit-log-{}.{extension}\"", now.date_time().date());
    let headers = [(CONTENT_TYPE, format.media_type().to_owned()), (CONTENT_DISPOSITION, name)];
    let export = Export { app, account_id, filter, up_to, format, next: Next::Opening };
    Ok((headers, Body::from_stream(stream::try_unfold(export, Export::piece))).into_response())
}

/// A file on its way.
struct Export {
    app: App,
    account_id: String,
    filter: Filter,
    /// The last event that was there when it was asked for.
    up_to: i64,
    format: Format,
    next: Next,
}

/// What is sent next.
#[derive(Clone, Copy)]
enum Next {
    Opening,
    /// The events before this place; the newest, if there is none.
    Events(Option<Place>),
    Nothing,
}

impl Export {
    /// Reads the next piece once the one before it has left. An error cuts the download off, so that nobody takes a part
    /// for the whole.
    async fn piece(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let before = match self.next {
            Next::Opening => {
                self.next = Next::Events(None);
                return Ok(Some((self.format.opening()?, self)));
            }
            Next::Events(before) => before,
            Next::Nothing => return Ok(None),
        };
        let window = Window { before, after: None, up_to: self.up_to, limit: PIECE };
        let read = audit_list::older(&self.app.db, &self.account_id, &self.filter, window).await;
        let events = read.map_err(|error| {
            tracing::error!(%error, "An export of the audit log was cut off");
            io::Error::other("the database does not answer")
        })?;
        let is_last = events.len() < usize::try_from(PIECE).unwrap_or(usize::MAX);
        let last = events.last().map(|last| Place { at: last.at, seq: last.seq });
        self.next = if is_last { Next::Nothing } else { Next::Events(last) };
        Ok(Some((self.format.piece(events)?, self)))
    }
}

fn cells(event: &AuditEvent) -> [Cow<'_, str>; 14] {
    [
        Cow::Owned(event.at.to_string()),
        plain(&event.id),
        plain(event.action.code()),
        // Its first words are ours.
        Cow::Owned(event.sentence()),
        plain(&event.actor_kind),
        plain(&event.actor_id),
        plain(&event.actor_name),
        plain(&event.actor_role),
        plain(&event.ip),
        plain(&event.user_agent),
        plain(&event.request_id),
        plain(&event.target_id),
        plain(&event.target_name),
        plain(&event.detail),
    ]
}
