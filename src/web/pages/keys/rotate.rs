//! Rotation: the same key with a new secret; the old one works until its grace ends or is ended.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::reveal::OldKey;
use super::{find_alive, offered};
use crate::clock::{Timestamp, hours};
use crate::model::api_key::ApiKey;
use crate::model::secret::Secret;
use crate::model::text;
use crate::product::{KeyAct, grace_hours};
use crate::store::api_keys::{self, Rotation};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::Error;
use crate::web::form::{Form, Id};
use crate::web::view::{Moment, short_date};
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "keys/rotate.html")]
struct Rotate {
    chrome: Chrome,
    key: ApiKey,
    choices: Vec<Grace>,
    /// A key before this one that still works, and ends with this rotation.
    old: Option<OldKey>,
    error: Option<&'static str>,
}

/// How long the old secret may go on.
struct Grace {
    value: String,
    label: String,
    ends: Moment,
    /// `22 Nov, 14:05 UTC`
    short: String,
    checked: bool,
}

impl Rotate {
    async fn of(app: &App, me: &Me, key: ApiKey) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Keys).await?;
        chrome.here = format!("/settings/api-keys/{}/rotate", key.id);
        let (choices, old) = (choices(app, &key, app.now()), OldKey::find(app, &key).await?);
        Ok(Self { chrome, key, choices, old, error: None })
    }

    /// Whether the old secret stops at once, whatever is chosen.
    fn at_once(&self) -> bool {
        self.choices.iter().all(|choice| choice.value == "0")
    }
}

/// The definition's choices, the recommended one first and the immediate one last.
fn choices(app: &App, key: &ApiKey, now: Timestamp) -> Vec<Grace> {
    let rotation = &app.product.rotation;
    let mut values: Vec<&String> = rotation.grace.iter().collect();
    values.sort_by_key(|value| (value.as_str() != rotation.default_grace, value.as_str() == "0", grace_hours(value)));
    let choice = |value: &String| {
        let span = grace_hours(value).unwrap_or(0);
        let ends = key.old_secret_dies(now, hours(span)).max(now);
        let label = match span {
            0 => "Immediately".to_owned(),
            span if span % 24 == 0 && span > 24 => format!("In {}", text::count(span / 24, "day", "days")),
            span => format!("In {}", text::count(span, "hour", "hours")),
        };
        Grace {
            value: value.clone(),
            label,
            short: if span == 0 {
                "Now".into()
            } else {
                format!("{}, {} UTC", short_date(ends), text::time_of_day(ends))
            },
            ends: Moment::new(ends, text::date_time(ends)),
            checked: *value == rotation.default_grace,
        }
    };
    values.into_iter().map(choice).collect()
}

/// `GET /settings/api-keys/{id}/rotate`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    offered(&app, KeyAct::Rotate)?;
    let key = find_alive(&app, &me, &id).await?;
    Ok(page(StatusCode::OK, &Rotate::of(&app, &me, key).await?))
}

/// `POST /settings/api-keys/{id}/rotate`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    offered(&app, KeyAct::Rotate)?;
    let key = find_alive(&app, &me, &id).await?;
    let asked = fields.owned("grace");
    let Some(span) = grace_hours(&asked).filter(|_| app.product.rotation.grace.contains(&asked)) else {
        let again =
            Rotate { error: Some("Choose when the old key stops working."), ..Rotate::of(&app, &me, key).await? };
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again));
    };
    let secret = Secret::generate(&app.product.secret_prefix(&key.environment), &app.entropy);
    let expires_at = key.renewed_expiry(app.now());
    let reveal = Some(app.product.keys.reveal);
    let rotation = Rotation { secret: &secret, grace_hours: span, expires_at, once: None, reveal };
    // A form that was answered before, by a second press or by somebody else, has nothing left to do.
    let answered = fields.get("last4");
    if answered.is_empty() || answered == key.last4 {
        api_keys::rotate(&app.db, &me.act(&app), &key, rotation).await?;
    }
    Ok(see_other(&format!("/settings/api-keys/{id}")))
}

/// `POST /settings/api-keys/{id}/stop-old`
pub async fn stop_old(State(app): State<App>, me: Me, Id(id): Id) -> Result<Response, Error> {
    let key = find_alive(&app, &me, &id).await?;
    if api_keys::stop_old(&app.db, &me.act(&app), &key).await? {
        Flash::good(&key.name, " now has one key. Requests with the old one fail with 401.").keep(&me).await?;
    }
    Ok(see_other(&format!("/settings/api-keys/{id}")))
}
