//! What a password must be: 12 to 256 characters, not guessable, not made of the product's own words (ASVS 5.0, 6.2).
//! No composition rule, no trimming, no truncation. Estimating takes milliseconds: call it where hashing is called.

pub const SHORTEST: usize = 12;
pub const LONGEST: usize = 256;
/// Characters whose strength is estimated.
const ESTIMATED: usize = 40;

/// What is wrong with `password`, in a sentence, if anything is. `known` are words its owner would think of first:
/// their address, their organisation, the product.
pub fn objection(password: &str, known: &[&str]) -> Option<String> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Some(format!("Use {SHORTEST} characters or more. This password has {length}."));
    }
    if length > LONGEST {
        return Some(format!("Use {LONGEST} characters or fewer. This password has {length}."));
    }
    let words: Vec<&str> = known
        .iter()
        .flat_map(|text| text.split(['@', '.', ' ', '-', '_']).chain([*text]))
        .filter(|word| word.len() > 2)
        .collect();
    // Beyond these nothing gets weaker, and estimating takes longer than linear.
    let head: String = password.chars().take(ESTIMATED).collect();
    let weak = zxcvbn::zxcvbn(&head, &words).score() < zxcvbn::Score::Three;
    weak.then(|| {
        "This password is easy to guess. Use a few unrelated words, or let your password manager make one.".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_and_guessable_passwords_are_refused_with_the_reason() {
        assert!(objection("short", &[]).is_some_and(|why| why.contains("This password has 5.")));
        assert!(objection(&"x9".repeat(129), &[]).is_some_and(|why| why.contains("256 characters or fewer")));
        assert!(objection("passwordpassword", &[]).is_some_and(|why| why.contains("easy to guess")));
        assert_eq!(objection("velvet kest", &[]).as_deref(), Some("Use 12 characters or more. This password has 11."));
        assert_eq!(objection("velvet kestr", &[]), None, "twelve are enough");
        assert!(objection("haldenfreight", &["Halden Freight"]).is_some());
    }

    #[test]
    fn a_passphrase_in_any_script_is_welcome() {
        assert_eq!(objection("copper lantern orbit", &["ana@halden.example"]), None);
        assert_eq!(objection("пароль из шести слов", &[]), None);
    }

    #[test]
    fn a_long_one_is_welcome() {
        let words = "copper lantern orbit velvet harbour kestrel ".repeat(6);
        for length in [64, 128, 256] {
            assert_eq!(objection(&words[..length], &[]), None, "{length}");
        }
    }
}
