//! Names that people give: of keys, inboxes and accounts.

/// Characters in the name of a key or an inbox.
pub const LONGEST: usize = 50;

/// What is wrong with a trimmed `name` of at most `longest` characters, in a sentence for the form, if anything is.
pub fn objection(name: &str, longest: usize) -> Option<String> {
    let length = name.chars().count();
    if name.is_empty() {
        Some("Enter a name.".into())
    } else if length > longest {
        Some(format!("Use {longest} characters or fewer. This name has {length}."))
    } else if name.chars().any(char::is_control) {
        Some("Use letters, digits, spaces and punctuation only.".into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_to_fifty_characters_that_can_be_seen() {
        assert_eq!(objection("Orders", LONGEST), None);
        assert_eq!(objection(&"ж".repeat(50), LONGEST), None);
        assert!(objection("", LONGEST).is_some());
        assert!(objection(&"x".repeat(51), LONGEST).is_some_and(|why| why.contains("This name has 51.")));
        assert!(objection("a\u{0}b", LONGEST).is_some());
    }
}
