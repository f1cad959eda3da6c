//! What every test stands on: a desk of its own ([`TestApp`]), the people who come to it ([`Actor`]), what they are
//! told ([`Answer`]), and the raw look into the database that no page gives.

mod actor;
mod answer;
mod app;
mod database;
mod html;
mod logs;
mod requests;

pub use actor::{Actor, PASSWORD};
pub use answer::Answer;
pub use app::TestApp;
pub use logs::logged;
pub use requests::Ask;

/// One `name=value` of a form.
pub type Field<'a> = (&'a str, &'a str);

/// What the routes of a key's page begin with.
pub fn key_path(id: &str, act: &str) -> String {
    if act.is_empty() { format!("/settings/api-keys/{id}") } else { format!("/settings/api-keys/{id}/{act}") }
}
