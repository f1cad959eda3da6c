//! The reveal. The secret leaves in the answer to this POST and nowhere else. Where it leaves once, whoever comes second
//! is told who was first; where it leaves again, it asks for the password first.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Abilities, Seal, can_show_again, find};
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, Target};
use crate::model::name::isolated;
use crate::model::text;
use crate::product::KeyAct;
use crate::store::sealed_secrets::{self, RevealError};
use crate::store::{accounts, api_key_secrets};
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::form::{Form, Id};
use crate::web::pages::welcome::Welcome;
use crate::web::view::Moment;
use crate::web::{App, page};

/// A key around its seal: created, being revealed, or revealed before.
#[derive(Template)]
#[template(path = "keys/seal_page.html")]
pub struct SealPage {
    chrome: Chrome,
    key: ApiKey,
    abilities: Abilities,
    seal: Seal,
    may_rotate: bool,
    old: Option<OldKey>,
}

/// The old secret of a rotated key, while its grace lasts.
pub struct OldKey {
    pub fragment: String,
    pub dies: Moment,
    pub until: String,
    pub last_used: Option<Moment>,
    pub from: String,
    /// Whether it was used since the rotation.
    pub is_used: bool,
    /// `312 requests`
    pub requests: String,
    /// With the new secret: `5,120`.
    pub new_requests: String,
}

impl SealPage {
    pub async fn of(app: &App, me: &Me, key: ApiKey, seal: Seal) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Keys).await?;
        // This page may be the answer to a POST; the theme button must come back to something that can be opened.
        chrome.here = format!("/settings/api-keys/{}", key.id);
        let abilities = Abilities::of(&key, &app.product, app.now());
        let (old, may_rotate) = (OldKey::find(app, &key).await?, app.product.offers(KeyAct::Rotate));
        Ok(Self { chrome, key, abilities, seal, may_rotate, old })
    }

    fn title(&self) -> String {
        match &self.seal {
            Seal::Open { .. } => "Copy your key now".into(),
            Seal::Sealed { .. } if self.key.rotated_at.is_some() => "New key ready".into(),
            Seal::Sealed { .. } => "Key created".into(),
            Seal::Done { .. } => isolated(&self.key.name).into_owned(),
        }
    }

    fn two_work(&self) -> bool {
        self.old.is_some()
    }
}

impl OldKey {
    pub async fn find(app: &App, key: &ApiKey) -> Result<Option<Self>, Error> {
        let now = app.now();
        let old = api_key_secrets::find_old(&app.db, &key.account_id, &key.id, now).await?;
        Ok(old.map(|old| Self {
            fragment: format!("{}…{}", key.prefix, old.last4),
            until: text::until(old.dies_at, now),
            dies: Moment::new(old.dies_at, text::date_time(old.dies_at)),
            last_used: old.last_used_at.map(|at| Moment::ago_in_words(at, now)),
            from: old.last_used_ip.unwrap_or_default(),
            is_used: old.requests > 0,
            requests: text::count(old.requests.unsigned_abs(), "request", "requests"),
            new_requests: text::thousands(old.new_requests.unsigned_abs()),
        }))
    }
}

/// `POST /settings/api-keys/{id}/reveal`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    let key = find(&app, &me, &id).await?;
    let from = if fields.get("from") == "welcome" { "welcome" } else { "" };
    if app.product.reveals_again() {
        me.confirmed(&app, &if from.is_empty() { format!("/settings/api-keys/{id}") } else { "/welcome".into() })?;
    }
    // The page first, the secret last: once it is taken, nothing may fail any more.
    let answer = Around::of(&app, &me, key.clone(), from).await?;
    match sealed_secrets::reveal(&app.db, &me.act(&app), &key, app.product.keys.reveal).await {
        Ok(secret) => {
            let again = can_show_again(&key, &app.product);
            let seal = Seal::Open { secret, env_var: app.product.brand.env_var.clone(), again };
            Ok(answer.with(StatusCode::OK, seal))
        }
        Err(RevealError::Gone) => {
            let target = Target { id: &key.id, name: &key.name };
            accounts::note(&app.db, &me.act(&app), me.account_id(), Action::KeyRevealRefused, target).await?;
            // Read again: somebody else's reveal is what this page tells about.
            let key = find(&app, &me, &id).await?;
            let seal = Seal::of(&key, &app, from);
            Ok(Around::of(&app, &me, key, from).await?.with(StatusCode::GONE, seal))
        }
        Err(RevealError::Database(error)) => Err(error.into()),
        Err(RevealError::Broken(error)) => Err(Error::internal(error)),
    }
}

/// The screen around the seal: the key's own, or the first screen where the reveal began.
enum Around<'a> {
    Key(Box<SealPage>),
    Welcome(Box<Welcome<'a>>),
}

impl<'a> Around<'a> {
    async fn of(app: &'a App, me: &Me, key: ApiKey, from: &'static str) -> Result<Self, Error> {
        let seal = Seal::of(&key, app, from);
        Ok(match from {
            "welcome" => Self::Welcome(Box::new(Welcome::of(app, me, Some(key), Some(seal)).await?)),
            _ => Self::Key(Box::new(SealPage::of(app, me, key, seal).await?)),
        })
    }

    fn with(self, status: StatusCode, seal: Seal) -> Response {
        match self {
            Self::Key(shown) => page(status, &SealPage { seal, ..*shown }),
            Self::Welcome(mut shown) => {
                shown.seal = Some(seal);
                page(status, &*shown)
            }
        }
    }
}
