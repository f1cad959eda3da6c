//! `POST /api/secret-scanning/github`: what GitHub's secret scanning finds, in the format of its partner program. Believed
//! only if GitHub signed the very bytes that came; a report that comes twice does nothing the second time.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::body::read;
use super::problem::Problem;
use crate::model::audit::Actor;
use crate::model::keyring::hex;
use crate::model::secret::Presented;
use crate::model::sighting::{Channel, Sighting};
use crate::store::leaked_keys::Reported;
use crate::store::secret_prefixes;
use crate::web::App;
use crate::web::error::Error;
use crate::web::leaks::{spend_report, stop};
use crate::web::request::RequestInfo;

const KEY_ID: &str = "github-public-key-identifier";
const SIGNATURE: &str = "github-public-key-signature";

/// One match. What else GitHub may come to say of it is not ours to refuse.
#[derive(Deserialize)]
struct Finding {
    token: Zeroizing<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

/// Whether it was a secret. It goes back as a hash: there is no need to say it again.
#[derive(Serialize)]
pub struct Feedback {
    token_hash: String,
    token_type: String,
    label: &'static str,
}

/// `POST /api/secret-scanning/github`
pub async fn create(
    State(app): State<App>,
    info: RequestInfo,
    request: Request,
) -> Result<Json<Vec<Feedback>>, Problem> {
    if app.scanning_keys.is_none() {
        return Err(Problem::not_found());
    }
    let headers = request.headers().clone();
    let body = Zeroizing::new(read(request).await?.to_vec());
    believe(&app, &info, &headers, &body).await?;
    let findings: Vec<Finding> = serde_json::from_slice(&body)
        .map_err(|_| Problem::bad_request("The body is not what this path takes: a JSON array of matches."))?;
    let scanner = Actor { kind: "system".into(), name: "GitHub secret scanning".into(), ..info.visitor() };
    let prefixes = secret_prefixes::list(&app.db).await?;
    let mut feedback = Vec::with_capacity(findings.len());
    for finding in findings {
        let is_ours = stop_found(&app, &scanner, &finding, &prefixes).await?;
        feedback.push(Feedback {
            token_hash: hex(&Sha256::digest(finding.token.as_bytes())),
            token_type: finding.kind,
            label: if is_ours { "true_positive" } else { "false_positive" },
        });
    }
    Ok(Json(feedback))
}

/// Goes on only if a key of GitHub's signed these bytes. Whoever is not believed has so many tries.
async fn believe(app: &App, info: &RequestInfo, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = match (&app.scanning_keys, said(KEY_ID), said(SIGNATURE)) {
        (Some(keys), Some(id), Some(signature)) => {
            let verified = keys.verify(id, signature, body, app.now()).await;
            verified.map_err(|error| {
                tracing::error!(%error, "The public keys of secret scanning cannot be had");
                Problem::from(Error::Busy)
            })?
        }
        _ => false,
    };
    if signed {
        return Ok(());
    }
    spend_report(app, info).map_err(|throttled| Error::throttled(throttled, app.now()))?;
    Err(Problem::not_signed())
}

/// Stops what was found. Answers whether any of it was ever a secret of ours.
async fn stop_found(app: &App, scanner: &Actor, finding: &Finding, prefixes: &[String]) -> Result<bool, Problem> {
    let place = Sighting::new(Channel::GitHub, finding.url.as_deref().unwrap_or_default());
    let sighting = place.of_kind(finding.source.as_deref().unwrap_or_default());
    let mut is_ours = false;
    for leaked in Presented::all_within(&finding.token, prefixes) {
        is_ours |= stop(app, scanner, leaked, &sighting).await? != Reported::Unknown;
    }
    Ok(is_ours)
}
