//! The one way to ask `/gate/authorize` that is understood without hyper: a head that leaves nothing open, of a request without a
//! body, which leaves the connection as it is. It is read by the parser that hyper reads with, and is a part of what hyper takes:
//! both see the same end of it.

use httparse::{Header, Status};

use super::limits::{LARGEST_HEAD, LONGEST_URI};
use crate::web::gate::Head;

const LINE: &[u8] = b"GET /gate/authorize";
/// More of them are hyper's.
pub const MOST_HEADERS: usize = 32;

/// What some bytes begin with.
pub enum Read<'a> {
    /// A question, and its length in bytes.
    Question(Head<'a, &'a [Header<'a>]>, usize),
    /// Nothing, or the beginning of a question.
    Part,
    /// Something else, or a question that is put in another way.
    Other,
}

/// Reads the first of what may be many.
pub fn read<'a>(bytes: &'a [u8], headers: &'a mut [Header<'a>; MOST_HEADERS]) -> Read<'a> {
    if !bytes.starts_with(LINE) {
        return if LINE.starts_with(bytes) { Read::Part } else { Read::Other };
    }
    let mut request = httparse::Request::new(headers);
    let length = match request.parse(bytes) {
        Ok(Status::Complete(length)) if length <= LARGEST_HEAD => length,
        Ok(Status::Partial) if bytes.len() < LARGEST_HEAD / 2 => return Read::Part,
        Ok(_) | Err(_) => return Read::Other,
    };
    let httparse::Request { path: Some(target), version: Some(1), headers, .. } = request else { return Read::Other };
    let query = match target.strip_prefix("/gate/authorize") {
        Some("") => "",
        Some(query) if query.starts_with('?') && query.bytes().all(is_plain) => &query[1..],
        _ => return Read::Other,
    };
    let headers: &[Header<'_>] = headers;
    if target.len() > LONGEST_URI || !headers.iter().all(says_nothing_of_the_connection) {
        return Read::Other;
    }
    Read::Question(Head { method: "GET", path: "/gate/authorize", query, headers }, length)
}

/// What a query may hold that nobody reads in two ways (RFC 3986, section 3.4, without what is seldom there).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"?=&:%+*-._~/,".contains(&byte)
}

/// Whether a header leaves the request without a body, and the connection as it is (RFC 9110, sections 7.6, 7.8, 8.6 and 10.1;
/// RFC 9112, section 6.1).
fn says_nothing_of_the_connection(header: &Header<'_>) -> bool {
    const ELSEWHERE: [&str; 7] =
        ["transfer-encoding", "upgrade", "expect", "te", "trailer", "keep-alive", "proxy-connection"];
    let is = |name: &str| header.name.eq_ignore_ascii_case(name);
    if is("content-length") {
        header.value == b"0"
    } else if is("connection") {
        header.value.eq_ignore_ascii_case(b"keep-alive")
    } else {
        !ELSEWHERE.into_iter().any(is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::headers::Headers;

    /// What is made of these bytes: a query and its length, or whose they are.
    fn of(bytes: &str) -> Result<(String, usize), &'static str> {
        match read(bytes.as_bytes(), &mut [httparse::EMPTY_HEADER; MOST_HEADERS]) {
            Read::Question(head, length) => Ok((head.query.to_owned(), length)),
            Read::Part => Err("more is to come"),
            Read::Other => Err("hyper's"),
        }
    }

    #[test]
    fn one_plain_question_is_ours_and_the_next_is_left() {
        let asked = "GET /gate/authorize?scope=mail:send HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(of(asked), Ok(("scope=mail:send".into(), asked.len())));
        assert_eq!(of(&format!("{asked}GET /")), Ok(("scope=mail:send".into(), asked.len())));
        assert_eq!(of("GET /gate/authorize HTTP/1.1\r\n\r\n"), Ok((String::new(), 32)));
        assert_eq!(of("GET /gate/authorize? HTTP/1.1\r\n\r\n"), Ok((String::new(), 33)));
    }

    #[test]
    fn every_beginning_of_it_waits_for_the_rest() {
        let asked = "GET /gate/authorize?scope=a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer x\r\n\r\n";
        for end in 0..asked.len() {
            assert_eq!(of(&asked[..end]), Err("more is to come"), "{:?}", &asked[..end]);
        }
        let long = |length: usize| of(&format!("{:x<length$}", "GET /gate/authorize HTTP/1.1\r\nx: "));
        assert_eq!(long(LARGEST_HEAD / 2 - 1), Err("more is to come"));
        assert_eq!(long(LARGEST_HEAD / 2), Err("hyper's"), "who knows how large a head may be");
    }

    #[test]
    fn whatever_else_is_said_is_hypers() {
        for line in [
            "HEAD /gate/authorize HTTP/1.1",
            "POST /gate/authorize HTTP/1.1",
            "get /gate/authorize HTTP/1.1",
            "GET /gate/authorize HTTP/1.0",
            "GET /gate/authorize HTTP/2.0",
            "GET /gate/authorize/ HTTP/1.1",
            "GET /gate/authorized HTTP/1.1",
            "GET /gate/authorize#x HTTP/1.1",
            "GET /gate/authorize?x#y HTTP/1.1",
            "GET /gate/authorize?x\"y HTTP/1.1",
            "GET /gate/authorize?\u{e9} HTTP/1.1",
            "GET http://a/gate/authorize HTTP/1.1",
            "GET  /gate/authorize HTTP/1.1",
            "GET /healthz HTTP/1.1",
            "\r\nGET /gate/authorize HTTP/1.1",
            "G\0T /gate/authorize HTTP/1.1",
        ] {
            assert_eq!(of(&format!("{line}\r\nhost: a\r\n\r\n")), Err("hyper's"), "{line}");
        }
        for header in [
            "connection: close",
            "connection: keep-alive, upgrade",
            "Content-Length: 1",
            "content-length: 00",
            "content-length: ",
            "Transfer-Encoding: chunked",
            "transfer-encoding: identity",
            "upgrade: h2c",
            "expect: 100-continue",
            "te: trailers",
            "trailer: x",
            "a b: c",
            "a : b",
            "x: a\r\n folded: b",
            "x: \0",
            "content-length: 0\r\nconnection: close",
        ] {
            let asked = format!("GET /gate/authorize HTTP/1.1\r\nhost: a\r\n{header}\r\n\r\n");
            assert_eq!(of(&asked), Err("hyper's"), "{header}");
        }
        let many = |number: usize| of(&format!("GET /gate/authorize HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(number)));
        assert!(many(MOST_HEADERS).is_ok() && many(MOST_HEADERS + 1) == Err("hyper's"));
        let longest = |length: usize| of(&format!("{:x<length$} HTTP/1.1\r\n\r\n", "GET /gate/authorize?"));
        assert!(longest(LONGEST_URI + 4).is_ok() && longest(LONGEST_URI + 5) == Err("hyper's"));
    }

    #[test]
    fn headers_are_read_as_they_came() {
        let asked = b"GET /gate/authorize HTTP/1.1\r\nX-One:  a b \r\nx-ONE: \xe9\r\n\r\n";
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let Read::Question(head, _) = read(asked, &mut headers) else { panic!("it is one of ours") };
        assert!(head.headers.of("x-one").eq([&b"a b"[..], b"\xe9"]));
    }
}
