//! Text that people meet: folded forms for comparing, dates, durations, counts. Dates are always UTC and unambiguous.

use std::time::Duration;

use time::macros::format_description;

use crate::clock::{Timestamp, days};

/// The form that names are compared and searched in: lowercase by Unicode, inner white space single.
pub fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// `21 Nov 2026`.
pub fn date(at: Timestamp) -> String {
    let description = format_description!("[day padding:none] [month repr:short] [year]");
    at.date_time().format(description).unwrap_or_default()
}

/// `14:05`.
pub fn time_of_day(at: Timestamp) -> String {
    at.date_time().format(format_description!("[hour]:[minute]")).unwrap_or_default()
}

/// `21 Nov 2026, 14:05 UTC`.
pub fn date_time(at: Timestamp) -> String {
    format!("{}, {} UTC", date(at), time_of_day(at))
}

/// `21 Nov 2026, 14:05:31 UTC`.
pub fn exact(at: Timestamp) -> String {
    let seconds = at.date_time().format(format_description!("[hour]:[minute]:[second]")).unwrap_or_default();
    format!("{}, {seconds} UTC", date(at))
}

/// Relative up to yesterday, then the date.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let passed = now.since(at).as_secs();
    match passed {
        0..60 => "Just now".into(),
        60..3600 => format!("{} min ago", passed / 60),
        3600..7200 => "1 hour ago".into(),
        7200..86_400 => format!("{} hours ago", passed / 3600),
        _ if is_yesterday(at, now) => "Yesterday".into(),
        _ => date(at),
    }
}

/// In a sentence: `2 minutes ago`, `yesterday`, `on 3 Sep 2026`.
pub fn ago_in_words(at: Timestamp, now: Timestamp) -> String {
    let passed = now.since(at).as_secs();
    match passed {
        0..60 => "less than a minute ago".into(),
        60..3600 => format!("{} ago", count(passed / 60, "minute", "minutes")),
        3600..86_400 => format!("{} ago", count(passed / 3600, "hour", "hours")),
        _ if is_yesterday(at, now) => "yesterday".into(),
        _ => format!("on {}", date(at)),
    }
}

/// Whether no midnight but the last lies between them.
fn is_yesterday(at: Timestamp, now: Timestamp) -> bool {
    at.date_time().date().next_day() == Some(now.date_time().date())
}

/// `in 11 days`, `in 3 hours`, rounded to the nearest.
pub fn until(at: Timestamp, now: Timestamp) -> String {
    let left = at.since(now);
    if left >= days(2) {
        format!("in {}", count((left.as_secs() + 43_200) / 86_400, "day", "days"))
    } else if left >= Duration::from_secs(3600) {
        format!("in {}", count((left.as_secs() + 1800) / 3600, "hour", "hours"))
    } else if left >= Duration::from_secs(30) {
        format!("in {}", count((left.as_secs() + 30) / 60, "minute", "minutes"))
    } else {
        "in less than a minute".into()
    }
}

/// `1 key`, `2,310 keys`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// `184,209`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `a, b and c`; of more than `most`, `a, b, c and 97 more`. `all` is how many there are, if not all of them are in `items`.
pub fn some(items: &[String], most: usize, all: usize) -> String {
    let all = all.max(items.len());
    if all <= most {
        return list(items);
    }
    let shown = &items[..most.min(items.len())];
    format!("{} and {} more", shown.join(", "), thousands((all - shown.len()) as u64))
}

/// `an inbox`, `a mailbox`.
pub fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// The first letter in upper case: `inbox` → `Inbox`.
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Up to two initials: `Ana Reyes` → `AR`.
pub fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// The path as logs and tables may hold it: a path that somebody pasted a secret or a token into loses it.
pub fn masked(path: &str) -> String {
    let long = |part: &str| part.len() > 40 || part.starts_with("eyJ");
    path.split('/').map(|part| if long(part) { "…" } else { part }).collect::<Vec<_>>().join("/")
}

/// What a client says of itself, as tables may hold it: without the words that could be a secret or a token.
pub fn without_secrets(text: &str) -> String {
    let ends_word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let plain = |part: &str| {
        let (word, end) = part.split_at(part.find(ends_word).unwrap_or(part.len()));
        if word.len() > 40 || word.starts_with("eyJ") { format!("…{end}") } else { part.to_owned() }
    };
    text.split_inclusive(ends_word).map(plain).collect()
}

