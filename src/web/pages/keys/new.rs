//! Creating a key: two forms, one per type, and their mistakes. A key that could be issued is issued sealed.

use std::borrow::Cow;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::scope_choice::{Choice, ScopeChoice};
use super::{find, offered, successor};
use crate::clock::{Timestamp, days};
use crate::model::api_key::KeyType;
use crate::model::inbox::Inbox;
use crate::model::key_form::{FieldErrors, KeyForm, limit_reached, name_taken};
use crate::model::key_lifetime::length;
use crate::model::name::isolated;
use crate::model::secret::Secret;
use crate::model::text;
use crate::product::{Environment, ExpiryPolicy, KeyAct, Product};
use crate::store::account_rules;
use crate::store::api_keys::{self, Issue, Issued};
use crate::store::inboxes;
use crate::store::once::Once;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::{Fields, Form, Query};
use crate::web::{App, form_id, page, see_other};

/// Inboxes offered in the list.
const MOST_INBOXES: i64 = 500;

#[derive(Template)]
#[template(path = "keys/new.html")]
struct New<'a> {
    chrome: Chrome,
    app: &'a App,
    key_type: KeyType,
    form: KeyForm,
    form_id: String,
    errors: FieldErrors,
    /// The form was open too long; nothing was changed.
    expired: bool,
    inboxes: Vec<inboxes::Listed>,
    choice: ScopeChoice<'a>,
    expiries: Vec<Choice>,
    tomorrow: String,
}

impl<'a> New<'a> {
    /// The form as somebody opens it, or as it comes back.
    async fn of(app: &'a App, me: &Me, key_type: KeyType, form: KeyForm) -> Result<Self, Error> {
        let now = app.now();
        let new_keys = new_keys_of(app, me).await?;
        Ok(Self {
            chrome: Chrome::of(app, me, Place::Keys).await?,
            app,
            key_type,
            form_id: form_id::issue(&me.session.id, now, &app.keyring, &app.entropy),
            errors: FieldErrors::default(),
            expired: false,
            inboxes: offered_inboxes(app, me, &form.inbox).await?,
            choice: ScopeChoice::new(&app.product, key_type, &form.preset, &form.scopes),
            expiries: expiries(&new_keys, &form, now),
            tomorrow: (now + days(1)).to_string().split('T').next().unwrap_or_default().to_owned(),
            form,
        })
    }

    fn again(self, errors: FieldErrors) -> Response {
        page(StatusCode::UNPROCESSABLE_ENTITY, &Self { errors, ..self })
    }

    fn is_restricted(&self) -> bool {
        self.key_type == KeyType::Restricted
    }

    /// `Create a standard key`, in the definition's word, or `Create an API key` where there is one type.
    fn title(&self) -> String {
        let product = &self.app.product;
        if product.keys.types.len() == 1 {
            return "Create an API key".into();
        }
        let word = if self.is_restricted() { &product.words.restricted } else { &product.words.standard };
        format!("Create {} key", text::with_article(word))
    }

    fn chooses_scopes(&self) -> bool {
        self.app.product.keys.choose_scopes
    }

    fn environments(&self) -> &[Environment] {
        &self.app.product.environments
    }

    fn selected_inbox(&self) -> Option<&inboxes::Listed> {
        self.inboxes.iter().find(|inbox| inbox.id == self.form.inbox)
    }

    fn has_expiry(&self) -> bool {
        self.app.product.expiry.policy != ExpiryPolicy::None
    }

    /// The narrowest scope of the first preset, as an example of asking for little.
    fn example_scope(&self) -> Option<&str> {
        let preset = self.app.product.presets.first()?;
        preset.scopes.first().map(String::as_str)
    }
}

/// The account's inboxes, the chosen one among them however many there are.
async fn offered_inboxes(app: &App, me: &Me, chosen: &str) -> Result<Vec<inboxes::Listed>, Error> {
    let mut offered = inboxes::list(&app.db, me.account_id(), "", "", MOST_INBOXES).await?;
    if !chosen.is_empty() && !offered.iter().any(|inbox| inbox.id == chosen) {
        offered.extend(inboxes::list(&app.db, me.account_id(), chosen, "", 1).await?);
    }
    Ok(offered)
}

fn expiries(product: &Product, form: &KeyForm, now: Timestamp) -> Vec<Choice> {
    let after = |count: &u64| Choice {
        value: count.to_string(),
        label: length(*count),
        hint: text::date(now + days(*count)),
        checked: form.expires == count.to_string(),
    };
    let longest = product.expiry.max_days.unwrap_or(u64::MAX);
    let mut choices: Vec<Choice> =
        product.expiry.choices_days.iter().filter(|count| **count <= longest).map(after).collect();
    if product.expiry.policy == ExpiryPolicy::Optional {
        let never = Choice {
            value: "none".into(),
            label: "No expiry".into(),
            hint: "Not advised".into(),
            checked: form.expires == "none",
        };
        choices.push(never);
    }
    choices
}

