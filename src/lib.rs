//! Keydesk: the API-keys desk of an API product.
//!
//! `main → cli → web → gate → store → model → clock`, and `web → jobs → gate`: nothing imports upwards
//! (`tests/web/layers.rs` holds it). What is true lives in [`model`], what is remembered in [`store`], what is
//! decided in [`gate`], what is said in [`web`], what happens alone in [`jobs`].

pub mod cli;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod gate;
pub mod host;
pub mod jobs;
pub mod model;
pub mod product;
pub mod store;
pub mod telemetry;
pub mod web;
