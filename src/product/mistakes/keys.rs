//! Contradictions in what keys there are, and in what may be done to them.

use super::{Found, PLAIN, is_plain};
use crate::product::tree::one_of;
use crate::product::{KeyAct, Product, reserved};

pub fn check(product: &Product, found: &mut Found) {
    let prefix = &product.keys.prefix;
    if !is_plain(prefix) {
        found.add("keys.prefix", format!("keys.prefix is {prefix:?}"), PLAIN);
    }
    if product.keys.limit < 0 {
        let says = format!("keys.limit is {}", product.keys.limit);
        found.add("keys.limit", says, "Write how many keys an account may hold; 0 is no limit.");
    }
    types(product, found);
    environments(product, found);
    acts(product, found);
    choices(product, found);
    sign_up_key(product, found);
}

fn types(product: &Product, found: &mut Found) {
    let types = &product.keys.types;
    let known = "Known are standard and restricted.";
    found.refuse_twins("keys.types", "", types);
    for (index, key_type) in types.iter().enumerate() {
        if !matches!(key_type.as_str(), "standard" | "restricted") {
            found.add(format!("keys.types[{index}]"), format!("keys.types has {key_type:?}"), known);
        }
    }
    if types.is_empty() {
        found.add("keys.types", "keys.types is empty", "Name standard, restricted or both.");
    }
    if product.offers_type("restricted") && !product.scopes.iter().any(|scope| scope.restricted) {
        let allowed = "Give a scope restricted = true, or leave restricted out of keys.types.";
        found.add("keys.types", "No restricted key could hold any scope", allowed).given_each(
            "scopes",
            product.scopes.len(),
            "restricted",
        );
    }
}

fn environments(product: &Product, found: &mut Found) {
    found.refuse_twins("environments", ".id", product.environments.iter().map(|environment| &environment.id));
    for (index, environment) in product.environments.iter().enumerate() {
        let id = &environment.id;
        if !is_plain(id) {
            found.add(format!("environments[{index}].id"), format!("The environment's id is {id:?}"), PLAIN);
        }
        if environment.label.trim().is_empty() {
            let says = format!("The environment {id:?} has an empty label");
            found.add(format!("environments[{index}].label"), says, "Write what people call it.");
        }
    }
}

fn acts(product: &Product, found: &mut Found) {
    let keys = &product.keys;
    for (list, acts) in [("keys.in_page", &keys.in_page), ("keys.over_api", &keys.over_api)] {
        found.refuse_twins(list, "", acts.iter().map(|act| act.as_str()));
    }
    for (index, act) in keys.over_api.iter().enumerate() {
        if matches!(act, KeyAct::Rename | KeyAct::Pause) {
            let says = format!("keys.over_api has {:?}", act.as_str());
            found.add(format!("keys.over_api[{index}]"), says, "Known over the API are create, rotate and delete.");
        }
    }
    if !product.offers(KeyAct::Create) && !product.offers_over_api(KeyAct::Create) && product.sign_up_key.is_none() {
        let allowed = "Put create into keys.in_page or keys.over_api, or add [sign_up_key].";
        found
            .add(
                "keys.in_page",
                "No key could ever exist: create is offered nowhere, and a sign-up issues none",
                allowed,
            )
            .given(["keys.over_api", "sign_up_key"]);
    }
    let somebody = keys.full_access || product.api.session_token || product.scope(reserved::KEYS_WRITE).is_some();
    if !keys.over_api.is_empty() && !somebody {
        let allowed = "Add the scope keys:write, or set keys.full_access or api.session_token to true; or leave keys.over_api \
                       empty.";
        found
            .add("keys.over_api", "Nobody could do this over the API: no key and no token has the right to", allowed)
            .given(["keys.full_access", "api.session_token"])
            .given_each("scopes", product.scopes.len(), "id");
    }
}

fn choices(product: &Product, found: &mut Found) {
    if product.keys.choose_scopes {
        return;
    }
    if product.offers_type("standard") && !product.keys.full_access {
        let allowed = "Set keys.full_access to true, or let people choose scopes.";
        found
            .add("keys.choose_scopes", "Nobody chooses scopes, yet a standard key may not hold all of them", allowed)
            .beside("keys.full_access", "said here")
            .given(["keys.types"]);
    }
    for index in 0..product.presets.len() {
        let allowed = "Leave presets out, or set keys.choose_scopes to true.";
        found
            .add(format!("presets[{index}]"), "Nobody chooses scopes, so nobody can choose a preset", allowed)
            .beside("keys.choose_scopes", "said here");
    }
}

fn sign_up_key(product: &Product, found: &mut Found) {
    let Some(key) = &product.sign_up_key else { return };
    let (environment, preset) = (&key.environment, &key.preset);
    if key.name.trim().is_empty() {
        found.add("sign_up_key.name", "sign_up_key.name is empty", "Write what the first key is called.");
    }
    let is_none = product.environments.is_empty() && environment.is_empty();
    if product.environment(environment).is_none() && !is_none {
        let ids: Vec<&str> = product.environments.iter().map(|environment| environment.id.as_str()).collect();
        let allowed = match ids.as_slice() {
            [] => "There are no environments; leave it out.".into(),
            ids => one_of(environment, ids),
        };
        found
            .add("sign_up_key.environment", format!("sign_up_key.environment is {environment:?}"), allowed)
            .given_each("environments", ids.len(), "id");
    }
    let mut presets: Vec<&str> = product.presets.iter().map(|preset| preset.id.as_str()).collect();
    presets.extend(["full", "read"]);
    if !presets.contains(&preset.as_str()) {
        let allowed = one_of(preset, &presets);
        found.add("sign_up_key.preset", format!("sign_up_key.preset is {preset:?}"), allowed).given_each(
            "presets",
            product.presets.len(),
            "id",
        );
    }
    if !product.offers_type("standard") {
        let allowed = "Put standard into keys.types, or leave [sign_up_key] out.";
        found
            .add("sign_up_key", "A sign-up issues a standard key, and there are none", allowed)
            .beside("keys.types", "said here");
    }
}
