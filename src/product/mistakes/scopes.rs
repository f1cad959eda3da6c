//! Contradictions in what a key may be allowed: groups, scopes, presets and routes.

use super::{Found, SEGMENT, is_segment};
use crate::product::routes::Routes;
use crate::product::tree::one_of;
use crate::product::{Product, reserved};

pub fn check(product: &Product, found: &mut Found) {
    groups(product, found);
    scopes(product, found);
    references(product, found);
    presets(product, found);
    routes(product, found);
}

fn groups(product: &Product, found: &mut Found) {
    found.refuse_twins("groups", ".id", product.groups.iter().map(|group| &group.id));
    for (index, group) in product.groups.iter().enumerate() {
        if !is_segment(&group.id) {
            found.add(format!("groups[{index}].id"), format!("The group's id is {:?}", group.id), SEGMENT);
        }
        if group.label.trim().is_empty() {
            let says = format!("The group {:?} has an empty label", group.id);
            found.add(format!("groups[{index}].label"), says, "Write what people call it.");
        }
    }
}

fn scopes(product: &Product, found: &mut Found) {
    if product.scopes.is_empty() {
        found.add("scopes", "There are no scopes; a key could do nothing", "Write [[scopes]], once for each.");
    }
    found.refuse_twins("scopes", ".id", product.scopes.iter().map(|scope| &scope.id));
    let never = [product.changes_resources(), reserved::INBOXES_WRITE, reserved::KEYS_READ, reserved::KEYS_WRITE];
    for (index, scope) in product.scopes.iter().enumerate() {
        let id = &scope.id;
        if !is_scope(id) {
            let allowed = format!("Write resource:action. {SEGMENT}");
            found.add(format!("scopes[{index}].id"), format!("The scope's id is {id:?}"), allowed);
        }
        if scope.restricted && never.contains(&id.as_str()) {
            let allowed = "Leave restricted out: a key bound to one resource manages no keys and no resources.";
            found
                .add(format!("scopes[{index}].restricted"), format!("No restricted key may ever hold {id}"), allowed)
                .given(["words.api_name"]);
        }
        if scope.description.trim().is_empty() {
            let says = format!("The scope {id:?} has an empty description");
            found.add(format!("scopes[{index}].description"), says, "Write what it allows.");
        }
    }
}

fn references(product: &Product, found: &mut Found) {
    let groups: Vec<&str> = product.groups.iter().map(|group| group.id.as_str()).collect();
    let scopes: Vec<&str> = product.scopes.iter().map(|scope| scope.id.as_str()).collect();
    for (index, scope) in product.scopes.iter().enumerate() {
        if !groups.contains(&scope.group.as_str()) {
            let says = format!("The scope {:?} is in the group {:?}, which is not defined", scope.id, scope.group);
            found.add(format!("scopes[{index}].group"), says, one_of(&scope.group, &groups)).given_each(
                "groups",
                groups.len(),
                "id",
            );
        }
        for (nth, implied) in scope.implies.iter().enumerate() {
            let place = format!("scopes[{index}].implies[{nth}]");
            if *implied == scope.id {
                found.add(place, format!("The scope {implied:?} implies itself"), "Leave it out.");
            } else if !scopes.contains(&implied.as_str()) {
                let says = format!("The scope {:?} implies {implied:?}, which is not defined", scope.id);
                found.add(place, says, one_of(implied, &scopes)).given_each("scopes", scopes.len(), "id");
            }
        }
    }
}

fn presets(product: &Product, found: &mut Found) {
    let scopes: Vec<&str> = product.scopes.iter().map(|scope| scope.id.as_str()).collect();
    found.refuse_twins("presets", ".id", product.presets.iter().map(|preset| &preset.id));
    for (index, preset) in product.presets.iter().enumerate() {
        let id = &preset.id;
        if matches!(id.as_str(), "full" | "read" | "custom") {
            let allowed = "full, read and custom always exist; choose another id.";
            found.add(format!("presets[{index}].id"), format!("The preset's id is {id:?}"), allowed);
        } else if !is_segment(id) {
            found.add(format!("presets[{index}].id"), format!("The preset's id is {id:?}"), SEGMENT);
        }
        if preset.label.trim().is_empty() {
            let says = format!("The preset {id:?} has an empty label");
            found.add(format!("presets[{index}].label"), says, "Write what people call it.");
        }
        if preset.scopes.is_empty() {
            let says = format!("The preset {id:?} has no scopes");
            found.add(format!("presets[{index}].scopes"), says, "Name one or more, or leave the preset out.");
        }
        for (nth, scope) in preset.scopes.iter().enumerate().filter(|(_, scope)| !scopes.contains(&scope.as_str())) {
            let says = format!("The preset {id:?} names the scope {scope:?}, which is not defined");
            found.add(format!("presets[{index}].scopes[{nth}]"), says, one_of(scope, &scopes)).given_each(
                "scopes",
                scopes.len(),
                "id",
            );
        }
    }
}

fn routes(product: &Product, found: &mut Found) {
    let scopes: Vec<&str> = product.scopes.iter().map(|scope| scope.id.as_str()).collect();
    for (index, route) in product.routes.iter().enumerate() {
        if !route.scope.is_empty() && !scopes.contains(&route.scope.as_str()) {
            let says = format!("The route takes the scope {:?}, which is not defined", route.scope);
            found.add(format!("routes[{index}].scope"), says, one_of(&route.scope, &scopes)).given_each(
                "scopes",
                scopes.len(),
                "id",
            );
        }
    }
    for unfit in Routes::compile(&product.routes).err().unwrap_or_default() {
        let field = unfit.field;
        found.add(format!("routes[{}].{field}", unfit.route), unfit.says, unfit.allowed);
    }
}

/// `resource:action`, in characters that a header, a form and a stored line can all hold.
fn is_scope(id: &str) -> bool {
    id.split_once(':').is_some_and(|(resource, action)| is_segment(resource) && is_segment(action))
}
