//! `/docs`: the API for the customer's developers. All of it follows from the product definition, the public URL and
//! the refusals as the API words them: what the page says of a product is what that product does.

mod endpoints;
mod policies;
mod refusals;
mod scopes;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tower_sessions::Session as WebSession;

use crate::model::{secret, session_token};
use crate::product::reserved::KEYS_WRITE;
use crate::product::{Environment, KeyAct, Product};
use crate::web::audience::signed_in;
use crate::web::chrome::{Chrome, Place};
use crate::web::error::Error;
use crate::web::request::RequestInfo;
use crate::web::samples::{self, Sample};
use crate::web::{App, page};
use endpoints::Endpoint;
use refusals::Refusal;
use scopes::{Group, Preset};

/// To whoever is signed in, as a page of their desk.
#[derive(Template)]
#[template(path = "docs/signed_in.html")]
struct SignedIn<'a> {
    chrome: Chrome,
    guide: Guide<'a>,
}

/// To everybody else.
#[derive(Template)]
#[template(path = "docs/visited.html")]
struct Visited<'a> {
    theme: &'static str,
    brand: &'a str,
    guide: Guide<'a>,
}

/// What the page says.
struct Guide<'a> {
    product: &'a Product,
    /// Characters behind the prefix of a secret.
    secret_characters: usize,
    session_minutes: i64,
    public_url: &'a str,
    base_url: &'a str,
    is_https: bool,
    sections: Vec<Section>,
    samples: Vec<Sample>,
    groups: Vec<Group<'a>>,
    presets: Vec<Preset<'a>>,
    endpoints: Vec<Endpoint<'a>>,
    session_endpoints: Vec<Endpoint<'a>>,
    refusals: Vec<Refusal>,
    bodies: Vec<Sample>,
}

/// The sections in their order; the list of contents and the headings are made of the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Authentication,
    FirstRequest,
    KeyTypes,
    Scopes,
    Keys,
    Endpoints,
    SessionTokens,
    RateLimits,
    Errors,
    Practice,
    Questions,
}

impl Section {
    const ALL: [Self; 11] = [
        Self::Authentication,
        Self::FirstRequest,
        Self::KeyTypes,
        Self::Scopes,
        Self::Keys,
        Self::Endpoints,
        Self::SessionTokens,
        Self::RateLimits,
        Self::Errors,
        Self::Practice,
        Self::Questions,
    ];

    /// Whether the product has what the section is about.
    fn belongs_to(self, product: &Product) -> bool {
        match self {
            Self::KeyTypes => product.keys.types.len() > 1,
            Self::Scopes => product.keys.choose_scopes,
            Self::SessionTokens => product.api.session_token,
            Self::RateLimits => product.rate_limit.per_minute > 0,
            Self::Questions => !product.questions.is_empty(),
            _ => true,
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::FirstRequest => "first-request",
            Self::KeyTypes => "key-types",
            Self::Scopes => "scopes",
            Self::Keys => "managing-keys",
            Self::Endpoints => "endpoints",
            Self::SessionTokens => "session-tokens",
            Self::RateLimits => "rate-limits",
            Self::Errors => "errors",
            Self::Practice => "good-practice",
            Self::Questions => "questions",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Authentication => "Authentication",
            Self::FirstRequest => "First request",
            Self::KeyTypes => "Key types",
            Self::Scopes => "Scopes",
            Self::Keys => "Managing keys",
            Self::Endpoints => "Endpoints",
            Self::SessionTokens => "Session tokens",
            Self::RateLimits => "Rate limits",
            Self::Errors => "Errors",
            Self::Practice => "Good practice",
            Self::Questions => "Questions",
        }
    }
}

impl<'a> Guide<'a> {
    fn of(app: &'a App, info: &RequestInfo) -> Self {
        let product = &app.product;
        let refusals = refusals::all(product, app.is_https());
        Self {
            product,
            secret_characters: secret::CHARACTERS,
            session_minutes: session_token::LIFETIME_SECONDS / 60,
            public_url: &app.public_url,
            base_url: product.base_url(&app.public_url),
            is_https: app.is_https(),
            sections: Section::ALL.into_iter().filter(|section| section.belongs_to(product)).collect(),
            samples: samples::of_product(app, info),
            groups: scopes::groups(product),
            presets: scopes::presets(product),
            endpoints: endpoints::of_desk(product),
            session_endpoints: endpoints::of_sessions(product),
            bodies: refusals::bodies(&refusals),
            refusals,
        }
    }

    fn offers_both_types(&self) -> bool {
        self.offers("standard") && self.offers("restricted")
    }

    fn offers(&self, key_type: &str) -> bool {
        self.product.offers_type(key_type)
    }

    fn prefix(&self, environment: &Environment) -> String {
        self.product.secret_prefix(&environment.id)
    }

    /// The prefix of the example: of the real thing, if there is one.
    fn example_prefix(&self) -> String {
        let environments = &self.product.environments;
        let real = environments.iter().find(|environment| !environment.rehearsal).or(environments.first());
        self.product.secret_prefix(real.map_or("", |environment| &environment.id))
    }

    /// Whether the API calls the resource something else than people do.
    fn has_api_name(&self) -> bool {
        self.product.words.api_name != self.product.words.resources
    }

    /// What a key needs to manage others.
    fn managing_scope(&self) -> &str {
        endpoints::takes(KEYS_WRITE, self.product).unwrap_or_default()
    }

    /// The narrowest scope of the first preset, as an example of asking for little.
    fn example_scope(&self) -> Option<&str> {
        self.product.presets.first()?.scopes.first().map(String::as_str)
    }

    /// A route's path with the resource under its own name: `/v1/domains/{domain}`.
    fn route_path(&self, path: &str) -> String {
        path.replace("{inbox}", &format!("{{{}}}", self.product.words.resource))
    }

    fn chooses_scopes(&self) -> bool {
        self.product.keys.choose_scopes
    }
}

/// `GET /docs`
pub async fn show(State(app): State<App>, info: RequestInfo, web: WebSession) -> Result<Response, Error> {
    let guide = Guide::of(&app, &info);
    if let Some(me) = signed_in(&app, &info, web).await? {
        let chrome = Chrome::of(&app, &me, Place::Docs).await?;
        return Ok(page(StatusCode::OK, &SignedIn { chrome, guide }));
    }
    let brand = &app.product.brand.name;
    Ok(page(StatusCode::OK, &Visited { theme: info.theme.as_str(), brand, guide }))
}
