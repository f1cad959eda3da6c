//! The words of the API that are one of a few: what a key's type, status, scope or environment can read. Most of them
//! come from the product definition, so the document fills in the choices (`openapi::words`).

use utoipa::ToSchema;

/// What a key reaches: the whole account, or the one inbox it is bound to.
#[derive(ToSchema)]
pub struct KeyType(pub String);

/// Whether a key works, and if not, why.
#[derive(ToSchema)]
pub struct Status(pub String);

/// What a key may do; `*` is everything.
#[derive(ToSchema)]
pub struct Scope(pub String);

/// The environment of a key; empty in a product without environments.
#[derive(ToSchema)]
pub struct Environment(pub String);

/// How long the old secret works on after a rotation.
#[derive(ToSchema)]
pub struct Grace(pub String);

/// The name of a key or an inbox: 1 to 50 characters. None is a control character, or one that nobody sees, or one that turns
/// around what stands beside it. White space around it is cut off.
#[derive(ToSchema)]
pub struct Name(pub String);

/// What requests are counted by.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Interval {
    Hour,
    /// From midnight to midnight, UTC.
    Day,
}
