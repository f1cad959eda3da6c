//! Passkeys (`WebAuthn`), on webauthn-rs: the ceremonies of making one and of proving one. What a ceremony expects stays in
//! the web session, for five minutes and one answer.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower_sessions::Session as WebSession;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey as Credential, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::error::Error;
use crate::clock::Timestamp;
use crate::host::host_of;
use crate::model::user::User;
use crate::store::passkeys::Passkey;

const UNDER_WAY: &str = "passkey";
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Makes and checks passkeys of one site.
pub struct Passkeys {
    webauthn: Webauthn,
    installation_id: String,
}

/// What a browser has been asked for.
#[derive(Serialize, Deserialize)]
pub enum Ceremony {
    Make(PasskeyRegistration),
    /// One of somebody's own.
    ProveOne(PasskeyAuthentication),
    /// Whoever the device says it is.
    ProveAny(DiscoverableAuthentication),
}

#[derive(Serialize, Deserialize)]
pub struct UnderWay {
    /// Microseconds.
    since: i64,
    ceremony: Ceremony,
}

impl UnderWay {
    /// What was asked for in this browser, this once.
    ///
    /// # Errors
    /// [`Refused::Over`] if nothing was, or too long ago.
    pub async fn take(web: &WebSession, now: Timestamp) -> Result<Self, Refused> {
        let under_way: Option<Self> = web.remove(UNDER_WAY).await?;
        let under_way = under_way.filter(|under_way| now.since(under_way.since()) < LIFETIME).ok_or(Refused::Over)?;
        // Now, and not with the answer: of two answers at a time the later finds nothing.
        web.save().await?;
        Ok(under_way)
    }

    pub fn since(&self) -> Timestamp {
        Timestamp::from_micros(self.since)
    }
}

/// A fresh passkey: its id as the browser names it, and what is kept of it.
pub struct Made {
    pub credential_id: String,
    pub credential: String,
}

/// What came back proves nothing. Why is nobody's business but the log's.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no ceremony is under way, or it took too long")]
    Over,
    // Not serde's own words: they quote what was sent.
    #[error("what came back is not a credential: line {}, column {}", .0.line(), .0.column())]
    Unreadable(#[from] serde_json::Error),
    #[error("{0}")]
    Untrue(#[from] WebauthnError),
    #[error(transparent)]
    Session(#[from] tower_sessions::session::Error),
}

impl Passkeys {
    /// `None` where browsers have none: a passkey belongs to a name, and an address is none.
    pub fn at(public_url: &str, brand: &str, installation_id: &str) -> Option<Self> {
        let url = Url::parse(public_url).ok()?;
        let host = host_of(public_url);
        let name = url.domain().filter(|name| *name == host)?;
        let webauthn = WebauthnBuilder::new(name, &url).ok()?.rp_name(brand).build().ok()?;
        Some(Self { webauthn, installation_id: installation_id.to_owned() })
    }

    /// Asks a browser for a new passkey of `user`; answers the options of `navigator.credentials.create`.
    pub async fn ask_to_make(
        &self,
        web: &WebSession,
        user: &User,
        theirs: &[Passkey],
        now: Timestamp,
    ) -> Result<Value, Error> {
        let known = credentials(theirs).iter().map(|one| one.cred_id().clone()).collect();
        let (options, state) = self
            .webauthn
            .start_passkey_registration(self.handle(&user.id), &user.email, &user.name, Some(known))
            .map_err(Error::internal)?;
        begin(web, Ceremony::Make(state), now).await?;
        let mut options = serde_json::to_value(options).map_err(Error::internal)?;
        // The device remembers whose it is, so that nobody has to type an address to sign in with it.
        let selection = &mut options["publicKey"]["authenticatorSelection"];
        selection["residentKey"] = "required".into();
        selection["requireResidentKey"] = true.into();
        Ok(options)
    }

    /// Takes the new passkey.
    pub async fn made(&self, web: &WebSession, answer: &str, now: Timestamp) -> Result<Made, Refused> {
        let Ceremony::Make(state) = UnderWay::take(web, now).await?.ceremony else { return Err(Refused::Over) };
        let answer: RegisterPublicKeyCredential = serde_json::from_str(answer)?;
        let credential = self.webauthn.finish_passkey_registration(&answer, &state)?;
        Ok(Made { credential_id: named(credential.cred_id()), credential: serde_json::to_string(&credential)? })
    }

    /// Asks a browser to prove one of `theirs`, or, if nobody has said who they are, any. Answers the options of
    /// `navigator.credentials.get`.
    pub async fn ask_to_prove(&self, web: &WebSession, theirs: &[Passkey], now: Timestamp) -> Result<Value, Error> {
        let (options, ceremony) = if theirs.is_empty() {
            let (options, state) = self.webauthn.start_discoverable_authentication().map_err(Error::internal)?;
            (options, Ceremony::ProveAny(state))
        } else {
            let known = credentials(theirs);
            let (options, state) = self.webauthn.start_passkey_authentication(&known).map_err(Error::internal)?;
            (options, Ceremony::ProveOne(state))
        };
        begin(web, ceremony, now).await?;
        let mut options = serde_json::to_value(options).map_err(Error::internal)?;
        // A button was pressed: this is not the quiet offer inside a field.
        options.as_object_mut().map(|options| options.remove("mediation"));
        Ok(options)
    }

    /// Tests the proof of `passkey`; answers what is to be kept of it from now on.
    pub fn proved(
        &self,
        under_way: UnderWay,
        answer: &PublicKeyCredential,
        passkey: &Passkey,
    ) -> Result<String, Refused> {
        let mut credential: Credential = serde_json::from_str(&passkey.credential)?;
        let result = match under_way.ceremony {
            Ceremony::ProveOne(state) => self.webauthn.finish_passkey_authentication(answer, &state)?,
            Ceremony::ProveAny(state) => {
                let (handle, _) = self.webauthn.identify_discoverable_authentication(answer)?;
                if handle != self.handle(&passkey.user_id) {
                    return Err(WebauthnError::InvalidUserUniqueId.into());
                }
                self.webauthn.finish_discoverable_authentication_v2(answer, state, &credential)?
            }
            Ceremony::Make(_) => return Err(Refused::Over),
        };
        if !result.user_verified() {
            return Err(WebauthnError::UserNotVerified.into());
        }
        // None if another of theirs was proved than the one whose row this is.
        credential.update_credential(&result).ok_or(Refused::Over)?;
        Ok(serde_json::to_string(&credential)?)
    }

    /// What a device knows a user by: nothing that it could be guessed from, or that says who they are.
    fn handle(&self, user_id: &str) -> Uuid {
        let digest = Sha256::digest(format!("keydesk/passkey-user\0{}\0{user_id}", self.installation_id));
        Uuid::from_slice(&digest[..16]).expect("16 bytes")
    }
}

fn credentials(kept: &[Passkey]) -> Vec<Credential> {
    kept.iter().filter_map(|one| serde_json::from_str(&one.credential).ok()).collect()
}

async fn begin(web: &WebSession, ceremony: Ceremony, now: Timestamp) -> Result<(), Error> {
    Ok(web.insert(UNDER_WAY, UnderWay { since: now.micros(), ceremony }).await?)
}

/// A credential's id as browsers name it.
pub fn named(id: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}
