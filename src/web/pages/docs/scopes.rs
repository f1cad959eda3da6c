//! Scopes and presets, as the page tables them.

use crate::model::api_key::KeyType;
use crate::model::key_form::holdable;
use crate::model::scopes::{Scopes, comes_with_binding};
use crate::product::{Product, ScopeDefinition, ScopeKind};

pub struct Group<'a> {
    pub label: &'a str,
    pub scopes: Vec<Scope<'a>>,
}

pub struct Scope<'a> {
    pub id: &'a str,
    pub kind: &'static str,
    pub description: &'a str,
    /// What a restricted key has of it: `Yes`, `Its own inbox`, or nothing.
    pub restricted: String,
    /// What it brings with it.
    pub implies: Vec<String>,
}

pub struct Preset<'a> {
    pub id: &'a str,
    pub label: &'a str,
    pub scopes: Vec<String>,
}

/// The definition's groups that have scopes.
pub fn groups<'a>(product: &'a Product) -> Vec<Group<'a>> {
    let group = |group: &'a crate::product::Group| {
        let scopes = product.scopes.iter().filter(|scope| scope.group == group.id);
        Group { label: &group.label, scopes: scopes.map(|scope| shown(scope, product)).collect() }
    };
    product.groups.iter().map(group).filter(|group| !group.scopes.is_empty()).collect()
}

fn shown<'a>(scope: &'a ScopeDefinition, product: &Product) -> Scope<'a> {
    let alone = Scopes::ordered(std::slice::from_ref(&scope.id), product);
    let with_implied = alone.with_implied(product);
    Scope {
        id: &scope.id,
        kind: match scope.kind {
            ScopeKind::Read => "Read",
            ScopeKind::Write => "Write",
            ScopeKind::Action => "Action",
        },
        description: &scope.description,
        restricted: match scope.id.as_str() {
            id if holdable(product, KeyType::Restricted).any(|holdable| holdable.id == id) => "Yes".into(),
            id if comes_with_binding(id, product) => format!("Its own {}", product.words.resource),
            _ => String::new(),
        },
        implies: with_implied.iter().filter(|id| *id != scope.id).map(str::to_owned).collect(),
    }
}

/// The definition's own presets, then those that always exist.
pub fn presets(product: &Product) -> Vec<Preset<'_>> {
    let own = product.presets.iter().map(|preset| Preset {
        id: &preset.id,
        label: &preset.label,
        scopes: preset.scopes.clone(),
    });
    let reads = product.preset_scopes("read").unwrap_or_default();
    let read = (!reads.is_empty()).then_some(Preset { id: "read", label: "Read only", scopes: reads });
    let everything = if product.offers_type("standard") {
        product.preset_scopes("full").unwrap_or_default()
    } else {
        holdable(product, KeyType::Restricted).map(|scope| scope.id.clone()).collect()
    };
    let label = if product.keys.full_access { "Full access" } else { "All scopes" };
    let full = Preset { id: "full", label, scopes: everything };
    own.chain(read).chain([full]).collect()
}
