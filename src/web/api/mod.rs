//! The JSON API: Bearer credentials only, one error shape, `application/json` in and out. No cookie is read here. What a
//! handler takes and answers is a struct beside it, and [`openapi`] says all of it to programs.

pub mod audit_events;
pub mod auth;
pub mod body;
mod dialect;
pub mod door;
pub mod error_body;
pub mod inboxes;
pub mod key;
pub mod keys;
pub mod leaked_key;
mod maker;
pub mod moment;
pub mod once;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod rate;
pub mod secret_scanning;
pub mod team;
pub mod usage;
pub mod words;
