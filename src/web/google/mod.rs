//! Signing in at Google, or at another OpenID Connect issuer, as its client: the way there (authorization code, PKCE
//! S256, state, nonce), and who somebody is when they come back. Fails closed, whatever the issuer does.

pub(in crate::web) mod fetch;
mod issuer;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::model::id_token::{self, Expected, Identity};
use crate::model::oidc_transaction::Fresh;
use crate::model::provider::Provider;
use fetch::{Fetcher, Unreachable};
use issuer::{Endpoints, Issuer};

/// Where the issuer sends people back to.
const CALLBACK: &str = "/auth/google/callback";

pub struct Google {
    provider: Provider,
    issuer: Issuer,
    redirect: RedirectUrl,
}

/// Why nobody was identified. For the log: what an issuer says is not shown to anybody.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error("the issuer did not take the code: {0}")]
    Code(&'static str),
    #[error("the issuer has no key of that id")]
    Key,
    #[error("the ID token is refused: {0}")]
    Token(#[from] id_token::Refused),
}

/// Keydesk cannot speak to any issuer.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign in with {name}: {why}")]
pub struct Unusable {
    name: String,
    why: String,
}

/// What comes beside the access token, which nobody here wants.
#[derive(Serialize, Deserialize)]
struct WithIdToken {
    id_token: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for WithIdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WithIdToken(…)")
    }
}

impl ExtraTokenFields for WithIdToken {}

type Client<Url = EndpointNotSet> = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<WithIdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    Url,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    Url,
>;

impl Google {
    /// # Errors
    /// If no TLS can be spoken on this machine, or the public URL is none.
    pub fn new(provider: Provider, public_url: &str) -> Result<Self, Unusable> {
        let unusable = |why: String| Unusable { name: provider.name().to_owned(), why };
        let redirect = RedirectUrl::new(format!("{public_url}{CALLBACK}"));
        let redirect = redirect.map_err(|error| unusable(error.to_string()))?;
        let fetcher =
            Fetcher::reaching(&provider.issuer, provider.timeout).map_err(|error| unusable(error.to_string()))?;
        let issuer = Issuer::new(provider.issuer.clone(), fetcher);
        Ok(Self { provider, issuer, redirect })
    }

    /// `Google`, or the issuer's host.
    pub fn name(&self) -> &str {
        self.provider.name()
    }

    pub fn issuer(&self) -> &str {
        &self.provider.issuer
    }

    /// The icon beside its name.
    pub fn icon(&self) -> &'static str {
        if self.provider.is_google() { "google" } else { "external" }
    }

    /// Where the browser goes to sign in.
    ///
    /// # Errors
    /// If the issuer does not say where.
    pub async fn way_there(&self, fresh: &Fresh, now: Timestamp) -> Result<String, Failed> {
        let client = self.client(&self.issuer.endpoints(now).await?);
        let verifier = PkceCodeVerifier::new(fresh.verifier.to_string());
        let state = fresh.state.to_string();
        let (url, _) = client
            .authorize_url(|| CsrfToken::new(state))
            .add_scopes(["openid", "email"].map(|scope| Scope::new(scope.to_owned())))
            .add_extra_param("nonce", fresh.nonce.as_str())
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url.into())
    }

    /// Who came back with `code`.
    ///
    /// # Errors
    /// If the issuer does not say, or is not believed.
    pub async fn identify(
        &self,
        code: &str,
        verifier: &str,
        nonce_hash: &str,
        now: Timestamp,
    ) -> Result<Identity, Failed> {
        let token = self.exchange(code, verifier, now).await?;
        let key = self.issuer.key(&id_token::key_id(&token)?, now).await?.ok_or(Failed::Key)?;
        let expected = Expected { issuer: &self.provider.issuer, client_id: &self.provider.client_id, nonce_hash, now };
        Ok(id_token::check(&token, &key, expected)?)
    }

    /// The ID token for a code.
    async fn exchange(&self, code: &str, verifier: &str, now: Timestamp) -> Result<Zeroizing<String>, Failed> {
        let client = self.client(&self.issuer.endpoints(now).await?);
        let fetcher = self.issuer.fetcher.clone();
        let send = move |request| fetcher.clone().send(request);
        let granted = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .request_async(&send)
            .await;
        // Nothing of the answer is logged: it may hold tokens, or sentences that somebody else chose.
        let granted = granted.map_err(|error| match error {
            RequestTokenError::Request(unreachable) => Failed::Unreachable(unreachable),
            RequestTokenError::ServerResponse(_) => Failed::Code("it was refused"),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Failed::Code("its answer cannot be read"),
        })?;
        let token = granted.extra_fields().id_token.as_ref().ok_or(Failed::Code("its answer has no ID token"))?;
        Ok(token.clone())
    }

    fn client(&self, endpoints: &Endpoints) -> Client<EndpointSet> {
        let auth_type = if endpoints.wants_secret_in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        <Client>::new(ClientId::new(self.provider.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.provider.client_secret.to_string()))
            .set_auth_uri(AuthUrl::from_url(endpoints.authorization.clone()))
            .set_token_uri(TokenUrl::from_url(endpoints.token.clone()))
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(auth_type)
    }
}
