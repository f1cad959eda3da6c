//! The first screen: the sealed key, a sample in seven languages, and the first request arriving.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::keys::{Seal, Tag};
use crate::clock::Timestamp;
use crate::gate::usage::PassedRequest;
use crate::model::api_key::ApiKey;
use crate::store::{api_keys, usage};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::samples::{self, Sample};
use crate::web::view::Moment;
use crate::web::{App, page};

#[derive(Template)]
#[template(path = "welcome/show.html")]
pub struct Welcome<'a> {
    chrome: Chrome,
    app: &'a App,
    key: Option<ApiKey>,
    tag: Option<Tag>,
    pub seal: Option<Seal>,
    samples: Vec<Sample>,
    received: Option<Received>,
}

/// The first request that passed.
#[derive(Template)]
#[template(path = "welcome/received.html")]
struct Received {
    request: PassedRequest,
    at: Moment,
    reason: &'static str,
    milliseconds: i64,
    restricted: bool,
    restricted_word: String,
}

impl<'a> Welcome<'a> {
    /// The first screen of an account whose key is `key`.
    pub async fn of(app: &'a App, me: &Me, key: Option<ApiKey>, seal: Option<Seal>) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Welcome).await?;
        chrome.here = "/welcome".into();
        Ok(Self {
            chrome,
            app,
            tag: key.as_ref().and_then(|key| Tag::of(&app.product, &key.environment)),
            key,
            seal,
            samples: samples::of_product(app, &me.info),
            received: Received::find(app, me).await?,
        })
    }
}

impl Welcome<'_> {
    fn is_open(&self) -> bool {
        matches!(self.seal, Some(Seal::Open { .. }))
    }

    /// The key, if its secret was shown before and is not being shown now.
    fn revealed_key(&self) -> Option<&ApiKey> {
        let key = self.key.as_ref()?;
        match self.seal.as_ref()? {
            Seal::Done { .. } => Some(key),
            Seal::Sealed { .. } => key.revealed_at.map(|_| key),
            Seal::Open { .. } => None,
        }
    }

    fn is_sealed(&self) -> bool {
        matches!(self.seal, Some(Seal::Sealed { .. }))
    }

    fn title(&self) -> String {
        if self.received.is_some() {
            "You’re connected".into()
        } else {
            format!("Welcome to {}", self.app.product.brand.name)
        }
    }

    /// Whether every example is a plain request.
    fn needs_no_sdk(&self) -> bool {
        self.app.product.samples.iter().all(|sample| sample.code.contains("{base_url}"))
    }

    fn lead(&self) -> &'static str {
        match (&self.seal, &self.received) {
            (_, Some(_)) if self.chrome.one_key => "Your key works.",
            (_, Some(_)) => "Your key works. Next: give each service its own key, with only the scopes it needs.",
            (Some(Seal::Open { .. }), None) => "Store the key now, then make a request with it.",
            (Some(Seal::Sealed { .. }), None) if self.revealed_key().is_none() => {
                "Your account is ready, and so is your first key. Three short steps to a working request."
            }
            (Some(Seal::Done { .. } | Seal::Sealed { .. }), None) => {
                "Your key is revealed. Make a request with it and see it arrive here."
            }
            (None, None) => "Your account is ready. Create a key, then make a request with it.",
        }
    }

    /// Whether step `number` is done, next, or still to come.
    fn step(&self, number: u8) -> &'static str {
        let revealed = self.is_open() || self.revealed_key().is_some();
        match (number, revealed, self.received.is_some()) {
            (_, _, true) | (1, true, _) => "done",
            (1, false, _) | (2, true, _) => "now",
            _ => "",
        }
    }

    /// `live`, said of the key.
    fn environment(&self) -> String {
        self.tag.as_ref().map_or(String::new(), |tag| format!("{} ", tag.label.to_lowercase()))
    }

    fn access(&self) -> String {
        let label = self.key.as_ref().and_then(|key| key.scopes.preset_label(&self.app.product));
        label.map_or_else(|| "the scopes it was given".into(), str::to_lowercase)
    }
}

/// `GET /welcome`
pub async fn show(State(app): State<App>, me: Me) -> Result<Response, Error> {
    let key = api_keys::find_first(&app.db, me.account_id()).await?;
    let seal = key.as_ref().map(|key| Seal::of(key, &app, "welcome"));
    Ok(page(StatusCode::OK, &Welcome::of(&app, &me, key, seal).await?))
}

/// `GET /welcome/status`: 204 while waiting, then the panel.
pub async fn status(State(app): State<App>, me: Me) -> Result<Response, Error> {
    Ok(match Received::find(&app, &me).await? {
        Some(received) => page(StatusCode::OK, &received),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

impl Received {
    /// Counts first what was not written yet: whoever checks right after a request must see it.
    async fn find(app: &App, me: &Me) -> Result<Option<Self>, Error> {
        app.flush_usage(me.account_id()).await?;
        let found = usage::first_request(&app.db, me.account_id()).await?;
        let request: Option<PassedRequest> = found.and_then(|json| serde_json::from_str(&json).ok());
        Ok(request.map(|request| Self {
            at: Moment::exact(Timestamp::from_micros(request.at)),
            reason: StatusCode::from_u16(request.status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or_default(),
            milliseconds: (request.took + 999) / 1000,
            restricted: app.product.offers_type("restricted"),
            restricted_word: app.product.words.restricted.clone(),
            request,
        }))
    }
}
