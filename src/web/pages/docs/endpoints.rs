//! The paths that Keydesk itself answers, for the page: as the definition calls them, with the scope that each takes.

use crate::model::scopes::WILDCARD;
use crate::product::reserved::{INBOXES_READ, INBOXES_WRITE, KEYS_READ, KEYS_WRITE};
use crate::product::{KeyAct, Product, Words};

/// One request that can be made.
pub struct Endpoint {
    pub method: &'static str,
    pub path: String,
    /// Empty: any key that works.
    pub scope: &'static str,
    pub does: String,
}

/// Method, path, scope, and what it does; `{api_name}`, `{resource}` and `{resources}` are the definition's words.
type Row = (&'static str, &'static str, &'static str, &'static str);

const KEYS: &[Row] = &[
    ("GET", "/v1/key", "", "Whose key this is: its name, scopes and expiry"),
    ("GET", "/v1/keys", KEYS_READ, "List keys, the newest first"),
    ("POST", "/v1/keys", KEYS_WRITE, "Create a key; the answer holds its secret, this once"),
    ("GET", "/v1/keys/{id}", KEYS_READ, "Get a key"),
    ("POST", "/v1/keys/{id}/rotate", KEYS_WRITE, "Give a key a new secret; the answer holds it, this once"),
    ("DELETE", "/v1/keys/{id}", KEYS_WRITE, "Delete a key"),
    ("GET", "/v1/usage", KEYS_READ, "Requests of each key by hour or day, passed and refused"),
    ("GET", "/v1/audit-events", KEYS_READ, "What happened, who did it and when, the newest first"),
];

const RESOURCES: &[Row] = &[
    ("GET", "/v1/{api_name}", INBOXES_READ, "List {resources}"),
    ("POST", "/v1/{api_name}", INBOXES_WRITE, "Create {resource_with_article}"),
    ("GET", "/v1/{api_name}/{id}", INBOXES_READ, "Get {resource_with_article}"),
    ("DELETE", "/v1/{api_name}/{id}", INBOXES_WRITE, "Delete {resource_with_article}, and the keys bound to it"),
];

const SESSIONS: &[Row] = &[
    ("POST", "/api/auth/signup", "", "Create an account with email and password"),
    ("POST", "/api/auth/login", "", "Log in with email and password"),
    ("POST", "/api/auth/refresh", "", "Spend a refresh token for new tokens"),
    ("POST", "/api/auth/logout", "", "End the session of a refresh token"),
];

/// Keys and resources.
pub fn of_desk(product: &Product) -> Vec<Endpoint> {
    let deletes =
        |row: &&Row| product.offers_over_api(KeyAct::Delete) || !(row.0 == "DELETE" && row.3 == "Delete a key");
    KEYS.iter().filter(deletes).chain(RESOURCES).map(|row| endpoint(row, product)).collect()
}

/// Session tokens, where they open the API.
pub fn of_sessions(product: &Product) -> Vec<Endpoint> {
    let rows = if product.api.session_token { SESSIONS } else { &[] };
    rows.iter().map(|row| endpoint(row, product)).collect()
}

/// `scope`, or what reaches that far in a product without it: nothing but full access.
pub fn takes(scope: &'static str, product: &Product) -> &'static str {
    if scope.is_empty() || product.scope(scope).is_some() { scope } else { WILDCARD }
}

fn endpoint(&(method, path, scope, does): &Row, product: &Product) -> Endpoint {
    Endpoint {
        method,
        path: named(path, &product.words),
        scope: takes(scope, product),
        does: named(does, &product.words),
    }
}

fn named(text: &str, words: &Words) -> String {
    text.replace("{api_name}", &words.api_name)
        .replace("{resources}", &words.resources)
        .replace("{resource_with_article}", &with_article(&words.resource))
}

/// `an inbox`, `a mailbox`.
fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
