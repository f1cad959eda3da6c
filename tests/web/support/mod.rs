//! What every test stands on: a desk of its own ([`TestApp`]), the people who come to it ([`Actor`]), what they are
//! told ([`Answer`]), and the raw look into the database that no page gives.

mod actor;
mod answer;
mod app;
mod binary;
mod cast;
mod database;
mod dice;
mod doorway;
mod html;
mod issuer;
mod logs;
pub mod mailbox;
mod memory;
mod requests;
mod signer;
mod verdicts;

pub use actor::{Actor, Key, PASSWORD};
pub use answer::Answer;
pub use app::{SECRET_FILE, TestApp};
pub use binary::{Binary, Connection, Heard};
pub use cast::{Cast, HOME};
pub use database::Place;
pub use dice::Dice;
pub use doorway::Doorway;
pub use issuer::{Forged, Issuer, Manner, Signed, queried};
pub use logs::logged;
pub use memory::resident;
pub use requests::Ask;
pub use signer::{Signer, encoded, token_part};
pub use verdicts::{CHALLENGE, IDENTITY, INVALID_TOKEN};

/// One `name=value` of a form.
pub type Field<'a> = (&'a str, &'a str);

/// What the routes of a key's page begin with.
pub fn key_path(id: &str, act: &str) -> String {
    if act.is_empty() { format!("/settings/api-keys/{id}") } else { format!("/settings/api-keys/{id}/{act}") }
}
