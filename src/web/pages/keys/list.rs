//! The list: search, filters, status tabs, sort and pages, all in the query string.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::paging::{own_order, position, showing, trim};
use super::triage::{self, Tab};
use super::{Tag, can_show_again, export, type_label};
use crate::clock::Timestamp;
use crate::model::api_key::{ApiKey, Status};
use crate::model::secret::Secret;
use crate::model::text;
use crate::model::usage::{Bucket, Series};
use crate::product::{ExpiryPolicy, KeyAct};
use crate::store::key_counts;
use crate::store::key_days::{self, KeyDay};
use crate::store::key_filter::Filter;
use crate::store::key_list::{KeyList, Listed, PAGE, Page, Sort};
use crate::store::{accounts, api_keys, inboxes};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::{Fields, Query, link};
use crate::web::view::{Moment, Standing, sparkline};
use crate::web::{App, page, see_other};

/// Days of a sparkline.
const DAYS: i64 = 30;
/// Scopes named in a row; the others are counted.
const SCOPES_SHOWN: usize = 2;
/// Characters of a search; no name is longer, and no database likes a longer pattern.
const LONGEST_SEARCH: usize = 100;
/// Inboxes offered by the filter.
const MOST_INBOXES: i64 = 500;

#[derive(Template)]
#[template(path = "keys/list.html")]
struct List<'a> {
    chrome: Chrome,
    app: &'a App,
    may_change: bool,
    asked: Asked,
    tabs: Vec<Tab>,
    attention: Vec<(String, String)>,
    inboxes: Vec<inboxes::Named>,
    headings: Headings,
    rows: Vec<Row>,
    /// `Showing 1–50 of 312 keys`, `Showing 1–50 of 1,000+ keys`
    showing: String,
    previous: Option<String>,
    next: Option<String>,
}

/// The sortable headings.
struct Headings {
    name: Heading,
    last_used: Heading,
    created: Heading,
    expires: Heading,
}

struct Heading {
    href: String,
    /// `ascending` or `descending` where the list is sorted by it.
    sorted: Option<&'static str>,
}

struct Row {
    id: String,
    name: String,
    fragment: String,
    off: bool,
    tag: Option<Tag>,
    standing: Standing,
    type_label: String,
    inbox: String,
    preset: Option<&'static str>,
    scopes: Vec<String>,
    more_scopes: usize,
    spark: String,
    most: String,
    requests: String,
    last_used: Option<Moment>,
    created: Moment,
    created_by: String,
    expires: Option<Moment>,
    /// `in 11 days`, when it is soon.
    soon: Option<String>,
    retires: Option<Moment>,
    alive: bool,
    can_reveal: bool,
    /// Whether its menu is asked to be open, where no script opens it.
    is_open: bool,
}

/// What the query string asks for.
pub(super) struct Asked {
    pub(super) filter: Filter,
    pub(super) sort: String,
    pub(super) after: String,
    pub(super) before: String,
    /// The key whose menu is open.
    menu: String,
    /// `1` where keys are selected: there is a box in each row, and neither a menu nor a sparkline.
    select: String,
}

impl Asked {
    pub(super) fn read(fields: &Fields, due_since: Timestamp) -> Self {
        let filter = Filter {
            q: fields.get("q").trim().chars().take(LONGEST_SEARCH).collect(),
            key_type: fields.owned("type"),
            environment: fields.owned("environment"),
            inbox: fields.id("inbox").to_owned(),
            scope: fields.owned("scope"),
            status: fields.owned("status"),
            due_since,
        };
        Self {
            filter,
            sort: fields.owned("sort"),
            after: fields.id("after").to_owned(),
            before: fields.id("before").to_owned(),
            menu: fields.id("menu").to_owned(),
            select: if fields.get("select") == "1" { "1".into() } else { String::new() },
        }
    }

    fn order(&self) -> (Sort, bool) {
        let sort = match self.sort.trim_start_matches('-') {
            "name" => Sort::Name,
            "created" => Sort::Created,
            "expires" => Sort::Expires,
            _ => Sort::LastUsed,
        };
        (sort, self.sort.is_empty() || self.sort.starts_with('-'))
    }

