//! The JSON API: Bearer credentials only, one error shape, `application/json` in and out. No cookie is read here.

pub mod auth;
pub mod body;
pub mod door;
pub mod inboxes;
pub mod key;
pub mod keys;
mod maker;
pub mod once;
pub mod page;
pub mod problem;
pub mod rate;
