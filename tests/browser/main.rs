//! Keydesk as people use it: the real binary, a real Chromium, and nothing in between.
//!
//! Every test needs Chromium and its driver, so `cargo test` leaves them out and `./scripts/test` runs them.

mod accessibility;
mod audit;
mod browser;
mod caller;
mod database;
mod demo;
#[expect(dead_code, reason = "the mail tests kill the desk too")]
mod desk;
mod download;
mod driver;
mod flows;
mod gallery;
mod google;
mod harness;
mod inspector;
mod issuer;
mod keyboard;
mod keyboard_doors;
mod keyboard_proofs;
mod keyboard_sessions;
mod leaked_key;
mod looks;
mod needs;
mod person;
mod recovery;
mod reveal_again;
mod scriptless_account;
mod scriptless_keys;
mod scriptless_lists;
mod several;
mod support;
mod team;
mod two_factor;
mod usage;
mod view;
mod visits;
