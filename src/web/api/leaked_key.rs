//! `POST /api/report-leaked-key`: a leaked key, reported by a program. It says no more than the page does.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::body::Body;
use super::error_body::ErrorBody;
use super::problem::Problem;
use crate::model::sighting::{Channel, Sighting};
use crate::web::App;
use crate::web::error::Error;
use crate::web::leaks::{THANKS, spend_report, take};
use crate::web::request::RequestInfo;

/// A key that was found where it should not be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeakedKey {
    /// The whole secret, or a text with it, or with up to 20 of them.
    #[schema(value_type = String, example = "kd_live_…")]
    secret: Zeroizing<String>,
    /// Where it was found. Its owner sees it, without what follows a question mark.
    #[serde(default)]
    url: String,
}

/// The same for every key.
#[derive(Serialize, ToSchema)]
pub struct Thanks {
    message: &'static str,
}

/// `POST /api/report-leaked-key`
#[utoipa::path(
    post, path = "/api/report-leaked-key", tag = "Leaks", operation_id = "report_leaked_key",
    summary = "Report a leaked key", description = "Switches a key off at once. Holding it is enough: there is no credential. The answer does not say whether it was one of this product’s.",
    request_body = LeakedKey,
    responses(
        (status = 202, description = "If it is a key of this product, it has been switched off.", body = Thanks),
        (status = 429, description = "Too many reports from this address.", body = ErrorBody),
    ),
)]
pub async fn create(
    State(app): State<App>,
    info: RequestInfo,
    Body(leaked): Body<LeakedKey>,
) -> Result<(StatusCode, Json<Thanks>), Problem> {
    spend_report(&app, &info).map_err(|throttled| Error::throttled(throttled, app.now()))?;
    let sighting = Sighting::new(Channel::Api, &leaked.url);
    take(&app, &info, &leaked.secret, &sighting).await?;
    Ok((StatusCode::ACCEPTED, Json(Thanks { message: THANKS })))
}
