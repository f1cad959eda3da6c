//! A key like one that there is: the form for a new key, filled from the one that will expire or has. What the definition
//! has no more is left out of it, and the name is the next that is likely to be free.

use crate::model::api_key::ApiKey;
use crate::model::key_form::{KeyForm, holdable};
use crate::model::name;
use crate::product::Product;

const DAY: i64 = 86_400_000_000;

pub(super) fn form(key: &ApiKey, new_keys: &Product) -> KeyForm {
    let full = key.scopes.is_full_access();
    let scopes: Vec<String> =
        holdable(new_keys, key.key_type).map(|scope| scope.id.clone()).filter(|id| key.scopes.grants(id)).collect();
    let is_standard = key.inbox_id.is_none();
    KeyForm {
        key_type: key.key_type.as_str().into(),
        name: name::successor(&key.name),
        environment: key.environment.clone(),
        inbox: key.inbox_id.clone().unwrap_or_default(),
        preset: if full && is_standard { "full".into() } else { "custom".into() },
        scopes: if full && is_standard { Vec::new() } else { scopes },
        expires: expires(key, new_keys),
        allowed_ips: key.allowed_ips.to_string(),
        ..KeyForm::default()
    }
}

/// As long as the one before, if that can be chosen.
fn expires(key: &ApiKey, new_keys: &Product) -> String {
    let days = key.expires_after.and_then(|micros| u64::try_from((micros + DAY / 2) / DAY).ok());
    let days = days.filter(|days| new_keys.expiry.choices_days.contains(days)).or(new_keys.expiry.default_days);
    days.map_or("none".into(), |days| days.to_string())
}
