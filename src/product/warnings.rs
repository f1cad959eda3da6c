//! What is odd about a sound definition: nothing that stops a start, all of it worth a look.

use super::mistakes::{Found, Mistake};
use super::{KeyAct, Product};

impl Product {
    pub(super) fn warnings(&self) -> Vec<Mistake> {
        let mut found = Found::default();
        for (index, group) in self.groups.iter().enumerate() {
            if !self.scopes.iter().any(|scope| scope.group == group.id) {
                let says = format!("The group {:?} has no scopes", group.id);
                found.add(format!("groups[{index}]"), says, "Nobody will see it. Give it a scope, or leave it out.");
            }
        }
        let rotates = self.offers(KeyAct::Rotate) || self.offers_over_api(KeyAct::Rotate);
        if self.rotation.recommended_days > 0 && !rotates {
            let says = "Rotation is recommended, yet nobody rotates a key";
            found.add(
                "rotation.recommended_days",
                says,
                "Leave it out, or put rotate into keys.in_page or keys.over_api.",
            );
        }
        for (index, route) in self.routes.iter().enumerate() {
            if !route.scope.is_empty() && !self.could_hold(&route.scope) {
                let says = format!("No key could take the route {} {}", route.method, route.path);
                let allowed = format!("Only restricted keys are offered, and {} is for none of them.", route.scope);
                found.add(format!("routes[{index}].scope"), says, allowed);
            }
        }
        found.into_vec()
    }

    /// Whether a key that can be made now could hold the scope.
    fn could_hold(&self, scope: &str) -> bool {
        self.offers_type("standard") || self.scope(scope).is_some_and(|scope| scope.restricted)
    }

    /// Prefixes that begin with one of `others`, or that one of those begins with. Each comes with whose it is.
    pub(super) fn entangled_prefixes(&self, others: &[(String, String)]) -> Vec<Mistake> {
        let mut found = Found::default();
        for own in self.secret_prefixes() {
            for (other, whose) in others {
                if own.starts_with(other.as_str()) || other.starts_with(&own) {
                    let allowed = "Who looks for leaked secrets by the shorter one finds both. Choose prefixes that do not \
                                   begin alike.";
                    found.add("keys.prefix", format!("Secrets begin with {own}, and with {other} {whose}"), allowed);
                }
            }
        }
        found.into_vec()
    }
}
