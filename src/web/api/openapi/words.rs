//! The choices that are this product's: its scopes, environments, types and spans, in place of any text at all.

use serde_json::{Value, json};

use crate::model::api_key::Status;
use crate::model::name;
use crate::model::scopes::WILDCARD;
use crate::product::Product;

/// Characters that are white space to us and are cut off the ends of a name (Unicode's `White_Space`).
const WHITE_SPACE: &str = r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";

/// Gives every word its choices.
pub(super) fn fill_in(schemas: &mut Value, product: &Product) {
    let statuses = Status::ALL.map(|status| status.as_str().to_owned());
    for (word, choices) in [
        ("KeyType", product.keys.types.clone()),
        ("Status", statuses.into()),
        ("Scope", scopes(product)),
        ("Environment", environments(product)),
        ("Grace", product.rotation.grace.clone()),
    ] {
        // A product without rotation has no spans, and a choice of none is no schema.
        if !choices.is_empty() {
            schemas[word]["enum"] = json!(choices);
        }
    }
    schemas["Name"]["pattern"] = name_pattern().into();
}

/// The environments that a key may be of; one without a name in a product that has none.
pub(super) fn environments(product: &Product) -> Vec<String> {
    if product.environments.is_empty() {
        return vec![String::new()];
    }
    product.environments.iter().map(|environment| environment.id.clone()).collect()
}

fn scopes(product: &Product) -> Vec<String> {
    let own = product.scopes.iter().map(|scope| scope.id.clone());
    product.keys.full_access.then(|| WILDCARD.to_owned()).into_iter().chain(own).collect()
}

/// Something at both ends once the white space is cut off, nothing that a name may not hold, and 50 characters at most. The
/// white space does not count, so the length is not a keyword of its own.
fn name_pattern() -> String {
    let refused = refused();
    let edge = format!("[^{WHITE_SPACE}{refused}]");
    let between = format!("[^{refused}]{{0,{}}}", name::LONGEST - 2);
    format!("^[{WHITE_SPACE}]*{edge}({between}{edge})?[{WHITE_SPACE}]*$")
}

/// What no name may hold, as ranges of a pattern; all of it takes four digits.
fn refused() -> String {
    let all: Vec<u32> = ('\0'..='\u{ffff}').filter(|c| name::is_refused(*c)).map(u32::from).collect();
    let ranges = all.chunk_by(|one, next| one + 1 == *next).filter_map(|range| Some((range.first()?, range.last()?)));
    ranges.map(|(first, last)| format!(r"\u{first:04x}-\u{last:04x}")).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_names_what_names_may_not_hold() {
        let refused = refused();
        assert!(refused.starts_with(r"\u0000-\u001f\u007f-\u009f\u00ad-\u00ad"), "{refused}");
        assert!(
            ('\u{10000}'..='\u{10ffff}').all(|c| !name::is_refused(c)),
            "what takes more digits is written otherwise"
        );
    }
}
