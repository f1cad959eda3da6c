//! What is wrong with a definition that is well-formed TOML: every contradiction, in a sentence each.

use std::collections::BTreeSet;

use super::routes::Routes;
use super::{ExpiryPolicy, Product, Route, grace_hours};

impl Product {
    pub(super) fn mistakes(&self) -> Vec<String> {
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
        if OWN_PATHS.contains(&self.words.api_name.as_str()) || !is_segment(&self.words.api_name) {
            let name = &self.words.api_name;
            let taken = OWN_PATHS.join(", ");
            found.push(format!(
                "words.api_name is {name:?}; use lowercase letters, digits, _ and -, and none of {taken}."
            ));
        }
        self.scope_mistakes(&mut found);
        self.route_mistakes(&mut found);
        self.policy_mistakes(&mut found);
        found
    }

    fn scope_mistakes(&self, found: &mut Vec<String>) {
        if self.scopes.is_empty() {
            found.push("There are no scopes; a key could do nothing.".into());
        }
        let mut seen = BTreeSet::new();
        for scope in &self.scopes {
            if !is_scope(&scope.id) {
                found.push(format!(
                    "Scope {:?}: write it resource:action, in lowercase letters, digits, _ and -.",
                    scope.id
                ));
            }
            if !seen.insert(&scope.id) {
                found.push(format!("Scope {:?} is defined twice.", scope.id));
            }
            if !self.groups.iter().any(|group| group.id == scope.group) {
                found.push(format!("Scope {:?} is in group {:?}, which is not defined.", scope.id, scope.group));
            }
        }
        for scope in &self.scopes {
            for implied in scope.implies.iter().filter(|implied| !seen.contains(implied)) {
                found.push(format!("Scope {:?} implies {implied:?}, which is not defined.", scope.id));
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

    fn route_mistakes(&self, found: &mut Vec<String>) {
        for route in self.routes.iter().filter(|route| !route.scope.is_empty() && self.scope(&route.scope).is_none()) {
            let Route { method, path, scope } = route;
            found.push(format!("The route {method} {path} takes the scope {scope:?}, which is not defined."));
        }
        if let Err(unfit) = Routes::compile(&self.routes) {
            found.extend(unfit);
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
}

/// What `/v1` calls its own.
const OWN_PATHS: [&str; 4] = ["key", "keys", "usage", "audit-events"];

fn is_segment(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    !part.is_empty() && part.bytes().all(plain)
}

/// `resource:action`, in characters that a header, a form and a stored line can all hold.
fn is_scope(id: &str) -> bool {
    id.split_once(':').is_some_and(|(resource, action)| is_segment(resource) && is_segment(action))
}
