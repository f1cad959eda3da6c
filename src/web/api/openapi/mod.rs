//! The API in OpenAPI 3.1. What every product has is generated from the handlers and their structs; what the product
//! definition decides (its words, scopes and policies) is filled in, so the document is true for the product in use.

mod answers;
mod new_key;
mod words;

use std::future::{Ready, ready};

use axum::body::Bytes;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::error_body::ErrorBody;
use super::{audit_events, auth, inboxes, key, keys, leaked_key, team, usage};
use crate::product::reserved::{INBOXES_READ, INBOXES_WRITE};
use crate::product::{KeyAct, Product};
use crate::web::{App, gate};

/// `/v1`: what a key or a session token opens.
#[derive(OpenApi)]
#[openapi(
    paths(
        key::show,
        keys::list,
        keys::create,
        keys::show,
        keys::delete,
        keys::rotate,
        inboxes::list,
        inboxes::create,
        inboxes::show,
        inboxes::delete,
        team::list,
        team::change_role,
        team::remove,
        team::list_invitations,
        team::invite,
        team::withdraw,
        usage::list,
        audit_events::list,
    ),
    components(schemas(ErrorBody))
)]
struct Management;

/// `/api/auth`: sessions without a browser.
#[derive(OpenApi)]
#[openapi(paths(auth::sign_up, auth::log_in, auth::refresh, auth::log_out))]
struct Sessions;

/// What anybody may report.
#[derive(OpenApi)]
#[openapi(paths(leaked_key::create))]
struct Reports;

/// `/gate`: what the product's gateway asks.
#[derive(OpenApi)]
#[openapi(paths(gate::authorize, gate::verify))]
struct Doors;

/// The document for this product, reached at `public_url`.
pub fn document(product: &Product, public_url: &str) -> Value {
    let mut operations = Management::openapi();
    operations.merge(Sessions::openapi());
    operations.merge(Reports::openapi());
    operations.merge(Doors::openapi());
    let mut document = serde_json::to_value(operations).expect("an OpenAPI document is JSON");
    document["info"] = json!({
        "title": format!("{} API", product.brand.name),
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Bearer credentials only. Every answer carries an X-Request-Id; every refusal has one shape of body.",
    });
    document["servers"] = json!([{ "url": public_url }]);
    document["components"]["securitySchemes"] = json!({ "bearer": bearer(product) });
    document["components"]["headers"] = answers::header_components();
    words::fill_in(&mut document["components"]["schemas"], product);
    document["components"]["schemas"]["NewKey"] = new_key::schema(product);
    offer(object(&mut document["paths"]), product);
    answer_to_other_methods(&mut document["paths"]["/gate/authorize"]);
    for operation in operations_of(&mut document) {
        name_scopes(operation, product);
        answers::complete(operation);
    }
    document
}

/// What answers `GET /openapi.json`: the document as it is from the start on.
pub fn serve(
    app: &App,
) -> impl Fn() -> Ready<([(HeaderName, &'static str); 1], Bytes)> + Clone + Send + Sync + 'static {
    let document = Bytes::from(document(&app.product, &app.public_url).to_string());
    move || ready(([(CONTENT_TYPE, "application/json")], document.clone()))
}

fn bearer(product: &Product) -> Value {
    let token = if product.api.session_token { ", or the session token of POST /api/auth/login" } else { "" };
    json!({ "type": "http", "scheme": "bearer", "description": format!("The secret of an API key{token}.") })
}

/// Leaves out what this product does not offer, and says the rest in its own words.
fn offer(paths: &mut Map<String, Value>, product: &Product) {
    let withheld = |act| !product.offers_over_api(act);
    let created = |paths: &mut Map<String, Value>, link| {
        object(&mut paths["/v1/keys"]["post"]["responses"]["201"]["links"]).remove(link);
    };
    if withheld(KeyAct::Delete) {
        object(&mut paths["/v1/keys/{id}"]).remove("delete");
        created(paths, "delete");
    }
    if withheld(KeyAct::Rotate) {
        paths.remove("/v1/keys/{id}/rotate");
        created(paths, "rotate");
    }
    if withheld(KeyAct::Create) {
        object(&mut paths["/v1/keys"]).remove("post");
    }
    if !product.api.session_token {
        paths.retain(|path, _| !path.starts_with("/v1/team"));
    }
    name_resources(paths, &product.words.api_name);
    if product.api.path != "/v1" {
        below_own_path(paths, &product.api.path);
    }
}

/// Says the paths of `/v1` below the path of the product's own API, where they are answered too.
fn below_own_path(paths: &mut Map<String, Value>, own: &str) {
    let all = std::mem::take(paths);
    paths.extend(all.into_iter().map(|(path, item)| match path.strip_prefix("/v1/") {
        Some(rest) => (format!("{own}/{rest}"), item),
        None => (path, item),
    }));
}

/// Says the inboxes by their own name too.
fn name_resources(paths: &mut Map<String, Value>, own: &str) {
    if own == "inboxes" {
        return;
    }
    for path in ["/v1/inboxes", "/v1/inboxes/{id}"] {
        let mut item = paths[path].clone();
        for operation in object(&mut item).values_mut() {
            let verb = operation["operationId"].as_str().and_then(|id| id.split('_').next()).unwrap_or_default();
            operation["operationId"] = format!("{verb}_{own}").into();
            if let Some(links) = operation.pointer_mut("/responses/201/links") {
                *links = links_by_path(own);
            }
        }
        paths.insert(path.replace("inboxes", own), item);
    }
}

/// Says the scopes of resources as the definition does.
fn name_scopes(operation: &mut Value, product: &Product) {
    let scopes = operation.pointer_mut("/security/0/bearer").and_then(Value::as_array_mut);
    for scope in scopes.into_iter().flatten() {
        match scope.as_str() {
            Some(INBOXES_READ) => *scope = product.sees_resources().into(),
            Some(INBOXES_WRITE) => *scope = product.changes_resources().into(),
            _ => {}
        }
    }
}

/// Gateways ask by the method that they like.
fn answer_to_other_methods(item: &mut Value) {
    for method in ["head", "post"] {
        let mut operation = item["get"].clone();
        operation["operationId"] = format!("authorize_by_{method}").into();
        item[method] = operation;
    }
}

/// From a made inbox to its own path, under the product's own name.
fn links_by_path(own: &str) -> Value {
    let link =
        |verb: &str| json!({ "operationId": format!("{verb}_{own}"), "parameters": { "id": "$response.body#/id" } });
    json!({ "show": link("get"), "delete": link("delete") })
}

fn operations_of(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    object(&mut document["paths"]).values_mut().flat_map(|item| object(item).values_mut())
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("this part of the document is an object")
}
