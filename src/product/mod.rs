//! The product definition: what this installation of Keydesk is the desk of. Words, prefix, environments, key types,
//! scopes, presets, expiry, rotation, rate limit, routes and code samples all come from one TOML file; nothing of it is
//! in the code. A definition that contradicts itself never starts.

mod definition;
mod key_act;
mod mistakes;
mod place;
mod report;
pub mod routes;
mod tree;
mod warnings;

use std::path::Path;

pub use definition::Definition;
pub use key_act::KeyAct;
pub use report::{Refused, Report};

/// The definition that is built in.
pub const DEFAULT: &str = include_str!("../../products/default.toml");

#[derive(Clone, Debug, Default)]
pub struct Product {
    pub brand: Brand,
    pub api: Api,
    pub words: Words,
    pub keys: Keys,
    pub sign_up_key: Option<SignUpKey>,
    pub environments: Vec<Environment>,
    pub expiry: Expiry,
    pub rotation: Rotation,
    pub rate_limit: RateLimit,
    pub errors: Errors,
    pub groups: Vec<Group>,
    pub scopes: Vec<ScopeDefinition>,
    pub presets: Vec<Preset>,
    pub routes: Vec<Route>,
    pub samples: Vec<Sample>,
    pub questions: Vec<Question>,
}

#[derive(Clone, Debug, Default)]
pub struct Brand {
    pub name: String,
    pub env_var: String,
}

#[derive(Clone, Debug, Default)]
pub struct Api {
    /// Empty: the public URL.
    pub base_url: String,
    /// What every path of the API begins with. Keydesk's own answers there and under `/v1`.
    pub path: String,
    /// Whether a session JWT is also an API credential.
    pub session_token: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Words {
    pub resource: String,
    pub resources: String,
    pub api_name: String,
    pub standard: String,
    pub restricted: String,
}

#[derive(Clone, Debug, Default)]
pub struct Keys {
    pub prefix: String,
    pub types: Vec<String>,
    /// 0 is no limit.
    pub limit: i64,
    /// How often a secret can be shown.
    pub reveal: Reveal,
    /// Whether whoever creates a key chooses its scopes. If not, a key may do everything that its type can.
    pub choose_scopes: bool,
    /// Whether a standard key may hold `*`.
    pub full_access: bool,
    /// What administrators do to keys in the pages.
    pub in_page: Vec<KeyAct>,
    /// What programs do to keys over the API.
    pub over_api: Vec<KeyAct>,
    /// Whether a deletion in the page asks for the key's exact name.
    pub confirm_by_name: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reveal {
    /// One time; nobody can show it again.
    #[default]
    Once,
    /// Whenever an administrator asks, under a password and in the audit log.
    Again,
}

#[derive(Clone, Debug, Default)]
pub struct SignUpKey {
    pub name: String,
    /// Empty in a product without environments.
    pub environment: String,
    pub preset: String,
}

#[derive(Clone, Debug, Default)]
pub struct Environment {
    pub id: String,
    pub label: String,
    pub description: String,
    /// What it means in four words, beside the tag.
    pub summary: String,
    /// Nothing real happens in it: its tag is dashed, and its keys manage no others.
    pub rehearsal: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiryPolicy {
    #[default]
    None,
    Optional,
    Required,
}

#[derive(Clone, Debug, Default)]
pub struct Expiry {
    pub policy: ExpiryPolicy,
    pub choices_days: Vec<u64>,
    pub default_days: Option<u64>,
    /// The longest that a key may live.
    pub max_days: Option<u64>,
}

#[derive(Clone, Debug, Default)]
pub struct Rotation {
    pub grace: Vec<String>,
    pub default_grace: String,
    /// After how long a secret should be replaced; 0 says nothing about it.
    pub recommended_days: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Group {
    pub id: String,
    pub label: String,
    pub description: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScopeKind {
    #[default]
    Read,
    Write,
    Action,
}

#[derive(Clone, Debug, Default)]
pub struct ScopeDefinition {
    pub id: String,
    pub kind: ScopeKind,
    pub group: String,
    pub description: String,
    /// Whether a key bound to one resource may hold it.
    pub restricted: bool,
    /// Scopes that come with it.
    pub implies: Vec<String>,
}

/// How often a key may be used.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateLimit {
    /// Requests of one key in one minute; 0 is no limit.
    pub per_minute: u32,
}

/// How the product words what its customers' programs meet most often; left out, Keydesk's own words. The body's fields
/// are the same for every product.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// 401 for a credential that is missing or does not work.
    pub unauthorized: Option<String>,
    /// 403 for a missing scope, which stands where `{scope}` is.
    pub missing_scope: Option<String>,
    /// 404.
    pub not_found: Option<String>,
    /// 429 for a key whose minute is spent, with the wait where `{seconds}` is.
    pub rate_limited: Option<String>,
}

/// What customers ask about keys, and the product's answer, on `/docs`.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub question: String,
    pub answer: String,
}

/// What a request to the product's own API takes: the gateway says method and path, this says the scope.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// `GET` answers for `HEAD` too.
    pub method: String,
    /// Whole segments; `{name}` stands for any one, `{inbox}` for the one that names the inbox, `{*rest}` for all that
    /// follow.
    pub path: String,
    /// Empty: any key that works.
    pub scope: String,
}

#[derive(Clone, Debug, Default)]
pub struct Preset {
    pub id: String,
    pub label: String,
    pub scopes: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub id: String,
    pub label: String,
    pub code: String,
}

/// The scope ids that Keydesk's own API asks for; the others belong to the product.
pub mod reserved {
    pub const KEYS_READ: &str = "keys:read";
    pub const KEYS_WRITE: &str = "keys:write";
    pub const INBOXES_READ: &str = "inboxes:read";
    pub const INBOXES_WRITE: &str = "inboxes:write";
}

impl Product {
    /// Reads a definition.
    ///
    /// # Errors
    /// If it has mistakes; the message names every one, with its line.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        Ok(Definition::parse("definition.toml", text)?.product)
    }