    pub(super) fn page(&self) -> Page<'_> {
        let (sort, descending) = self.order();
        let backwards = !self.before.is_empty();
        let from = if backwards { &self.before } else { &self.after };
        // One more than is shown tells whether there is another page.
        Page { sort, descending, from, backwards, limit: i64::try_from(PAGE).unwrap_or(i64::MAX) + 1 }
    }

    /// This list with some parameters changed; what is empty is left out.
    pub(super) fn href(&self, changes: &[(&str, &str)]) -> String {
        let kept = self.wanted().into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let all = kept.chain(changes.iter().copied());
        link("/settings/api-keys", &all.collect::<Vec<_>>())
    }

    /// What is asked for, whichever page of it.
    fn wanted(&self) -> [(&'static str, &str); 8] {
        let filter = &self.filter;
        [
            ("q", &filter.q),
            ("type", &filter.key_type),
            ("environment", &filter.environment),
            ("inbox", &filter.inbox),
            ("scope", &filter.scope),
            ("status", &filter.status),
            ("sort", &self.sort),
            ("select", &self.select),
        ]
    }

    /// This very page.
    fn current(&self) -> Vec<(&'static str, &str)> {
        let page = [("after", self.after.as_str()), ("before", &self.before)];
        self.wanted().into_iter().chain(page).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// What the filter form must not lose.
    fn carried(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("status", &self.filter.status),
            ("scope", &self.filter.scope),
            ("sort", &self.sort),
            ("select", &self.select),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.as_str())).collect()
    }

    fn heading(&self, name: &str, sort: Sort, descending_first: bool) -> Heading {
        let (current, descending) = self.order();
        let sorted = (current == sort).then_some(if descending { "descending" } else { "ascending" });
        let to_descending = if sorted.is_some() { !descending } else { descending_first };
        let value = if to_descending { format!("-{name}") } else { name.to_owned() };
        let value = if value == "-last_used" { "" } else { &value };
        Heading { href: self.href(&[("sort", value)]), sorted }
    }
}

impl List<'_> {
    /// Nothing was asked for, and there is nothing.
    fn is_first_use(&self) -> bool {
        self.rows.is_empty() && self.is_plain() && self.tabs.iter().all(|tab| tab.count == "0")
    }

    fn is_plain(&self) -> bool {
        let filter = &self.asked.filter;
        [&filter.q, &filter.key_type, &filter.environment, &filter.inbox, &filter.scope, &filter.status]
            .iter()
            .all(|value| value.is_empty())
    }

    /// `Live and test`
    fn any_environment(&self) -> String {
        let labels = self.app.product.environments.iter().rev().enumerate();
        let lowered = labels.map(
            |(index, environment)| {
                if index == 0 { environment.label.clone() } else { environment.label.to_lowercase() }
            },
        );
        text::list(&lowered.collect::<Vec<_>>())
    }

    fn among_deleted(&self) -> String {
        self.asked.href(&[("status", "deleted")])
    }

    fn selects(&self) -> bool {
        !self.asked.select.is_empty()
    }

    /// This page with a box in each row, or without.
    fn selecting(&self, value: &str) -> String {
        self.asked.href(&[("after", &self.asked.after), ("before", &self.asked.before), ("select", value)])
    }

    /// This list as a file, whole.
    fn export(&self) -> String {
        export::path(&self.asked)
    }

    fn offers(&self, key_type: &str) -> bool {
        self.may_change && self.app.product.offers(KeyAct::Create) && self.app.product.offers_type(key_type)
    }

    /// Whether keys differ in their scopes.
    fn shows_scopes(&self) -> bool {
        self.app.product.keys.choose_scopes
    }

    /// Whether there is an end to show: of a key, or of an old secret.
    fn shows_expiry(&self) -> bool {
        let has_end = |row: &Row| row.expires.is_some() || row.retires.is_some();
        self.app.product.expiry.policy != ExpiryPolicy::None || self.rows.iter().any(has_end)
    }

    /// What a key can be limited to: `scopes and the inbox`.
    fn limits(&self) -> Option<String> {
        let product = &self.app.product;
        let inbox = product.offers_type("restricted").then(|| product.words.resource.clone());
        match (product.keys.choose_scopes, inbox) {
            (true, Some(inbox)) => Some(format!("scopes and the {inbox}")),
            (true, None) => Some("scopes".into()),
            (false, inbox) => inbox,
        }
    }
}

