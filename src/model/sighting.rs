//! Where a leaked secret was seen, and through whom that came to be known: as much of it as a record and a mail may hold.
//! A place is an address without query, fragment and password, so that no second secret comes in with the first.

use url::Url;

use super::text::masked;

/// Characters of a place that are worth keeping.
const LONGEST_PLACE: usize = 200;
/// Characters of a scanner's own word for where in a repository it looked.
const LONGEST_KIND: usize = 40;

/// How a report came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The page for everybody.
    Page,
    Api,
    GitHub,
    CommandLine,
}

/// Where a secret was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    channel: Channel,
    /// What a scanner calls the kind of place, such as `content` or `issue_body`.
    kind: String,
    /// An address; empty if none was given, or nothing that is one.
    place: String,
}

impl Sighting {
    pub fn new(channel: Channel, place: &str) -> Self {
        Self { channel, kind: String::new(), place: cleaned(place).unwrap_or_default() }
    }

    /// As the scanner says it; a word that is none is left out.
    pub fn of_kind(self, kind: &str) -> Self {
        let is_word = kind.len() <= LONGEST_KIND && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        Self { kind: if is_word { kind.replace('_', " ") } else { String::new() }, ..self }
    }

    /// `found at https://…, through the page for leaked keys`.
    pub fn in_words(&self) -> String {
        let channel = match self.channel {
            Channel::Page => "through the page for leaked keys",
            Channel::Api => "over the API",
            Channel::GitHub => "by GitHub secret scanning",
            Channel::CommandLine => "on the command line",
        };
        match (self.place.as_str(), self.kind.as_str()) {
            ("", "") => channel.to_owned(),
            ("", kind) => format!("{channel}, in {kind}"),
            (place, "") => format!("{channel}, found at {place}"),
            (place, kind) => format!("{channel}, found at {place} in {kind}"),
        }
    }
}

/// Scheme, host and path of an address of the web.
fn cleaned(place: &str) -> Option<String> {
    let url = Url::parse(place.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    // Both come out of the parser in ASCII, percent-encoded.
    let whole = format!("{}://{}{port}{}", url.scheme(), url.host_str()?, masked(url.path()));
    Some(whole.chars().take(LONGEST_PLACE).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(place: &str) -> String {
        Sighting::new(Channel::Api, place).in_words()
    }

    #[test]
    fn a_place_is_an_address_without_anything_that_could_be_secret() {
        let found = |place: &str| format!("over the API, found at {place}");
        assert_eq!(said("https://git.example/a/b/blob/main/.env"), found("https://git.example/a/b/blob/main/.env"));
        assert_eq!(
            said(" https://ana:hush@Git.Example:8443/a?token=t#kd_live_x "),
            found("https://git.example:8443/a")
        );
        let secret = format!("kd_live_{}", "x".repeat(49));
        assert_eq!(said(&format!("https://git.example/{secret}/a")), found("https://git.example/…/a"));
        assert_eq!(said(&format!("https://git.example/{}", "a/".repeat(500))).len(), found("").len() + LONGEST_PLACE);
        for none in
            ["", "on Slack", "javascript:alert(1)", "mailto:ana@halden.example", "file:///etc/passwd", "https://"]
        {
            assert_eq!(said(none), "over the API", "{none:?}");
        }
    }

    #[test]
    fn a_scanners_own_word_is_said_if_it_is_one() {
        let of_kind = |kind: &str| Sighting::new(Channel::GitHub, "").of_kind(kind).in_words();
        assert_eq!(of_kind("pull_request_title"), "by GitHub secret scanning, in pull request title");
        assert_eq!(of_kind("<b>Call 555-0100</b>"), "by GitHub secret scanning");
        assert_eq!(of_kind(&"x".repeat(41)), "by GitHub secret scanning");
        let both = Sighting::new(Channel::GitHub, "https://git.example/a").of_kind("content").in_words();
        assert_eq!(both, "by GitHub secret scanning, found at https://git.example/a in content");
    }
}