    /// # Errors
    /// As [`Product::parse`], or if the file cannot be read.
    pub fn load(file: Option<&Path>) -> Result<Self, Refused> {
        Ok(Definition::load(file)?.product)
    }

    /// Whether administrators do this to keys in the pages.
    pub fn offers(&self, act: KeyAct) -> bool {
        self.keys.in_page.contains(&act)
    }

    /// Whether programs do this to keys over the API.
    pub fn offers_over_api(&self, act: KeyAct) -> bool {
        self.keys.over_api.contains(&act)
    }

    /// Whether an account has one key, and only that.
    pub fn has_one_key(&self) -> bool {
        self.keys.limit == 1
    }

    pub fn reveals_again(&self) -> bool {
        self.keys.reveal == Reveal::Again
    }

    /// What a key needs to see resources: `<api_name>:read`, if the definition has it.
    pub fn sees_resources(&self) -> &str {
        self.own_scope("read").unwrap_or(reserved::INBOXES_READ)
    }

    /// What a key needs to create and delete resources: `<api_name>:write`, if the definition has it.
    pub fn changes_resources(&self) -> &str {
        self.own_scope("write").unwrap_or(reserved::INBOXES_WRITE)
    }

    fn own_scope(&self, action: &str) -> Option<&str> {
        let of_resource = |id: &str| id.split_once(':') == Some((self.words.api_name.as_str(), action));
        self.scopes.iter().map(|scope| scope.id.as_str()).find(|id| of_resource(id))
    }

    pub fn environment(&self, id: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.id == id)
    }

    pub fn scope(&self, id: &str) -> Option<&ScopeDefinition> {
        self.scopes.iter().find(|scope| scope.id == id)
    }

    pub fn offers_type(&self, key_type: &str) -> bool {
        self.keys.types.iter().any(|offered| offered == key_type)
    }

    /// What comes before the random part of a secret: `kd_live_`, or `mp_` where there are no environments.
    pub fn secret_prefix(&self, environment: &str) -> String {
        if environment.is_empty() {
            format!("{}_", self.keys.prefix)
        } else {
            format!("{}_{environment}_", self.keys.prefix)
        }
    }

    /// Every prefix that a secret of this product may start with.
    pub fn secret_prefixes(&self) -> Vec<String> {
        if self.environments.is_empty() {
            return vec![self.secret_prefix("")];
        }
        self.environments.iter().map(|environment| self.secret_prefix(&environment.id)).collect()
    }

    /// The scope ids of a preset: `*` for full, or every scope where nobody may hold that; every read scope for read; a
    /// definition's own otherwise.
    pub fn preset_scopes(&self, preset: &str) -> Option<Vec<String>> {
        match preset {
            "full" if self.keys.full_access => Some(vec!["*".into()]),
            "full" => Some(self.scopes.iter().map(|scope| scope.id.clone()).collect()),
            "read" => {
                let reads = self.scopes.iter().filter(|scope| scope.kind == ScopeKind::Read);
                Some(reads.map(|scope| scope.id.clone()).collect())
            }
            own => self.presets.iter().find(|preset| preset.id == own).map(|preset| preset.scopes.clone()),
        }
    }

    /// Where customers send requests, without a slash at its end.
    pub fn base_url<'a>(&'a self, public_url: &'a str) -> &'a str {
        let base_url = if self.api.base_url.is_empty() { public_url } else { &self.api.base_url };
        base_url.trim_end_matches('/')
    }

    /// A sample with its placeholders filled in.
    pub fn sample_code(&self, sample: &Sample, public_url: &str) -> String {
        sample
            .code
            .trim()
            .replace("{base_url}", self.base_url(public_url))
            .replace("{path}", &self.api.path)
            .replace("{resources}", &self.words.api_name)
            .replace("{env}", &self.brand.env_var)
    }
}

/// The hours of a grace choice, if it is one.
pub fn grace_hours(grace: &str) -> Option<u64> {
    match grace {
        "0" => Some(0),
        "1h" => Some(1),
        "24h" => Some(24),
        "7d" => Some(168),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_definition_is_sound() {
        let product = Product::parse(DEFAULT).expect("the built-in definition");
        assert_eq!(product.secret_prefixes(), ["kd_test_", "kd_live_"]);
        assert_eq!(product.preset_scopes("full"), Some(vec!["*".to_owned()]));
        assert_eq!(product.preset_scopes("send"), Some(vec!["mail:send".to_owned()]));
        assert_eq!(product.samples.len(), 7);
    }

    #[test]
    fn a_product_may_have_no_environments() {
        let mut product = Product::parse(DEFAULT).expect("the built-in definition");
        product.environments.clear();
        assert_eq!(product.secret_prefixes(), ["kd_"]);
    }
}
