//! `Idempotency-Key` on POST: a program that got no answer asks again, and it happens once. The second answer holds no secret.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::body;
use super::problem::Problem;
use crate::model::keyring::hex;
use crate::store::once::Once;

/// Characters of a key.
const LONGEST: usize = 255;

/// The header, for the document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKey {
    /// A text of your own that names this request. Sent again within a day, it happens once, and the second answer holds
    /// no secret.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[ -~]*[!-~][ -~]*$",
        nullable = false
    )]
    pub idempotency_key: Option<String>,
}

/// A JSON body, and which request it is, if it says so.
pub struct OnceBody<T> {
    pub body: T,
    key: Option<String>,
    request: String,
}

impl<T> OnceBody<T> {
    pub fn once(&self) -> Option<Once<'_>> {
        self.key.as_deref().map(|key| Once { key, request: &self.request })
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for OnceBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let key = key(&request)?;
        let bytes = body::read(request).await?;
        Ok(Self { body: body::parse(&bytes)?, key, request: hex(&Sha256::digest(&bytes)) })
    }
}

/// A digest of the header and the path: what the database remembers.
fn key(request: &Request) -> Result<Option<String>, Problem> {
    let mut values = request.headers().get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let plain = |said: &&str| said.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let said = value.to_str().ok().filter(|said| (1..=LONGEST).contains(&said.len())).filter(plain);
    match (said, values.next()) {
        (Some(said), None) => {
            let digest = Sha256::new().chain_update(request.uri().path()).chain_update([0]).chain_update(said);
            Ok(Some(hex(&digest.finalize())))
        }
        _ => Err(Problem::bad_request("Send one Idempotency-Key of 1 to 255 plain characters.")),
    }
}
