//! What any operation may be answered besides its own answers, and the headers of all of them: they follow from what the
//! operation takes, so none can be forgotten.

use serde_json::{Map, Value, json};

use super::object;

/// Adds the refusals that every operation of its kind may meet, and the headers of every answer.
pub(super) fn complete(operation: &mut Value) {
    let secured = operation.get("security").is_some();
    let takes_body = operation.get("requestBody").is_some();
    let takes = |place: &str| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.clone().any(|parameter| parameter["in"] == place)
    };
    let (takes_query, takes_path) = (takes("query"), takes("path"));
    if takes_body {
        operation["requestBody"]["required"] = true.into();
    }
    let responses = object(&mut operation["responses"]);
    let mut add = |status: &str, description: &str| {
        responses.entry(status).or_insert_with(|| refusal(description));
    };
    if secured {
        add("401", "There is no credential, or it is not one that works.");
        add("403", "The credential works, but not for this, or not from here.");
        add("429", "The key was used too often.");
    }
    if takes_query || takes_body {
        add("400", "The request is not what this path takes; `message` says why.");
    }
    if takes_query {
        add("414", "A path with its query may hold 4 KiB.");
    }
    if takes_path {
        add("404", "There is no such resource, or it is not yours.");
    }
    if takes_body {
        add("413", "The body is too large.");
        add("415", "The body is not `application/json`.");
    }
    add("500", "Something broke on our side. Nothing was half done.");
    add("503", "Too busy right now, or the database is away.");
    for (status, response) in responses {
        object(response).insert("headers".into(), headers(status, secured));
    }
}

fn refusal(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ErrorBody" } } },
    })
}

fn headers(status: &str, secured: bool) -> Value {
    let mut headers = Map::new();
    let mut add = |name: &str, described: &str| {
        headers.insert(name.into(), json!({ "$ref": format!("#/components/headers/{described}") }));
    };
    add("X-Request-Id", "RequestId");
    match status {
        "401" => add("WWW-Authenticate", "Challenge"),
        "403" => add("WWW-Authenticate", "ScopeChallenge"),
        "429" | "503" => add("Retry-After", "RetryAfter"),
        _ => {}
    }
    // A credential that does not work has no window, and nobody asks whose it is behind an address that is too long.
    if secured && !matches!(status, "401" | "414") {
        add("X-RateLimit-Limit", "RateLimit");
        add("X-RateLimit-Remaining", "RateRemaining");
        add("X-RateLimit-Reset", "RateReset");
    }
    headers.into()
}

/// The headers of answers, described once.
pub(super) fn header_components() -> Value {
    let header = |required: bool, schema: &Value, description: &str| json!({ "description": description, "required": required, "schema": schema });
    let (text, number) = (json!({ "type": "string" }), json!({ "type": "integer", "minimum": 0 }));
    json!({
        "RequestId": header(true, &text, "What support finds the request by."),
        "Challenge": header(true, &text, "The challenge (RFC 6750)."),
        "ScopeChallenge": header(false, &text, "Where a scope is missing: the challenge that names it (RFC 6750)."),
        "RetryAfter": header(true, &number, "Seconds to wait."),
        "RateLimit": header(false, &number, "Requests of the key in one window. Only of a limited key."),
        "RateRemaining": header(false, &number, "Requests that are left in the window."),
        "RateReset": header(false, &number, "When the next window begins, in Unix time."),
    })
}
