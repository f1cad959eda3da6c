//! Names that people give: of keys, inboxes and accounts.

use std::borrow::Cow;

/// Characters in the name of a key or an inbox.
pub const LONGEST: usize = 50;

/// FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE (UAX #9, section 2.3): what stands between them runs its own way, and
/// what stands around them does not heed it.
const APART: [char; 2] = ['\u{2068}', '\u{2069}'];

/// What is wrong with a trimmed `name` of at most `longest` characters, in a sentence for the form, if anything is.
pub fn objection(name: &str, longest: usize) -> Option<String> {
    let length = name.chars().count();
    if name.is_empty() {
        Some("Enter a name.".into())
    } else if length > longest {
        Some(format!("Use {longest} characters or fewer. This name has {length}."))
    } else if name.chars().any(is_refused) || name.chars().all(is_unseen) {
        Some("Use letters, digits, spaces and punctuation only.".into())
    } else {
        None
    }
}

/// Whether no name may hold it.
pub fn is_refused(c: char) -> bool {
    c.is_control() || is_deceptive(c)
}

/// Characters that nobody sees, or that turn around what stands beside them. The joiners of Persian, Hindi and emoji are not
/// among them, nor the marks that order a text of two directions.
fn is_deceptive(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
    )
}

/// What is seen only beside something else: joiners, marks of direction, and selectors and tags of emoji.
fn is_unseen(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{61c}' | '\u{200c}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}')
}

/// The name as it stands in a sentence that is plain text. One that runs from right to left stands apart, or it would take
/// the digits and brackets beside it along, and at the beginning turn the whole line around; any other is as it is. Only for
/// what people read: programs, files and the record have the name itself.
pub fn isolated(name: &str) -> Cow<'_, str> {
    if name.chars().any(runs_leftwards) {
        let [begin, end] = APART;
        Cow::Owned(format!("{begin}{name}{end}"))
    } else {
        Cow::Borrowed(name)
    }
}

/// The blocks of Hebrew, Arabic and the other scripts that run from right to left, with their digits; and the mark that
/// does nothing else.
fn runs_leftwards(c: char) -> bool {
    matches!(
        c,
        '\u{590}'..='\u{8ff}' | '\u{200f}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}

/// Whether somebody typed `name`, as they read it: a browser shows white space in a row as one, and whoever copies a name
/// out of a sentence may copy along what holds it apart there.
pub fn is_typed(typed: &str, name: &str) -> bool {
    let [typed, name] = [typed, name].map(|text| text.replace(APART, ""));
    typed.split_whitespace().eq(name.split_whitespace())
}

/// The name of what comes after `name`: `billing-2` after `billing`, `My key 3` after `My key 2`.
pub fn successor(name: &str) -> String {
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (stem, number) = name.split_at(name.len() - digits);
    let counted = stem.ends_with(['-', ' ']) && digits <= 3;
    let (stem, number) = match number.parse::<u32>() {
        Ok(number) if counted => (stem.trim_end_matches(['-', ' ']), number + 1),
        _ => (name, 2),
    };
    let end = if stem.contains(' ') { format!(" {number}") } else { format!("-{number}") };
    let stem: String = stem.chars().take(LONGEST - end.len()).collect();
    format!("{}{end}", stem.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_counted_and_fits() {
        for (name, next) in
            [("billing", "billing-2"), ("billing-2", "billing-3"), ("My key", "My key 2"), ("My key 9", "My key 10")]
        {
            assert_eq!(successor(name), next);
        }
        assert_eq!(successor("data-export-2025"), "data-export-2025-2");
        assert_eq!(successor(&"ж".repeat(50)), format!("{}-2", "ж".repeat(48)));
        assert_eq!(objection(&successor(&"x".repeat(50)), LONGEST), None);
    }

    #[test]
    fn a_name_has_one_to_fifty_characters_that_can_be_seen() {
        assert_eq!(objection("Orders", LONGEST), None);
        assert_eq!(objection(&"ж".repeat(50), LONGEST), None);
        assert!(objection("", LONGEST).is_some());
        assert!(objection(&"x".repeat(51), LONGEST).is_some_and(|why| why.contains("This name has 51.")));
        assert!(objection("a\u{0}b", LONGEST).is_some());
    }

    #[test]
    fn a_name_turns_nothing_around_and_is_not_invisible() {
        for name in [
            "live\u{202e}tset",
            "\u{200b}",
            "a\u{2066}b",
            "\u{feff}x",
            "a\u{2028}b",
            "a\u{ad}b",
            "\u{3164}",
            "\u{200d}\u{200f}",
        ] {
            assert!(objection(name, LONGEST).is_some(), "{name:?}");
        }
        for name in ["می\u{200c}خواهم", "👩\u{200d}🚀 crew", "مفتاح v2\u{200f}"] {
            assert_eq!(objection(name, LONGEST), None, "{name:?}");
        }
    }

    #[test]
    fn a_name_is_typed_as_it_is_read() {
        assert!(is_typed(" night  worker ", "night worker") && is_typed("night worker", "night  worker"));
        assert!(!is_typed("nightworker", "night worker") && !is_typed("Night worker", "night worker"));
        assert!(!is_typed("", "night worker"));
        assert!(is_typed(&isolated("مفتاح 2"), "مفتاح 2") && !is_typed(&isolated("مفتاح 2"), "مفتاح 3"));
    }

    #[test]
    fn a_name_that_runs_from_right_to_left_stands_apart_and_no_other_does() {
        for name in ["", "billing (eu) 2", "Straße", "заказы", "請求書", "👩\u{200d}🚀 crew"] {
            assert!(matches!(isolated(name), Cow::Borrowed(same) if same == name), "{name:?}");
        }
        let scripts = ["מפתח", "مفتاح 2", "\u{710}", "\u{780}", "\u{7ca}", "\u{8a0}", "\u{10900}", "\u{1e900}"];
        let forms = ["\u{fb1d}", "\u{fdf2}", "\u{fe8d}"];
        let mixed = ["billing مفتاح", "billing \u{661}", "billing\u{200f}"];
        for name in scripts.into_iter().chain(forms).chain(mixed) {
            assert_eq!(isolated(name), format!("\u{2068}{name}\u{2069}"), "{name:?}");
        }
    }
}
