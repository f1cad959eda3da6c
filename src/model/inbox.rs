//! Inboxes: the resource that a restricted key is bound to. The definition may call it something else.

use crate::clock::Timestamp;

use super::text::fold;

const LONGEST_NAME: usize = 50;

#[derive(Clone, Debug)]
pub struct Inbox {
    pub id: String,
    pub account_id: String,
    pub name: String,
    pub address: String,
    pub created_at: Timestamp,
}

/// What is wrong with `name`, in a sentence for the form, if anything is.
pub fn name_objection(name: &str) -> Option<String> {
    let length = name.chars().count();
    if name.is_empty() {
        Some("Enter a name.".into())
    } else if length > LONGEST_NAME {
        Some(format!("Use {LONGEST_NAME} characters or fewer. This name has {length}."))
    } else if name.chars().any(char::is_control) {
        Some("Use letters, digits, spaces and punctuation only.".into())
    } else {
        None
    }
}

/// The local part of an inbox's address: its name in plain letters with a random tail, so that two never meet.
pub fn local_part(name: &str, tail: &str) -> String {
    let plain: String = fold(name).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain = plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let plain: String = plain.chars().take(24).collect();
    if plain.is_empty() { tail.to_lowercase() } else { format!("{}-{}", plain.trim_matches('-'), tail.to_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_made_of_the_name() {
        assert_eq!(local_part("Orders & Returns", "4Tq9"), "orders-returns-4tq9");
        assert_eq!(local_part("注文", "4Tq9"), "4tq9");
    }

    #[test]
    fn a_name_has_one_to_fifty_characters() {
        assert_eq!(name_objection("Orders"), None);
        assert!(name_objection("").is_some());
        assert!(name_objection(&"x".repeat(51)).is_some_and(|why| why.contains("This name has 51.")));
        assert!(name_objection("a\u{0}b").is_some());
    }
}
