//! What one key may give another: nothing that it does not have. No key makes, or takes over, one that is wider than
//! itself in scopes, environment, addresses or time.

use super::problem::Problem;
use crate::clock::Timestamp;
use crate::gate::Holder;
use crate::model::api_key::{AllowedIps, ApiKey, KeyType, Status};
use crate::model::key_form::NewKey;
use crate::model::scopes::{Scopes, WILDCARD};
use crate::product::Product;
use crate::web::App;

/// Whether `holder` may hold `key`: nothing of it may be wider, and it must be worth rotating.
pub(super) fn takes_over(holder: &Holder, key: &ApiKey, app: &App) -> Result<(), Problem> {
    if key.status(app.now()) == Status::Expired {
        return Err(Problem::conflict(
            "This key has expired. Rotate it under Settings → API keys, where it gets a new term.",
        ));
    }
    covers(holder, key.key_type, &key.scopes, &app.product)?;
    reaches_environment(holder, &key.environment, &app.product)?;
    if !within(holder, &key.allowed_ips) {
        return Err(Problem::beyond_addresses());
    }
    match holder {
        Holder::Key(own) if outlives(key.expires_at, own.expires_at()) => Err(Problem::beyond_expiry()),
        _ => Ok(()),
    }
}

/// Whether the one expiry lies beyond the other; none lies beyond all.
fn outlives(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    other.is_some_and(|other| one.is_none_or(|one| one > other))
}

/// `new` as far as its maker may make it. What a maker is limited by and `new` leaves open, it hands on.
pub(super) fn no_wider(holder: &Holder, new: NewKey, product: &Product) -> Result<NewKey, Problem> {
    covers(holder, new.key_type, &new.scopes, product)?;
    reaches_environment(holder, &new.environment, product)?;
    let Holder::Key(maker) = holder else { return Ok(new) };
    let allowed_ips = if new.allowed_ips.is_empty() { maker.allowed_ips().clone() } else { new.allowed_ips };
    if !within(holder, &allowed_ips) {
        return Err(Problem::beyond_addresses());
    }
    let expires_at = new.expires_at.or(maker.expires_at());
    if outlives(expires_at, maker.expires_at()) {
        return Err(Problem::beyond_expiry());
    }
    Ok(NewKey { expires_at, allowed_ips, ..new })
}

fn covers(holder: &Holder, key_type: KeyType, scopes: &Scopes, product: &Product) -> Result<(), Problem> {
    let Holder::Key(maker) = holder else { return Ok(()) };
    let has = |scope: &str| match scope {
        WILDCARD => maker.rights().scopes.is_full_access(),
        scope => maker.grants(scope, product),
    };
    // A restricted key sees its inbox without being told so.
    let bound = (key_type == KeyType::Restricted).then(|| product.sees_resources());
    let beyond = scopes.iter().chain(bound).find(|scope| !has(scope));
    beyond.map_or(Ok(()), |scope| Err(Problem::beyond_maker(scope)))
}

/// A rehearsal key stays in its rehearsal.
pub(super) fn reaches_environment(holder: &Holder, environment: &str, product: &Product) -> Result<(), Problem> {
    let Holder::Key(maker) = holder else { return Ok(()) };
    let rehearsal = product.environment(&maker.rights().environment).is_some_and(|environment| environment.rehearsal);
    if !rehearsal || maker.rights().environment == environment {
        Ok(())
    } else {
        Err(Problem::beyond_environment(environment))
    }
}

/// Whether `allowed` stays within the addresses that the holder may be used from.
fn within(holder: &Holder, allowed: &AllowedIps) -> bool {
    let Holder::Key(maker) = holder else { return true };
    let own = maker.allowed_ips();
    let inside = || !allowed.is_empty() && allowed.iter().all(|network| own.iter().any(|own| own.contains(network)));
    own.is_empty() || inside()
}
