//! A developer's own program: calls the API with a secret that was copied off a page.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, Request};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value as Json, json};

/// Calls `method path` of the desk at `origin` and answers status and body.
pub async fn call(origin: &str, secret: &str, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
    let request = Request::builder()
        .method(method)
        .uri(format!("{origin}{path}"))
        .header(AUTHORIZATION, format!("Bearer {secret}"))
        .header(CONTENT_TYPE, "application/json")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .expect("the request is one");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await.expect("the desk answers");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("the answer has a body").to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Only the status of a GET.
pub async fn get(origin: &str, secret: &str, path: &str) -> u16 {
    call(origin, secret, Method::GET, path, None).await.0
}

/// Adds an inbox and answers its id.
pub async fn add_inbox(origin: &str, secret: &str, name: &str) -> String {
    let (status, inbox) = call(origin, secret, Method::POST, "/v1/inboxes", Some(json!({ "name": name }))).await;
    assert_eq!(status, 201, "{inbox}");
    inbox["id"].as_str().expect("an inbox has an id").to_owned()
}
