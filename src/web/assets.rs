//! Stylesheet, script and icons, embedded in the binary, as they are and in gzip. Their URL carries a hash of all of them, so a
//! browser may keep them for ever and never keeps a stale one; who asks again all the same hears 304.

use std::borrow::Cow;
use std::sync::OnceLock;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::error::{Error, Missing};
use crate::model::keyring::hex;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Assets;

/// Each file that a browser asks for by its name, in gzip: `build.rs` writes it.
static COMPRESSED: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/compressed.rs"));

const STYLESHEET: &str = "keydesk.css";

/// `/static/<hash>`, without a slash at its end. Files refer to each other relatively below it.
pub fn base() -> &'static str {
    static BASE: OnceLock<String> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut names: Vec<_> = Assets::iter().collect();
        names.sort();
        let hash = names
            .iter()
            .filter_map(|name| Assets::get(name))
            .fold(Sha256::new(), |hash, file| hash.chain_update(file.metadata.sha256_hash()));
        format!("/static/{}", &hex(&hash.finalize())[..16])
    })
}

/// The files of `style/`, one after the other: a browser asks once for all of them.
fn stylesheet() -> &'static [u8] {
    static SHEET: OnceLock<Vec<u8>> = OnceLock::new();
    SHEET.get_or_init(|| {
        let mut names: Vec<_> = Assets::iter().filter(|name| name.starts_with("style/")).collect();
        names.sort();
        names.iter().filter_map(|name| Assets::get(name)).flat_map(|file| file.data.into_owned()).collect()
    })
}

/// `GET /static/{hash}/{file}`
pub async fn asset(path: Result<Path<(String, String)>, PathRejection>, headers: HeaderMap) -> Result<Response, Error> {
    let Ok(Path((hash, file))) = path else { return Err(Error::NotFound(Missing::Page)) };
    let is_current = base().strip_prefix("/static/") == Some(&hash);
    let (kind, plain) = find(&file).filter(|_| is_current).ok_or(Error::NotFound(Missing::Page))?;
    let small = COMPRESSED.iter().find(|(name, _)| *name == file && takes_gzip(&headers));
    // The hash of all files is good enough for each of them; the two ways to send one are told apart (RFC 9110, section 8.8.3).
    let tag = if small.is_some() { format!("\"{hash}-gzip\"") } else { format!("\"{hash}\"") };
    let kept = [
        (CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (VARY, "Accept-Encoding".to_owned()),
        (ETAG, tag.clone()),
    ];
    let kind = (CONTENT_TYPE, kind);
    Ok(match small {
        _ if knows(&headers, &tag) => {
            // The length of what is not sent; for HEAD it would be said to be 0 (RFC 9110, section 8.6).
            let length = small.map_or(plain.len(), |(_, small)| small.len());
            (StatusCode::NOT_MODIFIED, kept, [(CONTENT_LENGTH, length.to_string())]).into_response()
        }
        Some((_, small)) => (kept, [kind, (CONTENT_ENCODING, "gzip".to_owned())], *small).into_response(),
        None => (kept, [kind], plain).into_response(),
    })
}

/// What a file is, and what it holds.
fn find(file: &str) -> Option<(String, Cow<'static, [u8]>)> {
    if file == STYLESHEET {
        return Some(("text/css".into(), stylesheet().into()));
    }
    let found = Assets::get(file).filter(|_| !file.contains('/'))?;
    Some((found.metadata.mimetype().to_owned(), found.data))
}

/// Whether the browser has what goes by `tag` (RFC 9110, section 13.1.2).
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    listed(headers, &IF_NONE_MATCH).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// Whether gzip is named as an encoding that is welcome (RFC 9110, section 12.5.3). An answer as it is suits everybody else.
fn takes_gzip(headers: &HeaderMap) -> bool {
    listed(headers, &ACCEPT_ENCODING).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().split_once('=').and_then(|(_, weight)| weight.trim().parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

/// The members of a header that is a list.
fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}
