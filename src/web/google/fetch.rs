//! The one HTTP client, for an issuer and for the public keys of a scanner: no redirects, no more than 64 KiB, no longer than
//! a few seconds, and TLS unless the other side is on this machine.

use std::time::Duration;

use http::header::ACCEPT;
use oauth2::url::Url;
use oauth2::{HttpRequest, HttpResponse};
use reqwest::redirect::Policy;

/// Bytes of one answer.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    client: reqwest::Client,
}

/// The other side gives no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    #[error("the other side does not answer: {}", .0.without_url_in_words())]
    Silent(#[from] Silence),
    #[error("the other side answers with more than {LARGEST_ANSWER} bytes")]
    TooLarge,
    #[error("the other side answers {0} where its configuration or its keys should be")]
    Status(u16),
    #[error("the issuer's configuration or keys cannot be read")]
    Malformed,
    #[error("the issuer's configuration names an issuer or a place that it must not")]
    Elsewhere,
}

/// What went wrong on the way, without the URL: it may hold a code.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Silence(reqwest::Error);

impl Silence {
    fn without_url_in_words(&self) -> &'static str {
        match &self.0 {
            error if error.is_timeout() => "it takes too long",
            error if error.is_connect() => "no connection",
            error if error.is_redirect() => "it redirects",
            _ => "the connection broke",
        }
    }
}

impl From<reqwest::Error> for Unreachable {
    fn from(error: reqwest::Error) -> Self {
        Self::Silent(Silence(error.without_url()))
    }
}

impl Fetcher {
    /// # Errors
    /// If this machine has no certificates to trust.
    pub fn reaching(url: &str, timeout: Duration) -> Result<Self, reqwest::Error> {
        let on_this_machine = url.starts_with("http://");
        let builder = reqwest::Client::builder().timeout(timeout).redirect(Policy::none()).https_only(!on_this_machine);
        // Whoever is on this machine is not reached through a proxy, and shows no certificate.
        let builder = if on_this_machine { builder.no_proxy().tls_certs_only([]) } else { builder };
        Ok(Self { client: builder.build()? })
    }

    /// A JSON document.
    pub async fn get(&self, url: &Url) -> Result<Vec<u8>, Unreachable> {
        let answer = self.client.get(url.clone()).header(ACCEPT, "application/json").send().await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(Unreachable::Status(status.as_u16()));
        }
        read(answer).await
    }

    /// A request of the oauth2 crate, which speaks an older reqwest by itself.
    pub async fn send(self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let answer = self.client.execute(request.try_into()?).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = HttpResponse::new(read(answer).await?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, Unreachable> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Unreachable::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
