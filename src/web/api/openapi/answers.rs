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
    let mut names = vec!["X-Request-Id"];
    match status {
        "401" => names.push("WWW-Authenticate"),
        "403" => names.push("WWW-Authenticate-Scope"),
        "429" | "503" => names.push("Retry-After"),
        _ => {}
    }
    if secured && status != "401" {
        names.extend(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]);
    }
    let reference = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let named = |name: &str| (name.trim_end_matches("-Scope").to_owned(), reference(name));
    names.into_iter().map(named).collect::<Map<_, _>>().into()
}

/// The headers of answers, once.
pub(super) fn components() -> Value {
    let text = |required: bool, description: &str| json!({ "description": description, "required": required, "schema": { "type": "string" } });
    let number = |required: bool, description: &str| json!({ "description": description, "required": required, "schema": { "type": "integer", "minimum": 0 } });
    json!({
        "X-Request-Id": text(true, "What support finds the request by."),
        "WWW-Authenticate": text(true, "The challenge (RFC 6750)."),
        "WWW-Authenticate-Scope": text(false, "The challenge, where a scope is missing: it names the scope (RFC 6750)."),
        "Retry-After": number(true, "Seconds to wait."),
        "X-RateLimit-Limit": number(false, "Requests of the key in one window. Only of a limited key."),
        "X-RateLimit-Remaining": number(false, "Requests that are left in the window."),
        "X-RateLimit-Reset": number(false, "When the next window begins, in Unix time."),
    })
}
