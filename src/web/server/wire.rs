//! Answers as they go over the wire (RFC 9112, sections 4 and 6.2), for requests that are answered before hyper.

use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, DATE};
use axum::response::Response;
use bytes::{BufMut, Bytes};
use futures_util::FutureExt;
use http_body_util::BodyExt;

use crate::clock::Timestamp;

/// Room that is kept between two answers.
const KEPT: usize = 4096;

#[derive(Debug, Default)]
pub struct Wire {
    bytes: Vec<u8>,
    /// How many of them were sent.
    sent: usize,
    date: Date,
}

/// The second that was written last, for what it takes to write one.
#[derive(Debug, Default)]
struct Date {
    second: u64,
    text: String,
}

impl Wire {
    /// What is still to be sent.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// So many bytes of it were sent.
    pub fn advance(&mut self, sent: usize) {
        self.sent += sent;
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
            self.sent = 0;
        }
    }

    /// Begins an answer.
    pub fn begin(&mut self, status: StatusCode) {
        self.bytes.put_slice(b"HTTP/1.1 ");
        self.bytes.put_slice(status.as_str().as_bytes());
        self.bytes.put_u8(b' ');
        self.bytes.put_slice(status.canonical_reason().unwrap_or("Unknown").as_bytes());
        self.end_line();
    }

    /// Adds a header, without its value if that is none (RFC 9110, section 5.5): a line's end first of all.
    pub fn header(&mut self, name: &str, value: &str) {
        let is_plain = value.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~' | b'\t' | 0x80..));
        self.line(name, if is_plain { value.as_bytes() } else { b"" });
    }

    pub fn number(&mut self, name: &str, number: impl itoa::Integer) {
        self.line(name, itoa::Buffer::new().format(number).as_bytes());
    }

    /// Ends an answer at this moment, with its length, date and body.
    pub fn end(&mut self, at: Timestamp, body: &[u8]) {
        self.number("content-length", body.len());
        let second = u64::try_from(at.seconds()).unwrap_or(0);
        if self.date.second != second || self.date.text.is_empty() {
            self.date = Date { second, text: httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second)) };
        }
        self.bytes.put_slice(b"date: ");
        self.bytes.put_slice(self.date.text.as_bytes());
        self.end_line();
        self.end_line();
        self.bytes.put_slice(body);
    }

    /// Adds a whole answer, whose body is there.
    pub fn put(&mut self, answer: Response, at: Timestamp) {
        let (head, body) = answer.into_parts();
        self.begin(head.status);
        let others = head.headers.iter().filter(|(name, _)| ![CONTENT_LENGTH, DATE].contains(name));
        for (name, value) in others {
            self.line(name.as_str(), value.as_bytes());
        }
        self.end(at, &whole(body));
    }

    fn line(&mut self, name: &str, value: &[u8]) {
        self.bytes.put_slice(name.as_bytes());
        self.bytes.put_slice(b": ");
        self.bytes.put_slice(value);
        self.end_line();
    }

    fn end_line(&mut self) {
        self.bytes.put_slice(b"\r\n");
    }
}

/// A body that waits for nothing.
fn whole(body: Body) -> Bytes {
    debug_assert!(body.size_hint().exact().is_some(), "its length is known");
    body.collect().now_or_never().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// 15 November 1994, 08:12:31, as RFC 9110, section 5.6.7, has it for an example.
    const THEN: Timestamp = Timestamp::from_micros(784_887_151_000_000);

    fn text(wire: &Wire) -> &str {
        str::from_utf8(wire.rest()).expect("text")
    }

    #[test]
    fn an_answer_ends_with_its_length_its_date_and_its_body() {
        let mut wire = Wire::default();
        wire.begin(StatusCode::OK);
        wire.header("x-one", "a b");
        wire.number("x-two", 2);
        wire.end(THEN, b"body");
        let written = "HTTP/1.1 200 OK\r\nx-one: a b\r\nx-two: 2\r\ncontent-length: 4\r\n\
            date: Tue, 15 Nov 1994 08:12:31 GMT\r\n\r\nbody";
        assert_eq!(text(&wire), written);
        wire.advance(9);
        assert_eq!(text(&wire), &written[9..]);
        wire.advance(written.len() - 9);
        wire.begin(StatusCode::IM_A_TEAPOT);
        wire.end(THEN + Duration::from_secs(1), b"");
        assert!(text(&wire).starts_with("HTTP/1.1 418 I'm a teapot\r\n") && text(&wire).contains(":32 GMT\r\n"));
    }

    #[test]
    fn no_value_ends_its_line() {
        for value in ["a\r\nx: y", "a\n", "\r", "\0", "\u{7f}"] {
            let mut wire = Wire::default();
            wire.header("x", value);
            assert_eq!(text(&wire), "x: \r\n", "{value:?}");
        }
    }

    #[test]
    fn a_whole_answer_is_put_as_it_is() {
        let mut answer = Response::new(Body::from("no"));
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        answer.headers_mut().append("www-authenticate", HeaderValue::from_static("Bearer"));
        answer.headers_mut().append("x-word", HeaderValue::from_bytes(b"\xc3\xa9").expect("a value"));
        let mut wire = Wire::default();
        wire.put(answer, THEN);
        assert_eq!(
            text(&wire),
            "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\nx-word: \u{e9}\r\ncontent-length: 2\r\n\
             date: Tue, 15 Nov 1994 08:12:31 GMT\r\n\r\nno"
        );
    }
}
