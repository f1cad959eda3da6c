//! The list of inboxes, with the restricted keys of each. Everybody of the account may look.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::model::text;
use crate::product::Words;
use crate::store::inboxes::{self, Listed};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::Query;
use crate::web::view::Moment;
use crate::web::{App, page};

/// Inboxes on a page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "inboxes/list.html")]
struct List<'a> {
    chrome: Chrome,
    words: &'a Words,
    may_change: bool,
    may_see_keys: bool,
    offers_restricted: bool,
    rows: Vec<Row>,
    is_first_page: bool,
    next: Option<String>,
}

struct Row {
    id: String,
    name: String,
    address: String,
    created: Moment,
    keys: i64,
    keys_label: String,
}

impl List<'_> {
    fn title(&self) -> String {
        text::capitalised(&self.words.resources)
    }
}

/// `GET /settings/inboxes?after=`
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    let limit = i64::try_from(PAGE).unwrap_or(i64::MAX) + 1;
    let after = query.id("after");
    let mut found = inboxes::list(&app.db, me.account_id(), "", after, limit).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let shown = List {
        chrome: Chrome::of(&app, &me, Place::Inboxes).await?,
        words: &app.product.words,
        may_change: me.is_administrator(),
        may_see_keys: me.user().role.sees_keys(),
        offers_restricted: app.product.offers_type("restricted"),
        next: found.last().filter(|_| more).map(|last| format!("/settings/inboxes?after={}", last.id)),
        rows: found.into_iter().map(Row::of).collect(),
        is_first_page: after.is_empty(),
    };
    Ok(page(StatusCode::OK, &shown))
}

impl Row {
    fn of(inbox: Listed) -> Self {
        Self {
            keys_label: inbox.keys_in_words(),
            keys: inbox.restricted_keys,
            id: inbox.id,
            name: inbox.name,
            address: inbox.address,
            created: Moment::date(inbox.created_at),
        }
    }
}
