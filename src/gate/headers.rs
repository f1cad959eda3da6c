//! The headers of a request, whoever took them off the wire.

use http::HeaderMap;

/// Names in any case, values as they came, in their order.
pub trait Headers<'a>: Copy {
    fn each(self) -> impl Iterator<Item = (&'a str, &'a [u8])>;

    /// The values of every header of this name.
    fn of(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.each().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The first value of this name, if it is text.
    fn text_of(self, name: &str) -> Option<&'a str> {
        self.of(name).next().and_then(text)
    }
}

impl<'a> Headers<'a> for &'a HeaderMap {
    fn each(self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}

impl<'a> Headers<'a> for &'a [httparse::Header<'a>] {
    fn each(self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.iter().map(|header| (header.name, header.value))
    }
}

/// What is plain ASCII, as almost every value is (RFC 9110, section 5.5).
pub fn text(value: &[u8]) -> Option<&str> {
    // All of them in any case: then the processor looks at many at once.
    let is_plain = value.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~' | b'\t'));
    str::from_utf8(value).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn every_value_of_a_name_is_found_in_any_case() {
        let raw = [("Host", "a"), ("X-One", "1"), ("x-one", "2")];
        let raw = raw.map(|(name, value)| httparse::Header { name, value: value.as_bytes() });
        let raw = &raw[..];
        assert!(raw.of("x-one").eq([b"1", b"2"]) && raw.of("x-two").next().is_none());
        let mut map = HeaderMap::new();
        for header in raw {
            let name = HeaderName::from_bytes(header.name.as_bytes()).expect("a name");
            map.append(name, HeaderValue::from_bytes(header.value).expect("a value"));
        }
        assert!((&map).of("x-one").eq([b"1", b"2"]));
        assert_eq!(
            [(&map).text_of("X-ONE"), (&map).text_of("x-two"), raw.text_of("x-one")],
            [Some("1"), None, Some("1")]
        );
    }

    #[test]
    fn text_is_what_the_map_of_headers_takes_for_it() {
        for byte in 0..=u8::MAX {
            let value = [b'a', byte];
            let taken = HeaderValue::from_bytes(&value).is_ok_and(|value| value.to_str().is_ok());
            assert_eq!(text(&value).is_some(), taken, "{byte:#x}");
            let mut long = [b'a'; 70];
            long[usize::from(byte) % 70] = byte;
            assert_eq!(text(&long).is_some(), taken, "{byte:#x} among others");
        }
    }
}
