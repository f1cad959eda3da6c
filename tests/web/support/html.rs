//! Just enough HTML to read our own pages as people do. Attribute values are always quoted and escaped there.

/// An element: its name, its attributes, and all that comes after its opening tag up to where it ends.
pub struct Tag<'a> {
    pub name: &'a str,
    attributes: &'a str,
    pub inner: &'a str,
}

impl<'a> Tag<'a> {
    /// An attribute as it stands; empty if it has no value.
    pub fn get(&self, attribute: &str) -> Option<&'a str> {
        let mut rest = self.attributes.trim_start();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            let (value, behind) = match behind.strip_prefix("=\"") {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => ("", behind),
            };
            if name == attribute {
                return Some(value);
            }
            rest = behind.trim_start();
        }
        None
    }

    pub fn text(&self) -> String {
        text(self.inner)
    }
}

/// Every opening tag, in order.
pub fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let Some(end) = rest.find('>') else { break };
        let inside = &rest[..end];
        rest = &rest[end + 1..];
        if inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let name_end = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len());
            let (name, attributes) = inside.split_at(name_end);
            found.push(Tag { name, attributes, inner: until_closed(rest, name) });
        }
    }
    found
}

/// `rest` up to the tag that closes an element `name` opened just before it.
fn until_closed<'a>(rest: &'a str, name: &str) -> &'a str {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let (mut depth, mut at) = (1, 0);
    while let Some(closing) = rest[at..].find(&close) {
        depth += rest[at..at + closing].matches(&open).count();
        depth -= 1;
        if depth == 0 {
            return &rest[..at + closing];
        }
        at += closing + close.len();
    }
    ""
}

/// The text of a piece of HTML.
pub fn text(html: &str) -> String {
    const WITHIN_A_LINE: [&str; 9] = ["b", "a", "bdi", "code", "em", "i", "span", "time", "textarea"];
    let mut text = String::with_capacity(html.len());
    for (index, piece) in html.split('<').enumerate() {
        let Some((tag, words)) = piece.split_once('>').filter(|_| index > 0) else {
            text.push_str(if index == 0 { piece } else { "" });
            continue;
        };
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or_default();
        if !WITHIN_A_LINE.contains(&name) {
            text.push(' ');
        }
        text.push_str(words);
    }
    decode(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Entities as the characters they stand for.
pub fn decode(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').unwrap_or(0);
        let known = match &rest[..end] {
            "&amp" => Some('&'),
            "&lt" => Some('<'),
            "&gt" => Some('>'),
            "&quot" => Some('"'),
            entity => entity.strip_prefix("&#").and_then(numbered),
        };
        plain.push(known.unwrap_or('&'));
        rest = &rest[known.map_or(1, |_| end + 1)..];
    }
    plain + rest
}

fn numbered(digits: &str) -> Option<char> {
    let code = match digits.strip_prefix('x') {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code)
}
