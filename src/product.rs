//! The product definition: what this installation of Keydesk is the desk of. Words, prefix, environments, key types,
//! scopes, presets, expiry, rotation and code samples all come from one TOML file; nothing of it is in the code.
//! A definition that contradicts itself never starts.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

/// The definition that is built in.
pub const DEFAULT: &str = include_str!("../products/default.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    pub brand: Brand,
    pub api: Api,
    pub words: Words,
    pub keys: Keys,
    pub sign_up_key: Option<SignUpKey>,
    #[serde(default)]
    pub environments: Vec<Environment>,
    pub expiry: Expiry,
    pub rotation: Rotation,
    pub groups: Vec<Group>,
    pub scopes: Vec<ScopeDefinition>,
    #[serde(default)]
    pub presets: Vec<Preset>,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    pub name: String,
    pub env_var: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Empty: the public URL.
    pub base_url: String,
    /// Whether a session JWT is also an API credential.
    pub session_token: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub resource: String,
    pub resources: String,
    pub api_name: String,
    pub standard: String,
    pub restricted: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    pub prefix: String,
    pub types: Vec<String>,
    /// 0 is no limit.
    pub limit: i64,
    /// Whether the API may delete keys, or only the page.
    pub delete_over_api: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignUpKey {
    pub name: String,
    /// Empty in a product without environments.
    #[serde(default)]
    pub environment: String,
    pub preset: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    pub id: String,
    pub label: String,
    pub description: String,
    /// What it means in four words, beside the tag.
    pub summary: String,
    /// Nothing real happens in it: its tag is dashed, and its keys manage no others.
    #[serde(default)]
    pub rehearsal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpiryPolicy {
    None,
    Optional,
    Required,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expiry {
    pub policy: ExpiryPolicy,
    #[serde(default)]
    pub choices_days: Vec<u64>,
    #[serde(default)]
    pub default_days: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    pub grace: Vec<String>,
    pub default_grace: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub id: String,
    pub label: String,
    pub description: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeKind {
    Read,
    Write,
    Action,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeDefinition {
    pub id: String,
    pub kind: ScopeKind,
    pub group: String,
    pub description: String,
    /// Whether a key bound to one resource may hold it.
    #[serde(default)]
    pub restricted: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    pub id: String,
    pub label: String,
    pub scopes: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    pub id: String,
    pub label: String,
    pub code: String,
}

/// Why a definition was refused: every mistake, a line each.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

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
    /// If it is not TOML, has an unknown field, or contradicts itself; the message names every mistake.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let product: Self = toml::from_str(text).map_err(|error| Refused(error.to_string()))?;
        let mistakes = product.mistakes();
        if mistakes.is_empty() { Ok(product) } else { Err(Refused(mistakes.join("\n"))) }
    }

    /// # Errors
    /// As [`Product::parse`], or if the file cannot be read.
    pub fn load(file: Option<&Path>) -> Result<Self, Refused> {
        let Some(file) = file else { return Self::parse(DEFAULT) };
        let text = std::fs::read_to_string(file)
            .map_err(|error| Refused(format!("Cannot read the product definition {}: {error}", file.display())))?;
        Self::parse(&text).map_err(|Refused(why)| Refused(format!("{}:\n{why}", file.display())))
    }

    fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !plain(&self.keys.prefix) {
            found.push(format!("keys.prefix is {:?}; use lowercase letters and digits.", self.keys.prefix));
        }
        for environment in &self.environments {
            if !plain(&environment.id) {
                found.push(format!("Environment {:?}: use lowercase letters and digits.", environment.id));
            }
        }
        for key_type in &self.keys.types {
            if !matches!(key_type.as_str(), "standard" | "restricted") {
                found.push(format!("keys.types has {key_type:?}; known are standard and restricted."));
            }
        }
        if self.keys.types.is_empty() {
            found.push("keys.types is empty; name standard, restricted or both.".into());
        }
        self.scope_mistakes(&mut found);
        self.policy_mistakes(&mut found);
        found
    }

    fn scope_mistakes(&self, found: &mut Vec<String>) {
        if self.scopes.is_empty() {
            found.push("There are no scopes; a key could do nothing.".into());
        }
        let mut seen = BTreeSet::new();
        for scope in &self.scopes {
            if !seen.insert(&scope.id) {
                found.push(format!("Scope {:?} is defined twice.", scope.id));
            }
            if !self.groups.iter().any(|group| group.id == scope.group) {
                found.push(format!("Scope {:?} is in group {:?}, which is not defined.", scope.id, scope.group));
            }
        }
        for preset in &self.presets {
            if matches!(preset.id.as_str(), "full" | "read" | "custom") {
                found.push(format!("Preset {:?} always exists; choose another id.", preset.id));
            }
            for scope in preset.scopes.iter().filter(|scope| !seen.contains(scope)) {
                found.push(format!("Preset {:?} names the scope {scope:?}, which is not defined.", preset.id));
            }
        }
    }

    fn policy_mistakes(&self, found: &mut Vec<String>) {
        if let Some(key) = &self.sign_up_key {
            if self.environment(&key.environment).is_none()
                && !(self.environments.is_empty() && key.environment.is_empty())
            {
                found.push(format!("sign_up_key.environment {:?} is not defined.", key.environment));
            }
            if key.preset != "full"
                && key.preset != "read"
                && !self.presets.iter().any(|preset| preset.id == key.preset)
            {
                found.push(format!("sign_up_key.preset {:?} is not defined.", key.preset));
            }
        }
        for grace in self.rotation.grace.iter().chain([&self.rotation.default_grace]) {
            if grace_hours(grace).is_none() {
                found.push(format!("rotation has the grace {grace:?}; known are 0, 1h, 24h and 7d."));
            }
        }
        if !self.rotation.grace.contains(&self.rotation.default_grace) {
            found.push("rotation.default_grace is not one of rotation.grace.".into());
        }
        if self.expiry.policy == ExpiryPolicy::None && !self.expiry.choices_days.is_empty() {
            found.push("expiry.policy is none, yet expiry.choices_days offers some.".into());
        }
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

    /// The scope ids of a preset: `*` for full, every read scope for read, a definition's own otherwise.
    pub fn preset_scopes(&self, preset: &str) -> Option<Vec<String>> {
        match preset {
            "full" => Some(vec!["*".into()]),
            "read" => {
                let reads = self.scopes.iter().filter(|scope| scope.kind == ScopeKind::Read);
                Some(reads.map(|scope| scope.id.clone()).collect())
            }
            own => self.presets.iter().find(|preset| preset.id == own).map(|preset| preset.scopes.clone()),
        }
    }

    /// A sample with its placeholders filled in.
    pub fn sample_code(&self, sample: &Sample, public_url: &str) -> String {
        let base_url = if self.api.base_url.is_empty() { public_url } else { &self.api.base_url };
        sample
            .code
            .trim()
            .replace("{base_url}", base_url.trim_end_matches('/'))
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
    fn every_mistake_is_named_at_once() {
        let broken = DEFAULT
            .replace("prefix = \"kd\"", "prefix = \"K D\"")
            .replace("scopes = [\"mail:send\"]", "scopes = [\"mail:sned\"]")
            .replace("default_grace = \"24h\"", "default_grace = \"2h\"");
        let Refused(why) = Product::parse(&broken).expect_err("a broken definition");
        assert!(why.contains("K D") && why.contains("mail:sned") && why.contains("2h"), "{why}");
    }

    #[test]
    fn an_unknown_field_is_an_error_with_its_line() {
        let Refused(why) =
            Product::parse(&DEFAULT.replace("[words]", "[words]\ncolour = 1")).expect_err("an unknown field");
        assert!(why.contains("colour") && why.contains("line"), "{why}");
    }

    #[test]
    fn a_product_may_have_no_environments() {
        let mut product = Product::parse(DEFAULT).expect("the built-in definition");
        product.environments.clear();
        assert_eq!(product.secret_prefixes(), ["kd_"]);
    }
}
