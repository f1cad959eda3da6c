//! `keydesk demo`.
use super::Failure;
use crate::config::Settings;
pub async fn run(_: Settings) -> Result<(), Failure> {
    Ok(())
}
