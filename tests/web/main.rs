//! Keydesk through its router: no sockets, no sleeps, a frozen clock and seeded randomness. `KEYDESK_TEST_DATABASE_URL`
//! chooses a `PostgreSQL`; without it every test has an SQLite file of its own.

mod api;
mod api_shape;
#[path = "../browser/audit.rs"]
mod audit;
mod audit_events_api;
mod audit_log;
mod commands;
mod cross_site;
mod docs;
mod errors;
mod first_screen;
mod gate_cache;
mod gate_doors;
mod gate_headers;
mod gate_mutated;
mod gate_race;
mod gate_routes;
mod gate_scopes;
mod gate_trust;
mod gate_usage;
mod gate_verdicts;
mod gate_verify;
mod hammer;
mod headers;
mod inboxes;
mod keys_api;
mod keys_create;
mod keys_delete;
mod keys_list;
mod keys_reveal;
mod keys_rotate;
mod layers;
mod once;
mod openapi;
mod permissions;
mod products;
mod races;
mod secrets_at_rest;
mod session_tokens;
mod sign_in;
mod sign_up;
mod support;
mod usage_api;
