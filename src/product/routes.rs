//! The definition's routes: which scope, and which inbox, a request to the product's API takes. A path is read once,
//! by whole segments; whatever two servers could read in two ways matches nothing.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::Route;
use super::report::first_upper;

/// The name of the segment that names the inbox.
const INBOX: &str = "inbox";

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// Routes, ready to be matched.
#[derive(Clone, Default)]
pub struct Routes {
    /// Path pattern → method and scope.
    paths: matchit::Router<Vec<(String, String)>>,
    count: usize,
}

/// What a request to the product's API takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required<'a> {
    /// Empty: any key that works.
    pub scope: &'a str,
    /// The inbox that the path names.
    pub inbox_id: Option<String>,
}

/// Why a route cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Its place among the routes.
    pub route: usize,
    pub field: &'static str,
    pub says: String,
    pub allowed: String,
}

impl Routes {
    /// # Errors
    /// Every route that is malformed, or cannot be told from another.
    pub fn compile(routes: &[Route]) -> Result<Self, Vec<Unfit>> {
        let mut compiled = Self::default();
        let unfit = |(index, route)| {
            let (field, says, allowed) = compiled.add(route).err()?;
            Some(Unfit { route: index, field, says, allowed })
        };
        let unfit: Vec<Unfit> = routes.iter().enumerate().filter_map(unfit).collect();
        if unfit.is_empty() { Ok(compiled) } else { Err(unfit) }
    }

    /// The error is the field, what it says, and what is allowed.
    fn add(&mut self, route: &Route) -> Result<(), (&'static str, String, String)> {
        let Route { method, path, scope } = route;
        if !METHODS.contains(&method.as_str()) {
            let known = format!("Known are {}.", METHODS.join(", "));
            return Err(("method", format!("The route's method is {method:?}"), known));
        }
        let literal = path.replace(['{', '}', '*'], "");
        if read(&literal).as_deref() != Some(literal.as_str()) {
            let allowed = "Write whole, plain segments, such as /v1/messages/{id}.".to_owned();
            return Err(("path", format!("The route's path is {path:?}"), allowed));
        }
        self.count += 1;
        let entry = (method.clone(), scope.clone());
        match self.paths.insert(path.clone(), vec![entry.clone()]) {
            Ok(()) => Ok(()),
            Err(matchit::InsertError::Conflict { with }) if with == *path => self.add_method(route, entry),
            Err(why) => {
                let says = format!("The route {method} {path} cannot be told from the others");
                Err(("path", says, format!("{}.", first_upper(&why.to_string()))))
            }
        }
    }

    /// Another method of a path that is known.
    fn add_method(&mut self, route: &Route, entry: (String, String)) -> Result<(), (&'static str, String, String)> {
        // A pattern matches itself: its parameters take any segment.
        let known = self.paths.at_mut(&route.path).expect("the pattern is in the router").value;
        if known.iter().any(|(method, _)| *method == route.method) {
            let says = format!("The route {} {} is defined twice", route.method, route.path);
            return Err(("path", says, "Write each once.".to_owned()));
        }
        known.push(entry);
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What `method` on `uri` (path and query, as the client sent it) takes; nothing if no route says so.
    pub fn find(&self, method: &str, uri: &str) -> Option<Required<'_>> {
        let path = read(uri.split_once('?').map_or(uri, |(path, _)| path))?;
        let found = self.paths.at(&path).ok()?;
        let of = |wanted: &str| found.value.iter().find(|(method, _)| method == wanted);
        let (_, scope) = of(method).or_else(|| of("GET").filter(|_| method == "HEAD"))?;
        Some(Required { scope, inbox_id: found.params.get(INBOX).map(str::to_owned) })
    }
}

