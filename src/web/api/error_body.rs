//! The body of every refusal, as the document describes it; [`super::problem`] makes it.

use utoipa::ToSchema;

/// What every refusal says.
#[derive(ToSchema)]
pub struct ErrorBody {
    pub error: ErrorDetail,
}

/// What is wrong, for programs (`type`, `code`) and for people (`message`).
#[derive(ToSchema)]
pub struct ErrorDetail {
    /// `invalid_request_error`, `authentication_error`, `permission_error`, `not_found_error`, `rate_limit_error` or
    /// `api_error`.
    #[schema(rename = "type")]
    pub kind: String,
    /// What exactly, within its type.
    pub code: String,
    pub message: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What support finds the request by; the header `X-Request-Id` says it too.
    #[schema(pattern = "^req_[0-9A-Za-z]{16}$")]
    pub request_id: String,
    /// 403: the scope that the key lacks.
    #[schema(nullable = false)]
    pub required_scope: Option<String>,
    /// 422: the first field that can’t be what it is.
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// 422: every field that can’t be what it is.
    #[schema(nullable = false)]
    pub errors: Option<Vec<FieldMistake>>,
    /// 429: seconds to wait; the header `Retry-After` says it too.
    #[schema(rename = "retryAfter", nullable = false)]
    pub retry_after: Option<u64>,
}

/// A field that can’t be what it is.
#[derive(ToSchema)]
pub struct FieldMistake {
    pub field: String,
    pub message: String,
}
