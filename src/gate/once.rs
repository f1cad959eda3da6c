//! One request that passed, remembered in as little room as it takes: what is counted of a key that is used now and then.

use std::net::IpAddr;
use std::time::Duration;

use super::usage::{Visit, short};
use crate::clock::Timestamp;

#[derive(Debug)]
pub(super) struct Once {
    at: Timestamp,
    /// Method, path, user agent, request id and scopes, one behind the other.
    texts: Box<str>,
    /// Where each of the texts but the last ends.
    ends: [u16; 5],
    ip: IpAddr,
    status: u16,
    took: u32,
    /// Whether it is the first request of the key ever.
    pub is_first: bool,
}

impl Once {
    pub fn of(visit: &Visit<'_>, is_first: bool) -> Self {
        let [scope, other] = visit.scopes;
        // Only of the first request anybody asks for the id.
        let request_id = if is_first { visit.request_id } else { "" };
        let texts = [visit.method, short(visit.path), visit.user_agent, request_id, scope, other];
        let mut end = 0;
        let ends = [0, 1, 2, 3, 4].map(|index: usize| {
            end += texts[index].len();
            u16::try_from(end).unwrap_or(u16::MAX)
        });
        Self {
            at: visit.at,
            texts: texts.concat().into(),
            ends,
            ip: visit.ip,
            status: visit.status,
            took: u32::try_from(visit.took.as_micros()).unwrap_or(u32::MAX),
            is_first,
        }
    }

    pub fn visit(&self) -> Visit<'_> {
        Visit {
            at: self.at,
            method: self.text(0),
            path: self.text(1),
            status: self.status,
            ip: self.ip,
            user_agent: self.text(2),
            request_id: self.text(3),
            took: Duration::from_micros(self.took.into()),
            scopes: [self.text(4), self.text(5)],
        }
    }

    fn text(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| usize::from(self.ends[before]));
        let end = self.ends.get(index).map_or(self.texts.len(), |end| usize::from(*end));
        self.texts.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_remembered_as_it_came() {
        let visit = Visit {
            at: Timestamp::from_micros(1_795_269_955_000_000),
            method: "GET",
            path: "/v1/messages",
            status: 200,
            ip: IpAddr::from([203, 0, 113, 9]),
            user_agent: "curl/8.14",
            request_id: "req_1",
            took: Duration::from_micros(7),
            scopes: ["", "mail:read"],
        };
        assert_eq!(format!("{:?}", Once::of(&visit, true).visit()), format!("{visit:?}"));
        assert_eq!(Once::of(&visit, false).visit().request_id, "");
    }

    #[test]
    fn it_takes_a_line_of_the_processors_cache() {
        assert!(size_of::<Once>() <= 64, "{}", size_of::<Once>());
    }
}
