//! The document: it names every route of the API and nothing else, and it changes with the product.

use std::collections::BTreeSet;

use keydesk::product::{DEFAULT, KeyAct, Product};
use keydesk::web::api::openapi::document;
use serde_json::{Value, json};

use crate::permissions;
use crate::support::TestApp;

fn of(change: impl FnOnce(&mut Product)) -> Value {
    let mut product = Product::parse(DEFAULT).expect("the built-in definition");
    change(&mut product);
    document(&product, "https://keys.example")
}

/// Every `METHOD path` of a document, and the operation there.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().expect("operations");
            item.iter().map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
        })
        .collect()
}

#[test]
fn every_route_of_the_api_is_in_the_document_and_nothing_else() {
    let document = of(|product| product.words.api_name = "servers".into());
    // Whatever answers to GET answers to HEAD.
    let written = operations(&document).into_iter().map(|(name, _)| name);
    let written: BTreeSet<String> = written.filter(|name| !name.starts_with("HEAD")).collect();
    let of_the_api = |route: &String| {
        let path = route.split(' ').next_back().unwrap_or_default();
        !route.starts_with("ANY")
            && ["/v1/", "/api/auth/", "/api/report-leaked-key", "/gate/"].iter().any(|part| path.starts_with(part))
    };
    let routed: BTreeSet<String> = permissions::routes().into_iter().filter(of_the_api).collect();
    assert_eq!(written, routed);
}

#[test]
fn every_operation_has_a_name_of_its_own_and_every_reference_leads_somewhere() {
    let document = of(|product| product.words.api_name = "servers".into());
    let operations = operations(&document);
    let names: BTreeSet<_> = operations.iter().filter_map(|(_, operation)| operation["operationId"].as_str()).collect();
    assert_eq!(names.len(), operations.len());
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    for linked in text.split("\"operationId\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(names.contains(linked), "{linked}");
    }
}

#[test]
fn every_answer_has_its_headers_and_every_refusal_its_body() {
    let document = of(|_| {});
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.contains_key("500") && responses.contains_key("503"), "{name}");
        for (status, response) in responses {
            assert!(response["headers"].get("X-Request-Id").is_some(), "{name} {status}");
            let body = &response["content"]["application/json"]["schema"]["$ref"];
            assert!(status.starts_with('2') || *body == "#/components/schemas/ErrorBody", "{name} {status}");
        }
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let takes_query = parameters.clone().any(|parameter| parameter["in"] == "query");
        assert_eq!(responses.contains_key("414"), takes_query, "{name}");
        let secured = operation.get("security").is_some();
        assert_eq!(secured, name.contains("/v1/") || name.contains("/gate/authorize"), "{name}");
        // Whoever has not set up what their account asks for is refused, too.
        let refuses = secured || name.contains("/gate/") || name == "POST /api/auth/login";
        assert_eq!(responses.contains_key("403"), refuses, "{name}");
    }
}

#[test]
fn the_document_is_the_products_own() {
    let choices = |document: &Value, word: &str| document["components"]["schemas"][word]["enum"].clone();
    let built_in = of(|_| {});
    assert_eq!(built_in["openapi"], "3.1.0");
    assert_eq!(choices(&built_in, "Environment"), json!(["test", "live"]));
    assert_eq!(choices(&built_in, "Scope")[0], "*");
    assert!(built_in["paths"]["/v1/keys/{id}"].get("delete").is_some());
    assert_eq!(built_in["components"]["schemas"]["NewKey"]["anyOf"].as_array().map(Vec::len), Some(4));

    let other = of(|product| {
        product.brand.name = "Parcel Post".into();
        product.environments.clear();
        product.keys.types = vec!["standard".into()];
        product.keys.over_api.retain(|act| *act != KeyAct::Delete);
        product.rotation.grace = vec!["0".into()];
        product.scopes.retain(|scope| scope.id.starts_with("keys:"));
        product.api.session_token = false;
    });
    assert_eq!(other["info"]["title"], "Parcel Post API");
    assert_eq!(other["servers"], json!([{ "url": "https://keys.example" }]));
    assert_eq!(choices(&other, "Environment"), json!([""]));
    assert_eq!(choices(&other, "Scope"), json!(["*", "keys:read", "keys:write"]));
    assert_eq!(choices(&other, "Grace"), json!(["0"]));
    assert!(other["paths"]["/v1/keys/{id}"].get("delete").is_none());
    assert_eq!(other["components"]["schemas"]["NewKey"]["anyOf"].as_array().map(Vec::len), Some(2));
    assert!(!other.to_string().contains("session token of"));
}

#[tokio::test]
async fn anybody_may_read_it() {
    let desk = TestApp::new().await;
    let answer = desk.visitor().get("/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json(), document(&desk.app.product, &desk.app.public_url));
}

#[tokio::test]
async fn what_a_refusal_says_is_in_the_document() {
    let desk = TestApp::new().await;
    let alice = desk.alice().await;
    let inbox = alice.inbox("Orders").await;
    let program = desk.holder(&alice.restricted_key("orders", &inbox).await.secret);
    let described = of(|_| {})["components"]["schemas"]["ErrorDetail"]["properties"].clone();
    let credentials = json!({ "email": "dana", "password": "short" });
    for refusal in [
        program.get("/v1/keys").await,
        program.get("/v1/nothing").await,
        desk.visitor().get("/v1/keys").await,
        desk.visitor().post_json("/api/auth/signup", &credentials).await,
    ] {
        let body = refusal.json();
        for field in body["error"].as_object().expect("an error").keys() {
            assert!(described.get(field).is_some(), "{field} of {body}");
        }
    }
}
