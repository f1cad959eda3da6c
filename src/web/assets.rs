//! Stylesheet, script and icons, embedded in the binary. Their URL carries a hash of all of them, so a browser may keep
//! them for ever and never keeps a stale one.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::error::{Error, Missing};
use crate::model::keyring::hex;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Assets;

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
pub async fn asset(path: Result<Path<(String, String)>, PathRejection>) -> Result<Response, Error> {
    let Ok(Path((hash, file))) = path else { return Err(Error::NotFound(Missing::Page)) };
    let current = base().strip_prefix("/static/") == Some(&hash);
    let kept = |kind: &str| {
        [(CONTENT_TYPE, kind.to_owned()), (CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned())]
    };
    if file == "keydesk.css" && current {
        return Ok((kept("text/css"), stylesheet()).into_response());
    }
    let found = Assets::get(&file).filter(|_| current && !file.contains('/')).ok_or(Error::NotFound(Missing::Page))?;
    Ok((kept(found.metadata.mimetype()), found.data).into_response())
}
