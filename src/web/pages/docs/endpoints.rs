//! The paths that Keydesk itself answers, for the page: as the definition calls them, with the scope that each takes.
//! What the definition does not offer, or no key could do, is left out.

use crate::model::scopes::WILDCARD;
use crate::model::text::with_article;
use crate::product::reserved::{INBOXES_READ, INBOXES_WRITE, KEYS_READ, KEYS_WRITE};
use crate::product::{KeyAct, Product, Route};

/// One request that can be made.
pub struct Endpoint<'a> {
    pub method: &'static str,
    pub path: String,
    /// Empty: any key that works.
    pub scope: &'a str,
    pub does: String,
}

/// Method, path below the API's own, scope, and what it does; `{api_name}`, `{resource}` and `{resources}` are the
/// definition's words.
type Row = (&'static str, &'static str, &'static str, &'static str);

const KEYS: &[(Option<KeyAct>, Row)] = &[
    (None, ("GET", "/key", "", "Whose key this is: its name, scopes and expiry")),
    (None, ("GET", "/keys", KEYS_READ, "List keys, the newest first")),
    (Some(KeyAct::Create), ("POST", "/keys", KEYS_WRITE, "Create a key; the answer holds its secret, this once")),
    (None, ("GET", "/keys/{id}", KEYS_READ, "Get a key")),
    (
        Some(KeyAct::Rotate),
        ("POST", "/keys/{id}/rotate", KEYS_WRITE, "Give a key a new secret; the answer holds it, this once"),
    ),
    (Some(KeyAct::Delete), ("DELETE", "/keys/{id}", KEYS_WRITE, "Delete a key")),
    (None, ("GET", "/usage", KEYS_READ, "Requests of each key by hour or day, passed and refused")),
    (None, ("GET", "/audit-events", KEYS_READ, "What happened, who did it and when, the newest first")),
];

const RESOURCES: &[Row] = &[
    ("GET", "/{api_name}", INBOXES_READ, "List {resources}"),
    ("POST", "/{api_name}", INBOXES_WRITE, "Create {resource_with_article}"),
    ("GET", "/{api_name}/{id}", INBOXES_READ, "Get {resource_with_article}"),
    ("DELETE", "/{api_name}/{id}", INBOXES_WRITE, "Delete {resource_with_article}{and_its_keys}"),
];

const SESSIONS: &[Row] = &[
    ("POST", "/api/auth/signup", "", "Create an account with email and password"),
    ("POST", "/api/auth/login", "", "Sign in with email and password"),
    ("POST", "/api/auth/refresh", "", "Spend a refresh token for new tokens"),
    ("POST", "/api/auth/logout", "", "End the session of a refresh token"),
];

/// What a session of an administrator does, and no key.
const TEAM: &[Row] = &[
    ("GET", "/team", "", "List the people of your account"),
    ("PATCH", "/team/{id}", "", "Change somebody’s role"),
    ("DELETE", "/team/{id}", "", "Remove somebody"),
    ("GET", "/team/invitations", "", "List invitations that nobody has taken"),
    ("POST", "/team/invitations", "", "Invite somebody by email"),
    ("DELETE", "/team/invitations/{id}", "", "Withdraw an invitation"),
];

/// Keys and resources.
pub fn of_desk(product: &Product) -> Vec<Endpoint<'_>> {
    let offered = KEYS.iter().filter(|(act, _)| act.is_none_or(|act| product.offers_over_api(act)));
    let rows = offered.map(|(_, row)| row).chain(RESOURCES);
    // What the definition has a route for stands among its routes.
    let is_routed = |endpoint: &Endpoint<'_>| {
        let path = endpoint.path.replace("{id}", "{inbox}");
        let same =
            |route: &&Route| route.method == endpoint.method && (route.path == path || route.path == endpoint.path);
        product.routes.iter().any(|route| same(&route))
    };
    rows.filter_map(|row| endpoint(row, &product.api.path, product)).filter(|found| !is_routed(found)).collect()
}

/// Session tokens, where they open the API.
pub fn of_sessions(product: &Product) -> Vec<Endpoint<'_>> {
    if !product.api.session_token {
        return Vec::new();
    }
    let sessions = SESSIONS.iter().filter_map(|row| endpoint(row, "", product));
    sessions.chain(TEAM.iter().filter_map(|row| endpoint(row, &product.api.path, product))).collect()
}

/// The definition's scope for what Keydesk calls `scope`, or what reaches that far in a product without it: full access,
/// which a session token has too. Nothing if nobody has that either.
pub fn takes<'a>(scope: &'a str, product: &'a Product) -> Option<&'a str> {
    let own = match scope {
        INBOXES_READ => product.sees_resources(),
        INBOXES_WRITE => product.changes_resources(),
        scope => scope,
    };
    if own.is_empty() || product.scope(own).is_some() {
        Some(own)
    } else {
        (product.keys.full_access || product.api.session_token).then_some(WILDCARD)
    }
}

fn endpoint<'a>(&(method, path, scope, does): &'a Row, below: &str, product: &'a Product) -> Option<Endpoint<'a>> {
    let path = format!("{below}{}", named(path, product));
    Some(Endpoint { method, path, scope: takes(scope, product)?, does: named(does, product) })
}

fn named(text: &str, product: &Product) -> String {
    let words = &product.words;
    let and_its_keys = if product.offers_type("restricted") { ", and the keys bound to it" } else { "" };
    text.replace("{api_name}", &words.api_name)
        .replace("{resources}", &words.resources)
        .replace("{resource_with_article}", &with_article(&words.resource))
        .replace("{and_its_keys}", and_its_keys)
}