/// No id is as long as a secret: one that was pasted for an id does not reach the database, nor the log of its
/// statements.
pub fn can_be_id(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::hours;

    const NOW: Timestamp = Timestamp::from_micros(1_795_269_900_000_000);

    #[test]
    fn dates_say_day_month_year_and_utc() {
        assert_eq!(date_time(NOW), "21 Nov 2026, 14:05 UTC");
        assert_eq!(exact(NOW), "21 Nov 2026, 14:05:00 UTC");
        assert_eq!(date(NOW - days(20)), "1 Nov 2026");
    }

    #[test]
    fn time_passed_reads_as_people_say_it() {
        let since = |seconds| NOW - Duration::from_secs(seconds);
        for (seconds, short, in_words) in [
            (59, "Just now", "less than a minute ago"),
            (60, "1 min ago", "1 minute ago"),
            (3_599, "59 min ago", "59 minutes ago"),
            (3_600, "1 hour ago", "1 hour ago"),
            (7_199, "1 hour ago", "1 hour ago"),
            (7_200, "2 hours ago", "2 hours ago"),
            (86_399, "23 hours ago", "23 hours ago"),
            (86_400, "Yesterday", "yesterday"),
            (40 * 3_600, "19 Nov 2026", "on 19 Nov 2026"),
        ] {
            assert_eq!(
                (ago(since(seconds), NOW).as_str(), ago_in_words(since(seconds), NOW).as_str()),
                (short, in_words)
            );
        }
        assert_eq!(ago(NOW - hours(30), NOW), "Yesterday");
        assert_eq!(ago(NOW - hours(38), NOW), "Yesterday");
        assert_eq!(ago(NOW - hours(39), NOW), "19 Nov 2026");
        assert_eq!(ago(NOW - days(94), NOW), "19 Aug 2026");
        assert_eq!(until(NOW + days(11), NOW), "in 11 days");
        assert_eq!(until(NOW + hours(3), NOW), "in 3 hours");
        assert_eq!(until(NOW + Duration::from_secs(30), NOW), "in 1 minute");
        assert_eq!(until(NOW + Duration::from_secs(29), NOW), "in less than a minute");
        assert_eq!(until(NOW + hours(24), NOW), "in 24 hours");
        assert_eq!(until(NOW + hours(24), NOW + Duration::from_secs(1)), "in 24 hours");
        assert_eq!(until(NOW + days(2), NOW), "in 2 days");
    }

    #[test]
    fn numbers_names_and_lists_read_well() {
        assert_eq!(thousands(184_209), "184,209");
        assert_eq!(thousands(12), "12");
        assert_eq!(count(1, "key", "keys"), "1 key");
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&items), "a, b and c");
        assert_eq!([some(&items, 3, 3), some(&items, 2, 3)], ["a, b and c", "a, b and 1 more"]);
        assert_eq!([some(&items, 3, 1203), some(&[], 3, 0)], ["a, b, c and 1,200 more", ""]);
        assert_eq!(initials("Ana María Reyes"), "AR");
        assert_eq!(initials("ana@halden.example"), "AE");
        assert_eq!(fold("  Straße  EINS "), "straße eins");
    }

    #[test]
    fn a_secret_in_a_path_is_not_logged() {
        assert_eq!(masked("/settings/api-keys/key_abc"), "/settings/api-keys/key_abc");
        assert_eq!(masked(&format!("/v1/kd_live_{}", "x".repeat(49))), "/v1/…");
        assert_eq!(masked("/x/eyJhbGciOi"), "/x/…");
    }

    #[test]
    fn forty_characters_may_be_an_id_and_more_may_be_a_secret() {
        let [id, secret] = [40, 41].map(|length| "x".repeat(length));
        assert_eq!([masked(&id), masked(&secret)], [id.as_str(), "…"]);
        assert_eq!([without_secrets(&id), without_secrets(&secret)], [id.as_str(), "…"]);
        assert!(can_be_id(&id) && can_be_id("key_1") && !can_be_id(&secret) && !can_be_id("key-1"));
    }

    #[test]
    fn a_secret_among_a_clients_words_is_left_out() {
        let browser =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
        assert_eq!(without_secrets(browser), browser);
        let key = format!("kd_live_{}", "a1".repeat(24));
        assert_eq!(without_secrets(&format!("acme/1.0 (key={key}; é)")), "acme/1.0 (key=…; é)");
        assert_eq!(without_secrets(&format!("{key},eyJhbGciOi.eyJzdWIi.{key}")), "…,….….…");
    }
}
