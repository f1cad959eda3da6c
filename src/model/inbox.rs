//! Inboxes: the resource that a restricted key is bound to. The definition may call it something else.

use crate::clock::Timestamp;

use super::text::fold;

#[derive(Clone, Debug)]
pub struct Inbox {
    pub id: String,
    pub account_id: String,
    pub name: String,
    pub address: String,
    pub created_at: Timestamp,
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
}
