//! `keydesk openapi`: prints the API of the product in use, without opening the database.

use super::Failure;
use crate::config::Settings;
use crate::web::api::openapi::document;

pub fn run(settings: &Settings) -> Result<(), Failure> {
    let document = document(&settings.product()?, &settings.public_url(settings.listen)?);
    println!("{document:#}");
    Ok(())
}
