//! The account's rule on how long new keys may live. Existing keys keep their expiry.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::model::key_form::FieldErrors;
use crate::model::key_lifetime::{CHOICES, KeyLifetime, in_words, length};
use crate::product::{ExpiryPolicy, Product};
use crate::store::account_rules;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::{Error, Missing};
use crate::web::form::{Fields, Form, Query, link};
use crate::web::{App, page, see_other};

const PATH: &str = "/settings/security/rules/key-lifetime";

#[derive(Template)]
#[template(path = "security/key_lifetime.html")]
struct Page {
    chrome: Chrome,
    choices: Vec<Choice>,
    /// Whether the product lets keys live for ever.
    may_be_endless: bool,
    expiry_required: bool,
    errors: FieldErrors,
}

struct Choice {
    value: String,
    label: String,
    checked: bool,
}

/// What is shorter than the product's own longest.
fn offered_days(product: &Product) -> impl Iterator<Item = u64> {
    let most = product.expiry.max_days;
    CHOICES.into_iter().filter(move |days| most.is_none_or(|most| *days < most))
}

fn choices(product: &Product, rule: KeyLifetime) -> Vec<Choice> {
    let most = product.expiry.max_days;
    let own = offered_days(product).map(|days| Choice {
        value: days.to_string(),
        label: length(days),
        checked: rule.longest_days == Some(days),
    });
    let label = most.map_or("No limit".to_owned(), |most| format!("{}, the most here", length(most)));
    own.chain([Choice { value: String::new(), label, checked: rule.longest_days.is_none() }]).collect()
}

/// There is no such rule where keys do not expire.
fn offered(app: &App) -> Result<(), Error> {
    let expire = app.product.expiry.policy != ExpiryPolicy::None;
    if expire { Ok(()) } else { Err(Error::NotFound(Missing::Page)) }
}

async fn answer(app: &App, me: &Me, rule: KeyLifetime, errors: FieldErrors) -> Result<Response, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = Page {
        chrome: Chrome::of(app, me, Place::Security).await?,
        choices: choices(&app.product, rule),
        may_be_endless: app.product.expiry.policy == ExpiryPolicy::Optional,
        expiry_required: rule.expiry_required,
        errors,
    };
    Ok(page(status, &shown))
}

/// The rule that was chosen; nothing if no such one can be.
fn chosen(fields: &Fields, product: &Product) -> Option<KeyLifetime> {
    let longest_days = match fields.get("longest") {
        "" | "none" => None,
        days => Some(days.parse().ok().filter(|days| offered_days(product).any(|offered| offered == *days))?),
    };
    let expiry_required = product.expiry.policy == ExpiryPolicy::Optional && fields.get("endless").is_empty();
    Some(KeyLifetime { longest_days, expiry_required })
}

/// `GET /settings/security/rules/key-lifetime?longest=&endless=`: with the choice of somebody who was sent away to prove who
/// they are.
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    offered(&app)?;
    let rule = match chosen(&query, &app.product).filter(|_| query.has("longest")) {
        Some(rule) => rule,
        None => account_rules::key_lifetime(&app.db, me.account_id()).await?,
    };
    answer(&app, &me, rule, FieldErrors::default()).await
}

/// `POST /settings/security/rules/key-lifetime` (`longest`: days, or empty or `none`; `endless`: `yes` if keys need not expire)
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    offered(&app)?;
    let Some(rule) = chosen(&fields, &app.product) else {
        let rule = account_rules::key_lifetime(&app.db, me.account_id()).await?;
        return answer(&app, &me, rule, ("longest", "Choose one of these.".to_owned()).into()).await;
    };
    // The way back has the choice in it: nobody makes it twice.
    let longest = rule.longest_days.map_or("none".to_owned(), |days| days.to_string());
    let endless = if fields.get("endless").is_empty() { "" } else { "yes" };
    me.confirmed(&app, &link(PATH, &[("longest", &longest), ("endless", endless)]))?;
    let said = in_words(&rule.within(&app.product));
    account_rules::set_key_lifetime(&app.db, &me.act(&app), me.user(), rule, &said).await?;
    Flash::good("The rule is changed.", &format!(" {said}")).keep(&me).await?;
    Ok(see_other("/settings/security"))
}
