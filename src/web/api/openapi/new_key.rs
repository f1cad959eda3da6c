//! The body of `POST /v1/keys`: one of a few shapes, because what a key may be depends on its type, and its scopes come
//! either from a preset or one by one. Each shape is as narrow as what is accepted.

use serde_json::{Map, Value, json};

use super::words::environments;
use crate::model::api_key::KeyType;
use crate::model::key_form::holdable;
use crate::model::scopes::WILDCARD;
use crate::model::text;
use crate::product::{ExpiryPolicy, Product};

pub(super) fn schema(product: &Product) -> Value {
    let mut shapes = Vec::new();
    for key_type in [KeyType::Standard, KeyType::Restricted] {
        if !product.offers_type(key_type.as_str()) {
            continue;
        }
        if product.keys.choose_scopes {
            shapes.extend([by_preset(product, key_type), by_scopes(product, key_type)]);
        } else {
            shapes.push(without_choice(product, key_type));
        }
    }
    json!({ "description": "The key to make.", "anyOf": shapes })
}

/// A preset says the scopes.
fn by_preset(product: &Product, key_type: KeyType) -> Value {
    let mut shape = common(product, key_type);
    require(&mut shape, "preset", json!({ "type": "string", "enum": presets(product, key_type) }));
    shape["title"] = format!("{} key by preset", key_type.as_str()).into();
    shape["properties"]["scopes"] = json!({
        "description": "Ignored when a preset is given.",
        "type": "array",
        "items": { "$ref": "#/components/schemas/Scope" },
    });
    shape
}

/// Nobody chooses: the key may do all that its type can.
fn without_choice(product: &Product, key_type: KeyType) -> Value {
    let mut shape = common(product, key_type);
    shape["title"] = format!("{} key", key_type.as_str()).into();
    shape["properties"]["preset"] = json!({ "enum": ["full", "custom", null] });
    shape["properties"]["scopes"] = json!({ "type": "array", "maxItems": 0 });
    shape
}

/// The scopes are said one by one.
fn by_scopes(product: &Product, key_type: KeyType) -> Value {
    let mut shape = common(product, key_type);
    let mut scopes: Vec<&str> = holdable(product, key_type).map(|scope| scope.id.as_str()).collect();
    if key_type == KeyType::Standard && product.keys.full_access {
        scopes.insert(0, WILDCARD);
    }
    shape["title"] = format!("{} key by scopes", key_type.as_str()).into();
    require(
        &mut shape,
        "scopes",
        json!({ "type": "array", "minItems": 1, "items": { "type": "string", "enum": scopes } }),
    );
    shape["properties"]["preset"] = json!({ "enum": ["custom", null] });
    shape
}

/// What both say alike.
fn common(product: &Product, key_type: KeyType) -> Value {
    let mut shape = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": { "$ref": "#/components/schemas/Name" },
            "type": { "description": "`standard` when left out.", "enum": [key_type.as_str(), null] },
            "environment": {
                "description": "The maker’s own when left out.",
                "enum": environments(product).into_iter().map(Value::from).chain([Value::Null]).collect::<Vec<_>>(),
            },
            "expires_at": expires_at(product),
            "allowed_ips": allowed_ips(),
            "inbox": { "description": "A standard key is bound to none.", "type": "null" },
        },
    });
    if product.expiry.policy == ExpiryPolicy::Required && product.expiry.default_days.is_none() {
        require(&mut shape, "expires_at", expires_at(product));
    }
    if key_type == KeyType::Restricted {
        require(&mut shape, "type", json!({ "type": "string", "enum": ["restricted"] }));
        let inbox = json!({
            "description": "The one inbox it is bound to, by its id.",
            "type": "string",
            "pattern": "^inb_[0-9A-Za-z]{16}$",
        });
        require(&mut shape, "inbox", inbox);
    }
    shape
}

fn require(shape: &mut Value, property: &str, schema: Value) {
    shape["properties"][property] = schema;
    if let Some(required) = shape["required"].as_array_mut() {
        required.push(property.into());
    }
}

fn expires_at(product: &Product) -> Value {
    let mut schema = Map::new();
    let (kind, left_out) = match (product.expiry.policy, product.expiry.default_days) {
        (ExpiryPolicy::None, _) => (json!("null"), ""),
        (ExpiryPolicy::Required, None) => (json!("string"), ""),
        (ExpiryPolicy::Required, Some(_)) => (json!(["string", "null"]), " There is a term when left out."),
        (ExpiryPolicy::Optional, _) => (json!(["string", "null"]), " The maker’s own, or never, when left out."),
    };
    let furthest = product.expiry.max_days.map_or("ten years".into(), |most| text::count(most, "day", "days"));
    let description = match product.expiry.policy {
        ExpiryPolicy::None => "Keys don’t expire here.".into(),
        _ => format!("A moment that lies ahead, within {furthest} (RFC 3339).{left_out}"),
    };
    schema.insert("type".into(), kind);
    schema.insert("description".into(), description.into());
    if product.expiry.policy != ExpiryPolicy::None {
        schema.insert("format".into(), "date-time".into());
    }
    schema.into()
}

fn allowed_ips() -> Value {
    json!({
        "description": "Addresses or networks that the key may be used from; the maker’s own when left out.",
        "type": "array",
        "maxItems": 200,
        "items": { "type": "string", "format": "cidr" },
    })
}

/// The presets whose scopes a key of this type may all hold.
fn presets(product: &Product, key_type: KeyType) -> Vec<&str> {
    let holdable: Vec<&str> = holdable(product, key_type).map(|scope| scope.id.as_str()).collect();
    let fits = |scopes: &[String]| {
        key_type == KeyType::Standard || scopes.iter().all(|scope| holdable.contains(&scope.as_str()))
    };
    let own = product.presets.iter().filter(|preset| fits(&preset.scopes)).map(|preset| preset.id.as_str());
    ["full", "read"].into_iter().chain(own).collect()
}