/// The path with its escapes decoded once, or nothing if it is not one that every server reads the same way: no empty or
/// dot segment, and nothing that, encoded or plain, separates, ends or hides a segment.
fn read(path: &str) -> Option<Cow<'_, str>> {
    let segments = path.strip_prefix('/')?;
    let decoded = percent_decode_str(segments).decode_utf8().ok()?;
    // Encoded or not, these mean one thing to one server and another to the next (oauth2-proxy GHSA-7rh7-c77v-6434).
    let hidden = ["%2f", "%2e", "%5c"].iter().any(|escape| contains_ignoring_case(segments, escape));
    let ambiguous = |c: char| matches!(c, '\\' | ';' | '#' | '?' | '%' | '\u{fffd}') || c.is_control();
    let odd = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
    if hidden || decoded.contains(ambiguous) || decoded.split('/').any(odd) || !segments.is_ascii() {
        return None;
    }
    if decoded.len() == segments.len() { Some(Cow::Borrowed(path)) } else { Some(Cow::Owned(format!("/{decoded}"))) }
}

fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(routes: &[(&str, &str, &str)]) -> Result<Routes, Vec<Unfit>> {
        let route = |(method, path, scope): &(&str, &str, &str)| Route {
            method: (*method).into(),
            path: (*path).into(),
            scope: (*scope).into(),
        };
        Routes::compile(&routes.iter().map(route).collect::<Vec<_>>())
    }

    fn mail() -> Routes {
        let mail = [
            ("GET", "/v1/inboxes", "inboxes:read"),
            ("POST", "/v1/inboxes", "inboxes:write"),
            ("GET", "/v1/inboxes/{inbox}/messages/{id}", "mail:read"),
            ("GET", "/v1/inboxes/{inbox}/messages/search", "mail:search"),
            ("GET", "/files/{*rest}", "files:read"),
        ];
        routes(&mail).expect("routes")
    }

    #[test]
    fn a_route_says_the_scope_and_the_inbox() {
        let mail = mail();
        let found = |method, uri| mail.find(method, uri).map(|found| (found.scope.to_owned(), found.inbox_id));
        assert_eq!(found("GET", "/v1/inboxes?limit=2"), Some(("inboxes:read".into(), None)));
        assert_eq!(found("HEAD", "/v1/inboxes"), Some(("inboxes:read".into(), None)));
        assert_eq!(found("POST", "/v1/inboxes"), Some(("inboxes:write".into(), None)));
        assert_eq!(found("GET", "/v1/inboxes/inb_1/messages/m%201"), Some(("mail:read".into(), Some("inb_1".into()))));
        assert_eq!(
            found("GET", "/v1/inboxes/inb_1/messages/search"),
            Some(("mail:search".into(), Some("inb_1".into())))
        );
        assert_eq!(found("GET", "/files/a/b"), Some(("files:read".into(), None)));
    }

    #[test]
    fn what_two_servers_could_read_in_two_ways_matches_nothing() {
        let mail = mail();
        for uri in [
            "",
            "v1/inboxes",
            "/v1/inboxes/",
            "/v1//inboxes",
            "//v1/inboxes",
            "/v1/./inboxes",
            "/v1/x/../inboxes",
            "/v1/%2e%2e/inboxes",
            "/v1%2finboxes",
            "/v1%2Finboxes",
            "/v1/inboxes%00",
            "/v1/inboxes;x=1",
            "/v1/inboxes%3bx",
            "/v1/inboxes%23",
            "/v1/inboxes#x",
            "/v1\\inboxes",
            "/v1%5Cinboxes",
            "/v1/inboxes%3f",
            "/v1/inboxes/inb_1%252f/messages/1",
            "/V1/inboxes",
            "/v1/inboxesx",
            "http://k.example/v1/inboxes",
            "/v1/inboxes/\u{e9}/messages/1",
            "/v1/inboxes/%ff/messages/1",
        ] {
            assert_eq!(mail.find("GET", uri), None, "{uri:?}");
        }
        assert_eq!(mail.find("DELETE", "/v1/inboxes"), None);
        assert_eq!(mail.find("get", "/v1/inboxes"), None);
    }

    #[test]
    fn a_route_that_cannot_work_is_named() {
        let mistakes = routes(&[
            ("FETCH", "/v1/a", ""),
            ("GET", "v1/b", ""),
            ("GET", "/v1//c", ""),
            ("GET", "/v1/d", ""),
            ("GET", "/v1/d", ""),
            ("GET", "/v1/{x}/e", ""),
            ("POST", "/v1/{y}/e", ""),
        ])
        .err()
        .expect("mistakes");
        assert_eq!(mistakes.len(), 5, "{mistakes:?}");
    }
}