/// The product as new keys of my account know it.
async fn new_keys_of<'a>(app: &'a App, me: &Me) -> Result<Cow<'a, Product>, Error> {
    Ok(account_rules::key_lifetime(&app.db, me.account_id()).await?.within(&app.product))
}

/// `GET /settings/api-keys/new?type=`, or `?from=` a key to make another like it
pub async fn show(State(app): State<App>, me: Me, Query(query): Query) -> Result<Response, Error> {
    offered(&app, KeyAct::Create)?;
    let product = &app.product;
    if query.has("from") {
        let before = find(&app, &me, query.id("from")).await?;
        let form = successor::form(&before, &*new_keys_of(&app, &me).await?);
        if product.offers_type(&form.key_type) {
            return Ok(page(StatusCode::OK, &New::of(&app, &me, before.key_type, form).await?));
        }
    }
    let asked = query.get("type");
    let offered =
        if product.offers_type(asked) { asked } else { product.keys.types.first().map_or("standard", String::as_str) };
    let key_type = offered.parse().unwrap_or(KeyType::Standard);
    let environment = if query.get("environment").is_empty() {
        product.environments.first().map(|first| first.id.clone())
    } else {
        Some(query.owned("environment"))
    };
    let form = KeyForm {
        key_type: offered.into(),
        environment: environment.unwrap_or_default(),
        inbox: query.id("inbox").to_owned(),
        preset: if key_type == KeyType::Restricted {
            "custom".into()
        } else {
            product.presets.first().map_or("read".into(), |first| first.id.clone())
        },
        expires: new_keys_of(&app, &me).await?.expiry.default_days.map_or("none".into(), |days| days.to_string()),
        ..KeyForm::default()
    };
    Ok(page(StatusCode::OK, &New::of(&app, &me, key_type, form).await?))
}

/// `POST /settings/api-keys`
pub async fn create(State(app): State<App>, me: Me, Form(fields): Form) -> Result<Response, Error> {
    offered(&app, KeyAct::Create)?;
    let form = read(&fields);
    let key_type = form.key_type.parse().unwrap_or(KeyType::Standard);
    let form_id = fields.get("form_id");
    if !form_id::is_current(form_id, &me.session.id, app.now(), &app.keyring) {
        let again = New { expired: true, ..New::of(&app, &me, key_type, form).await? };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    }
    let inbox = find_inbox(&app, &me, &form).await?;
    let new_keys = new_keys_of(&app, &me).await?;
    let new = match form.validate(&new_keys, inbox.as_ref(), app.now()) {
        Ok(new) => new,
        Err(errors) => return Ok(New::of(&app, &me, key_type, form).await?.again(errors)),
    };
    let secret = Secret::generate(&app.product.secret_prefix(&new.environment), &app.entropy);
    let once = (!form_id.is_empty()).then_some(Once { key: form_id, request: "" });
    let issue = Issue { new: &new, secret: &secret, once, reveal: Some(app.product.keys.reveal) };
    let limit = app.product.keys.limit;
    match api_keys::issue(&app.db, &me.act(&app), me.account_id(), issue, limit).await? {
        Issued::Key(id) | Issued::Before(id) => Ok(see_other(&format!("/settings/api-keys/{id}"))),
        refused => {
            let errors = refusal(&refused, &new.name, &app.product, &new.environment);
            Ok(New::of(&app, &me, key_type, form).await?.again(errors))
        }
    }
}

fn read(fields: &Fields) -> KeyForm {
    let scopes = fields.all("scopes");
    let preset =
        if fields.get("preset").is_empty() && !scopes.is_empty() { "custom".into() } else { fields.owned("preset") };
    KeyForm {
        key_type: if fields.get("type").is_empty() { "standard".into() } else { fields.owned("type") },
        name: fields.owned("name"),
        environment: fields.owned("environment"),
        by_id: false,
        inbox: fields.id("inbox").to_owned(),
        preset,
        scopes,
        expires: fields.owned("expires"),
        expires_on: fields.owned("expires_on"),
        expires_at: None,
        allowed_ips: fields.owned("allowed_ips"),
    }
}

/// The inbox that the form names, if it is one of this account's.
async fn find_inbox(app: &App, me: &Me, form: &KeyForm) -> Result<Option<Inbox>, Error> {
    if form.inbox.is_empty() {
        return Ok(None);
    }
    Ok(inboxes::find(&app.db, me.account_id(), &form.inbox).await?)
}

fn refusal(refused: &Issued, name: &str, product: &Product, environment: &str) -> FieldErrors {
    match refused {
        Issued::InboxGone => {
            ("inbox", format!("This {} was deleted just now. Choose another.", product.words.resource)).into()
        }
        Issued::LimitReached => ("name", limit_reached(product)).into(),
        Issued::NameTaken | Issued::OtherRequest | Issued::Key(_) | Issued::Before(_) => {
            ("name", name_taken(&isolated(name), product, environment)).into()
        }
    }
}
