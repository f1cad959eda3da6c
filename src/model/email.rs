//! Email addresses as far as a form can know them: one `@`, something on both sides, no space, no control character.
//! Whether anybody reads it is for a mailed link to prove.

/// The longest address that mail can carry (RFC 5321, 4.5.3.1).
const LONGEST: usize = 254;

/// The trimmed address, if it can be one.
pub fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'));
    let sane = !local.is_empty()
        && !local.contains('@')
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.');
    (plain && sane && text.len() <= LONGEST).then(|| text.to_owned())
}

/// A name to call somebody by before they have said one: `ana.reyes@…` → `Ana Reyes`.
pub fn name_from(email: &str) -> String {
    let local = email.split(['@', '+']).next().unwrap_or_default();
    let words = local.split(['.', '_', '-']).filter(|word| !word.is_empty());
    words.map(super::text::capitalised).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_sides_and_no_spaces() {
        assert_eq!(parse(" ana@halden.example ").as_deref(), Some("ana@halden.example"));
        for bad in [
            "",
            "ana",
            "@halden.example",
            "ana@",
            "a b@c.example",
            "a@b@c.example",
            "ana@.example",
            "ana\u{7}@b.example",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert_eq!(parse(&format!("{}@b.example", "a".repeat(250))), None);
    }

    #[test]
    fn a_name_is_read_off_the_address() {
        assert_eq!(name_from("ana.reyes+keys@halden.example"), "Ana Reyes");
    }
}
