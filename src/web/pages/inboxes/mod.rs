//! Settings → Inboxes: what restricted keys are bound to.

pub mod delete;
pub mod list;
pub mod new;