/// `GET /settings/api-keys`
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    let now = app.now();
    let mut asked = Asked::read(&query, triage::due_since(&app.product, now));
    // A whole secret belongs into no address: this page, and every link on it, goes on with its last four characters.
    if let Some(last4) = Secret::last4_within(query.get("q"), &app.gate.prefixes.all()) {
        return Ok(see_other(&asked.href(&[("q", last4)])));
    }
    let account_id = me.account_id();
    // Of a time when the definition allowed more, there may be more.
    if app.product.has_one_key()
        && accounts::counts(&app.db, account_id).await?.keys == 1
        && let Some(only) = api_keys::find_first(&app.db, account_id).await?
    {
        return Ok(see_other(&format!("/settings/api-keys/{}", only.id)));
    }
    let list = KeyList::new(&app.db, account_id, &asked.filter, now);
    if let Some(order) = own_order(&list, &asked).await? {
        order.clone_into(&mut asked.sort);
    }
    let page_of_list = list.page(asked.page());
    let Listed { mut keys, looked_to } = page_of_list.read().await?;
    let counts = key_counts::of(&page_of_list).await?;
    let (before, after) = trim(&mut keys, &asked, looked_to);
    let from_day = now.hour().div_euclid(24) - DAYS + 1;
    let days = key_days::list(&app.db, account_id, &keys, from_day).await?;
    let first = position(&page_of_list, &asked, &keys).await?;
    let beside = |name: &str, id: Option<String>| id.map(|id| asked.href(&[(name, &id)]));
    let mut chrome = Chrome::of(&app, &me, Place::Keys).await?;
    chrome.here = asked.href(&[("after", &asked.after), ("before", &asked.before)]);
    let shown = List {
        chrome,
        app: &app,
        may_change: me.is_administrator(),
        tabs: triage::tabs(&asked, &counts, app.product.expiry.policy),
        attention: triage::attention(&app, account_id, (&asked, &counts), now).await?,
        inboxes: offered_inboxes(&app, account_id, &asked.filter.inbox).await?,
        headings: headings(&asked),
        rows: rows(&app, &asked, (&keys, &days), now),
        showing: showing(first, keys.len(), after.is_none(), counts.of(&asked.filter.status)),
        previous: beside("before", before),
        next: beside("after", after),
        asked,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// The account's inboxes, the chosen one among them however many there are.
async fn offered_inboxes(app: &App, account_id: &str, chosen: &str) -> Result<Vec<inboxes::Named>, Error> {
    let mut offered = inboxes::names(&app.db, account_id, MOST_INBOXES).await?;
    if !chosen.is_empty() && !offered.iter().any(|inbox| inbox.id == chosen) {
        let found = inboxes::find(&app.db, account_id, chosen).await?;
        offered.extend(found.map(|inbox| inboxes::Named { id: inbox.id, name: inbox.name }));
    }
    Ok(offered)
}

fn headings(asked: &Asked) -> Headings {
    Headings {
        name: asked.heading("name", Sort::Name, false),
        last_used: asked.heading("last_used", Sort::LastUsed, true),
        created: asked.heading("created", Sort::Created, true),
        expires: asked.heading("expires", Sort::Expires, false),
    }
}

fn rows(app: &App, asked: &Asked, (keys, days): (&[ApiKey], &[KeyDay]), now: Timestamp) -> Vec<Row> {
    let today = now.hour().div_euclid(24);
    let mut by_key: HashMap<&str, Vec<Bucket>> = HashMap::new();
    for day in days {
        let buckets =
            by_key.entry(&day.key_id).or_insert_with(|| vec![Bucket::default(); usize::try_from(DAYS).unwrap_or(0)]);
        if let Some(bucket) = usize::try_from(day.day - today + DAYS - 1).ok().and_then(|index| buckets.get_mut(index))
        {
            bucket.ok += u64::try_from(day.ok).unwrap_or(0);
            bucket.refused += u64::try_from(day.refused).unwrap_or(0);
        }
    }
    let empty = || vec![Bucket::default(); usize::try_from(DAYS).unwrap_or(0)];
    let series = |key: &ApiKey| Series {
        first_hour: (today - DAYS + 1) * 24,
        hours_per_bucket: 24,
        buckets: by_key.get(key.id.as_str()).cloned().unwrap_or_else(empty),
    };
    let row = |key: &ApiKey| Row { is_open: key.id == asked.menu, ..Row::of(key, app, &series(key), now) };
    keys.iter().map(row).collect()
}

impl Row {
    fn of(key: &ApiKey, app: &App, series: &Series, now: Timestamp) -> Self {
        let product = &app.product;
        let status = key.status(now);
        let scopes: Vec<String> = key.scopes.iter().take(SCOPES_SHOWN).map(str::to_owned).collect();
        let soon = key.expires_at.filter(|at| *at > now && at.since(now) <= crate::model::api_key::EXPIRES_SOON);
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            fragment: key.fragment(),
            off: matches!(status, Status::Expired | Status::Deleted),
            tag: Tag::of(product, &key.environment).filter(|tag| tag.class == "test"),
            standing: Standing::of(key, now),
            type_label: type_label(key.key_type, product),
            inbox: key.inbox_name.clone().unwrap_or_else(|| format!("All {}", product.words.resources)),
            preset: key.scopes.preset_label(product),
            more_scopes: key.scopes.len() - scopes.len(),
            scopes,
            spark: sparkline(series),
            most: text::thousands(series.peak().map_or(0, |(_, most)| most)),
            requests: text::thousands(series.total()),
            last_used: key.last_used_at.map(|at| Moment::ago(at, now)),
            created: Moment::date(key.created_at),
            created_by: key.created_by_name.clone().unwrap_or_default(),
            expires: key.expires_at.map(Moment::date),
            soon: soon.map(|at| text::until(at, now)),
            retires: key
                .retires_at
                .filter(|at| status == Status::Retiring && *at > now)
                .map(|at| Moment::new(at, text::until(at, now))),
            alive: status != Status::Deleted,
            can_reveal: can_show_again(key, product),
            is_open: false,
        }
    }
}
