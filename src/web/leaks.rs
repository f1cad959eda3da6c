//! Leaked keys as they are reported from outside: by a page, over the API, by a scanner. What is found is stopped, and
//! strangers are not told whether there was anything to stop.

use super::App;
use super::error::Error;
use super::request::RequestInfo;
use crate::gate::throttle::{REPORTS_PER_ADDRESS, Throttled};
use crate::model::audit::Actor;
use crate::model::network::source_of;
use crate::model::secret::Presented;
use crate::model::sighting::Sighting;
use crate::product::KeyAct;
use crate::store::leaked_keys::{self, Remedy, Reported};
use crate::store::secret_prefixes;

/// Where anybody reports one.
pub const PAGE: &str = "/report-leaked-key";
/// What everybody is told who does.
pub const THANKS: &str = "Thank you. If it is one of ours, it has been switched off.";
/// Keys that one report of a stranger may name: each costs a read.
const MOST_AT_ONCE: usize = 20;

/// Spends one report of this source.
///
/// # Errors
/// If there is none left.
pub fn spend_report(app: &App, info: &RequestInfo) -> Result<(), Throttled> {
    app.throttle.spend(&format!("leak {}", source_of(info.ip)), REPORTS_PER_ADDRESS, app.now())
}

/// Stops what of `text` is a secret of ours, as a stranger reports it.
///
/// # Errors
/// If the database does not answer; what was stopped is.
pub async fn take(app: &App, info: &RequestInfo, text: &str, sighting: &Sighting) -> Result<(), Error> {
    let visitor = Actor { name: "A visitor".into(), ..info.visitor() };
    let prefixes = secret_prefixes::list(&app.db).await?;
    for leaked in Presented::all_within(text, &prefixes).into_iter().take(MOST_AT_ONCE) {
        stop(app, &visitor, leaked, sighting).await?;
    }
    Ok(())
}

/// Stops one secret, and has its owners told.
///
/// # Errors
/// If the database does not answer.
pub async fn stop(app: &App, actor: &Actor, leaked: Presented<'_>, sighting: &Sighting) -> sqlx::Result<Reported> {
    // Where nobody can make another key, a deleted one would take the account with it.
    let remedy = if app.product.offers(KeyAct::Create) { Remedy::Delete } else { Remedy::Rotate };
    let reported = leaked_keys::report(&app.db, &app.act(actor), leaked, sighting, remedy).await?;
    if reported.stopped_one() {
        app.post.bell.notify_one();
    }
    Ok(reported)
}
