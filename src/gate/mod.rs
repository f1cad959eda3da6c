//! What is decided: whether a presented credential may do what it asks. Parse and checksum come before anything that
//! costs; status, address, inbox and scope come after, always in this order.

pub mod credential;
pub mod refused_sign_ins;
pub mod throttle;
pub mod usage;
pub mod verdict;

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::model::api_key::ApiKey;
use crate::model::keyring::Keyring;
use crate::model::scopes;
use crate::model::secret::{Secret, SecretHash};
use crate::model::session_token::SessionTokens;
use crate::model::user::{Role, User};
use crate::product::reserved;
use crate::store::{Db, api_keys, sessions};
use credential::Credential;
use refused_sign_ins::RefusedSignIns;
use usage::Usage;
use verdict::Refusal;

/// Decides for one installation.
pub struct Gate {
    db: Db,
    keyring: Arc<Keyring>,
    tokens: Arc<SessionTokens>,
    prefixes: Vec<String>,
    /// Whether a session JWT opens the API too.
    session_token: bool,
    pub usage: Usage,
    pub refused_sign_ins: RefusedSignIns,
}

/// What a request wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// The scope it takes; none for asking who one is.
    pub scope: Option<&'a str>,
    /// The inbox it touches, if it touches one.
    pub inbox_id: Option<&'a str>,
}

/// Whose credential passed.
#[derive(Clone, Debug)]
pub enum Holder {
    Key { key: Box<ApiKey>, hash: SecretHash },
    Session(Box<sessions::Session>),
}

impl Holder {
    pub fn account_id(&self) -> &str {
        match self {
            Self::Key { key, .. } => &key.account_id,
            Self::Session(session) => &session.user.account_id,
        }
    }

    /// The only inbox that the holder may see; empty if it is not bound to one.
    pub fn only_inbox(&self) -> &str {
        match self {
            Self::Key { key, .. } => key.inbox_id.as_deref().unwrap_or_default(),
            Self::Session(_) => "",
        }
    }

    fn grants(&self, scope: &str) -> bool {
        match self {
            Self::Key { key, .. } => key.grants(scope),
            Self::Session(session) => role_grants(&session.user, scope),
        }
    }

    fn reaches_inbox(&self, inbox_id: &str) -> bool {
        match self {
            Self::Key { key, .. } => key.reaches_inbox(inbox_id),
            Self::Session(_) => true,
        }
    }
}

/// What a person may do over the API with their session token: what their role may do in the pages.
fn role_grants(user: &User, scope: &str) -> bool {
    match user.role {
        Role::Administrator => true,
        Role::Auditor => matches!(scope, reserved::INBOXES_READ | reserved::KEYS_READ),
        Role::Member => scope == reserved::INBOXES_READ,
    }
}

/// A credential could not be tested: the database did not answer.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unavailable(#[from] sqlx::Error);

impl Gate {
    pub fn new(db: Db, keyring: Arc<Keyring>, tokens: Arc<SessionTokens>, product: &crate::product::Product) -> Self {
        let prefixes = product.secret_prefixes();
        Self {
            db,
            keyring,
            tokens,
            prefixes,
            session_token: product.api.session_token,
            usage: Usage::default(),
            refused_sign_ins: RefusedSignIns::default(),
        }
    }

    /// Who presents this credential, if it is one that works now.
    ///
    /// # Errors
    /// [`Unavailable`] if the database does not answer: nobody is let through, nobody is called unknown.
    pub async fn identify(
        &self,
        credential: &Credential,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Result<Holder, Refusal>, Unavailable> {
        match credential {
            Credential::Missing => Ok(Err(Refusal::Missing)),
            Credential::Unusable => Ok(Err(Refusal::Unknown)),
            Credential::Bearer(token) if self.session_token && token.starts_with("eyJ") => {
                self.identify_session(token, now).await
            }
            Credential::Bearer(token) => self.identify_key(token, source, now).await,
        }
    }

    async fn identify_key(
        &self,
        token: &str,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Result<Holder, Refusal>, Unavailable> {
        let Ok(secret) = Secret::parse(token, &self.prefixes) else { return Ok(Err(Refusal::Unknown)) };
        let hash = secret.hash(&self.keyring);
        let Some(key) = api_keys::find_by_secret(&self.db, &hash, now).await? else { return Ok(Err(Refusal::Unknown)) };
        Ok(match verdict::of_key(&key, source, now) {
            Ok(()) => Ok(Holder::Key { key: Box::new(key), hash }),
            Err(refusal) => {
                self.usage.refused(&key.id, now);
                Err(refusal)
            }
        })
    }

    async fn identify_session(&self, token: &str, now: Timestamp) -> Result<Result<Holder, Refusal>, Unavailable> {
        let Ok(claims) = self.tokens.check(token, now) else { return Ok(Err(Refusal::Unknown)) };
        let session = sessions::find(&self.db, &claims.sid, now).await?;
        let session = session.filter(|session| session.user.id == claims.sub);
        Ok(session.map(|session| Holder::Session(Box::new(session))).ok_or(Refusal::Unknown))
    }

    /// Whether `holder` may do what it asks.
    ///
    /// # Errors
    /// The refusal: 404 for an inbox beyond reach (which is not said to exist), 403 naming a missing scope.
    pub fn authorize(&self, holder: &Holder, need: Need<'_>, now: Timestamp) -> Result<(), Refusal> {
        let verdict = if need.inbox_id.is_some_and(|inbox| !holder.reaches_inbox(inbox)) {
            Err(Refusal::OutOfReach)
        } else {
            match need.scope {
                Some(scope) if !holder.grants(scope) => Err(Refusal::MissingScope {
                    scope: scope.to_owned(),
                    never: matches!(holder, Holder::Key { key, .. } if key.inbox_id.is_some())
                        && scopes::never_restricted(scope),
                }),
                _ => Ok(()),
            }
        };
        if let (Err(_), Holder::Key { key, .. }) = (&verdict, holder) {
            self.usage.refused(&key.id, now);
        }
        verdict
    }
}
