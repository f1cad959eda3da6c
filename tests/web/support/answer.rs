//! What somebody is told: status, headers, and the page or JSON as they perceive it.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::{LOCATION, SET_COOKIE};
use serde_json::Value;

use super::html::{self, Tag};
use crate::audit;

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The value of a header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a plain header"))
    }

    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    #[track_caller]
    pub fn redirects_to(&self, path: &str) {
        assert_eq!((self.status, self.location()), (303, path), "{}", self.text());
    }

    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().expect("a plain cookie")).collect()
    }

    pub fn html(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// What the page reads as: tags gone, entities decoded, white space single.
    pub fn text(&self) -> String {
        html::text(self.html())
    }

    #[track_caller]
    pub fn says(&self, sentence: &str) {
        assert!(self.text().contains(sentence), "no {sentence:?} in {} {}", self.status, self.text());
    }

    #[track_caller]
    pub fn says_nothing_of(&self, part: &str) {
        assert!(!self.html().contains(part) && !self.text().contains(part), "{part:?} stands in {}", self.text());
    }

    #[track_caller]
    pub fn has_heading(&self, heading: &str) {
        let found: Vec<_> = ["h1", "h2", "h3"].into_iter().flat_map(|level| self.all(level)).collect();
        assert!(found.iter().any(|text| text == heading), "no heading {heading:?} among {found:?}");
    }

    /// The sentence beside a field that says what is wrong with it.
    pub fn field_error(&self, name: &str) -> Option<String> {
        let id = format!("{name}-error");
        self.tags().into_iter().find(|tag| tag.get("id") == Some(&id)).map(|tag| tag.text())
    }

    /// Every mistake that the summary above the form lists.
    pub fn problems(&self) -> Vec<String> {
        let Some((_, summary)) = self.html().split_once("class=\"error-summary\"") else { return Vec::new() };
        let summary = summary.split_once("</div>").map_or(summary, |(summary, _)| summary);
        html::tags(summary).into_iter().filter(|tag| tag.name == "a").map(|tag| tag.text()).collect()
    }

    /// The sentence that is said once.
    pub fn flash(&self) -> Option<String> {
        let found = self.tags().into_iter().find(|tag| tag.name == "div" && tag.get("role") == Some("status"));
        found.map(|tag| tag.text())
    }

    /// What stands in a field of the page's form.
    pub fn value_of(&self, field: &str) -> String {
        let fields = self.tags().into_iter().filter(|tag| tag.get("name") == Some(field));
        let mut values = fields.filter_map(|tag| match (tag.name, tag.get("type")) {
            ("textarea", _) => Some(tag.text()),
            ("input", Some("radio" | "checkbox")) => tag.get("checked").and(tag.get("value")).map(html::decode),
            ("input", _) => Some(tag.get("value").map(html::decode).unwrap_or_default()),
            _ => None,
        });
        values.next().unwrap_or_default()
    }

    /// Which choices of a field are made.
    pub fn chosen(&self, field: &str) -> Vec<String> {
        let fields =
            self.tags().into_iter().filter(|tag| tag.get("name") == Some(field) && tag.get("checked").is_some());
        fields.filter_map(|tag| tag.get("value").map(html::decode)).collect()
    }

    /// Where the page's links lead.
    pub fn hrefs(&self) -> Vec<String> {
        let links = self.tags().into_iter().filter(|tag| tag.name == "a");
        links.filter_map(|tag| tag.get("href").map(html::decode)).collect()
    }

    /// Where the link of these words leads.
    pub fn link(&self, words: &str) -> Option<String> {
        let links = self.tags().into_iter().filter(|tag| tag.name == "a");
        let mut named = links.filter(|tag| tag.text() == words);
        named.find_map(|tag| tag.get("href").map(html::decode))
    }

    /// Text of the first element of each row of the page's table: whatever the row is about.
    pub fn rows(&self) -> Vec<String> {
        let headers = self.tags().into_iter().filter(|tag| tag.get("role") == Some("rowheader"));
        headers.map(|tag| html::text(tag.inner.split("<small").next().unwrap_or_default())).collect()
    }

    /// The `code` in the row of this name.
    pub fn id_beside(&self, name: &str) -> String {
        let rows = self.tags().into_iter().filter(|tag| tag.name == "tr");
        let mut of_name = rows.filter(|row| row.text().starts_with(name));
        let row = of_name.next().unwrap_or_else(|| panic!("no row of {name} in {}", self.text()));
        html::tags(row.inner).into_iter().find(|tag| tag.name == "code").expect("an id").text()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    /// The JSON with what differs between two runs made plain, for snapshots.
    pub fn plain_json(&self) -> String {
        let mut json = self.json();
        plain(&mut json);
        serde_json::to_string_pretty(&json).expect("JSON")
    }

    /// Whatever in the body has the shape of a key's secret, each once.
    pub fn secrets(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.body);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let secrets = words.filter(|word| word.rsplit_once('_').is_some_and(|(_, random)| random.len() == 49));
        let mut found: Vec<String> = secrets.map(str::to_owned).collect();
        found.dedup();
        found
    }

    /// Tells the secret audit what this answer gave away.
    pub(super) fn note_plaintexts(&self) {
        audit::note_secrets_in(&String::from_utf8_lossy(&self.body));
        for cookie in self.set_cookies() {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if name.ends_with("keydesk") || name.ends_with("keydesk-device") {
                audit::note(value);
            }
        }
        let granted: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        for token in ["token", "refresh_token"] {
            granted[token].as_str().into_iter().for_each(audit::note);
        }
    }

    /// Text of every `code` on the page.
    pub fn codes(&self) -> Vec<String> {
        self.all("code")
    }

    fn all(&self, element: &str) -> Vec<String> {
        self.tags().into_iter().filter(|tag| tag.name == element).map(|tag| tag.text()).collect()
    }

    fn tags(&self) -> Vec<Tag<'_>> {
        html::tags(self.html())
    }
}

/// Puts `…` behind the prefix of every id.
fn plain(value: &mut Value) {
    const KINDS: [&str; 8] = ["req", "key", "acc", "inb", "usr", "ses", "evt", "kdrefresh"];
    match value {
        Value::Object(fields) => fields.values_mut().for_each(plain),
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::String(text) => {
            if let Some((kind, _)) = text.split_once('_').filter(|(kind, id)| KINDS.contains(kind) && id.len() >= 16) {
                *text = format!("{kind}_…");
            } else if text.starts_with("eyJ") {
                *text = "eyJ…".into();
            }
        }
        _ => {}
    }
}
