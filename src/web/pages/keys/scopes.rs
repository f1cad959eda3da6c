//! Other scopes for a key. Fewer take effect with the answer; more are given only to somebody who has just proved who
//! they are. `?draft=unused` leaves out what no request took lately.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::excess::Excess;
use super::find_alive;
use super::scope_choice::ScopeChoice;
use crate::model::api_key::ApiKey;
use crate::model::key_form::{KeyForm, holdable};
use crate::model::least_privilege::is_within;
use crate::store::key_changes;
use crate::web::audience::Me;
use crate::web::chrome::{Chrome, Flash, Place};
use crate::web::error::{Error, Missing};
use crate::web::form::{Fields, Form, Id, Query, link};
use crate::web::{App, page, see_other};

#[derive(Template)]
#[template(path = "keys/scopes.html")]
struct ChangeScopes<'a> {
    chrome: Chrome,
    choice: ScopeChoice<'a>,
    /// What a draft leaves out.
    drafted: Option<Excess>,
    /// What the key holds and nobody can be given.
    gone: Vec<String>,
    key: ApiKey,
    error: Option<String>,
}

impl<'a> ChangeScopes<'a> {
    async fn of(app: &'a App, me: &Me, key: ApiKey) -> Result<Self, Error> {
        let mut chrome = Chrome::of(app, me, Place::Keys).await?;
        chrome.here = here(&key);
        let product = &app.product;
        let choice = ScopeChoice::of(product, &key, &key.scopes);
        let can_be_granted = |held: &str| holdable(product, key.key_type).any(|scope| scope.id == held);
        let gone = key.scopes.iter().filter(|held| !key.scopes.is_full_access() && !can_be_granted(held));
        let gone = gone.map(str::to_owned).collect();
        Ok(Self { chrome, choice, drafted: None, gone, key, error: None })
    }

    /// The form with the choice of somebody who was sent away to prove who they are, or with a draft.
    async fn asked_for(self, app: &'a App, query: &Fields) -> Result<Self, Error> {
        if query.has("preset") {
            let scopes: Vec<String> = query.get("scopes").split_whitespace().map(str::to_owned).collect();
            let choice = ScopeChoice::new(&app.product, self.key.key_type, query.get("preset"), &scopes);
            return Ok(Self { choice, ..self });
        }
        if query.get("draft") != "unused" {
            return Ok(self);
        }
        let excess = Excess::find(app, &self.key, app.now()).await?;
        Ok(match excess.filter(|excess| excess.draft.is_some()) {
            Some(excess) => {
                let draft = excess.draft.as_ref().unwrap_or(&self.key.scopes);
                Self { choice: ScopeChoice::of(&app.product, &self.key, draft), drafted: Some(excess), ..self }
            }
            None => self,
        })
    }

    async fn again(app: &'a App, me: &Me, key: ApiKey, asked: &KeyForm, error: String) -> Result<Response, Error> {
        let choice = ScopeChoice::new(&app.product, key.key_type, &asked.preset, &asked.scopes);
        let again = Self { choice, error: Some(error), ..Self::of(app, me, key).await? };
        Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again))
    }
}

fn here(key: &ApiKey) -> String {
    format!("/settings/api-keys/{}/scopes", key.id)
}

/// The key, where somebody chooses what keys may do.
async fn find(app: &App, me: &Me, id: &str) -> Result<ApiKey, Error> {
    if app.product.keys.choose_scopes { find_alive(app, me, id).await } else { Err(Error::NotFound(Missing::Page)) }
}

/// `GET /settings/api-keys/{id}/scopes?draft=unused`
pub async fn show(State(app): State<App>, me: Me, Id(id): Id, Query(query): Query) -> Result<Response, Error> {
    let key = find(&app, &me, &id).await?;
    let shown = ChangeScopes::of(&app, &me, key).await?.asked_for(&app, &query).await?;
    Ok(page(StatusCode::OK, &shown))
}

/// `POST /settings/api-keys/{id}/scopes`
pub async fn create(State(app): State<App>, me: Me, Id(id): Id, Form(fields): Form) -> Result<Response, Error> {
    let key = find(&app, &me, &id).await?;
    let asked = KeyForm { preset: fields.owned("preset"), scopes: fields.all("scopes"), ..KeyForm::default() };
    let scopes = match asked.scopes(&app.product, key.key_type) {
        Ok(scopes) => scopes,
        Err(sentence) => return ChangeScopes::again(&app, &me, key, &asked, sentence).await,
    };
    if scopes == key.scopes {
        return Ok(see_other(&format!("/settings/api-keys/{id}")));
    }
    if !is_within(&scopes, &key.scopes, key.key_type, &app.product) {
        // The way back has the choice in it: nobody makes it twice.
        let choice = [("preset", asked.preset.as_str()), ("scopes", &asked.scopes.join(" "))];
        me.confirmed(&app, &link(&here(&key), &choice))?;
    }
    let Some(difference) = key_changes::change_scopes(&app.db, &me.act(&app), &key, &scopes).await? else {
        let key = find(&app, &me, &id).await?;
        let sentence = "Somebody else changed the scopes just now. Check them and press the button again.";
        return ChangeScopes::again(&app, &me, key, &asked, sentence.into()).await;
    };
    Flash::good(&key.name, &format!(" has other scopes now: {difference}.")).keep(&me).await?;
    Ok(see_other(&format!("/settings/api-keys/{id}")))
}
