//! The API against its own document: schemathesis reads `/openapi.json` of the real binary and sends what it allows, what it
//! forbids, and sequences of both. It comes from PyPI, so `cargo test` leaves these tests out and `./scripts/test` runs
//! them.

#[path = "../browser/audit.rs"]
#[expect(dead_code, reason = "the browser tests look for secrets in pages")]
mod audit;
#[path = "../browser/caller.rs"]
#[expect(dead_code, reason = "the browser tests call the API in more ways")]
mod caller;
#[path = "../browser/desk.rs"]
#[expect(dead_code, reason = "the browser tests start the desk in more ways")]
mod desk;
mod questions;
