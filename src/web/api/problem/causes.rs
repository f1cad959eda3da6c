//! What the gate, the store and the pages call a mistake, as a problem of the API. Internals stay in the log.

use axum::http::StatusCode;

use super::{CHALLENGE, INVALID_TOKEN, Problem};
use crate::gate::Unavailable;
use crate::gate::verdict::Refusal;
use crate::gate::window::Allowance;
use crate::model::text;
use crate::web::api::dialect::Sentence;
use crate::web::error::Error;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let unauthorized = || {
            Self::new(StatusCode::UNAUTHORIZED, "authentication_error", "unauthorized", "Invalid or missing API key.")
                .worded_as(Sentence::Unauthorized)
        };
        match refusal {
            Refusal::Ambiguous(why) => Self::bad_request(why),
            Refusal::PlainHttp => Self::new(
                StatusCode::FORBIDDEN,
                "permission_error",
                "https_required",
                "This credential came over plain HTTP. Use https, and replace the key: it may have been read on the way.",
            ),
            Refusal::Missing => unauthorized().with_challenge(CHALLENGE),
            Refusal::Malformed | Refusal::Unknown | Refusal::SessionEnded | Refusal::Dead(_) => {
                unauthorized().with_challenge(INVALID_TOKEN)
            }
            Refusal::Throttled { .. } => {
                Self::too_many("Too many invalid API keys came from your address. Retry after 1 second.".into(), 1)
            }
            Refusal::AddressNotAllowed => Self::forbidden("This key may not be used from your address."),
            Refusal::RouteUnknown => Self::new(
                StatusCode::FORBIDDEN,
                "permission_error",
                "route_unknown",
                "No route of this API has this method and path.",
            ),
            Refusal::OutOfReach => Self::not_found(),
            Refusal::MissingScope { scope, never } => Self::missing_scope(scope, never),
            Refusal::RateLimited(Allowance { wait, .. }) => {
                let after = text::count(wait.unsigned_abs(), "second", "seconds");
                Self::too_many(format!("Rate limit exceeded. Retry after {after}."), wait)
                    .worded_as(Sentence::RateLimited)
            }
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::TooManyRequests { seconds, .. } => {
                let message = format!("Too many tries. Retry after {}.", text::count(seconds, "second", "seconds"));
                Self::too_many(message, i64::try_from(seconds).unwrap_or(i64::MAX))
            }
            Error::KnownDevicesOnly { seconds } => {
                let wait = text::count(seconds, "second", "seconds");
                let message = format!("Too many sign-ins with this email failed. Retry after {wait}.");
                Self::too_many(message, i64::try_from(seconds).unwrap_or(i64::MAX))
            }
            Error::SignInRequired { .. } => Refusal::SessionEnded.into(),
            Error::TooSlow => Self::too_slow(),
            Error::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "api_error",
                "unavailable",
                "Busy right now. Try again in a few seconds.",
            ),
            Error::Overdue => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "api_error",
                "overdue",
                "This took too long, and we gave up on it. It may have been done all the same: look before you try again.",
            ),
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "api_error",
                "internal",
                "Something broke on our side. Nothing was half done.",
            ),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        tracing::error!(%error, "A credential could not be tested");
        Error::Busy.into()
    }
}
