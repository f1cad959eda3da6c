//! The query of `/gate/authorize`: what the gateway's own configuration asks for. Strict, because a right that is
//! misspelled, empty or said twice would otherwise be no right at all.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::gate::Need;
use crate::web::api::words::Scope;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    scope: Option<Cow<'a, str>>,
    inbox: Option<Cow<'a, str>>,
    pub mode: Mode,
}

/// What the gateway understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Plain,
    /// `auth_request` knows 401 and 403 only, and passes headers on but no body.
    Nginx,
}

/// As the document describes it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description")]
pub struct Query {
    /// The scope that the request takes.
    #[param(value_type = Option<Scope>, nullable = false)]
    scope: Option<String>,
    /// The inbox that the request touches.
    #[param(pattern = "^[!-~]+$", nullable = false)]
    inbox: Option<String>,
    /// For `auth_request`: 404 and 429 become 403; `X-Keydesk-Status` and `X-Keydesk-Error` say what they were.
    #[param(pattern = "^nginx$", nullable = false)]
    mode: Option<String>,
}

impl<'a> Asked<'a> {
    /// # Errors
    /// Why it cannot be answered.
    pub fn read(query: &'a str) -> Result<Self, &'static str> {
        let mut asked = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "scope" => once(&mut asked.scope, value)?,
                "inbox" => once(&mut asked.inbox, value)?,
                "mode" if value == "nginx" && asked.mode == Mode::Plain => asked.mode = Mode::Nginx,
                "mode" => return Err("mode is nginx, once, or left out."),
                _ => return Err("The query takes scope, inbox and mode, and nothing else; a credential never."),
            }
        }
        Ok(asked)
    }

    /// The right asked for, if any is.
    pub fn need(&self) -> Option<Need<'_>> {
        let need = Need { scope: self.scope.as_deref(), inbox_id: self.inbox.as_deref() };
        (need.scope.is_some() || need.inbox_id.is_some()).then_some(need)
    }
}

fn once<'a>(place: &mut Option<Cow<'a, str>>, value: &'a str) -> Result<(), &'static str> {
    if place.is_some() {
        return Err("scope and inbox may each be said once.");
    }
    let value = percent_decode_str(value).decode_utf8().map_err(|_| "The query is not UTF-8.")?;
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("scope and inbox name one scope and one inbox, or are left out.");
    }
    *place = Some(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_read_as_it_is_written() {
        let asked = Asked::read("scope=mail%3Asend&inbox=inb_1&mode=nginx").expect("a query");
        let need = asked.need().expect("a right");
        assert_eq!((need.scope, need.inbox_id, asked.mode), (Some("mail:send"), Some("inb_1"), Mode::Nginx));
        assert!(Asked::read("").expect("a query").need().is_none());
    }

    #[test]
    fn what_could_be_read_as_no_right_is_refused() {
        for query in [
            "scope=",
            "scope",
            "inbox=",
            "scope=a&scope=b",
            "scope=a&scope=a",
            "scopes=a",
            "Scope=a",
            "scope=a%20b",
            "scope=a%00",
            "inbox=%C3%A9",
            "scope=%ff",
            "mode=caddy",
            "mode=nginx&mode=nginx",
            "token=kd_live_x",
        ] {
            assert!(Asked::read(query).is_err(), "{query}");
        }
    }
}
