//! The JSON Schema of the configuration file, made from the table of fields.

use serde_json::{Map, Value, json};

use super::fields::{FILE, Field, KIND, Presence, RULE, Shape};

/// The schema (draft 2020-12), as `manifests/config.schema.json` has it.
pub fn schema() -> Value {
    titled(KIND, FILE)
}

/// The schema of a file of this kind with these fields.
pub(crate) fn titled(kind: &str, fields: &[Field]) -> Value {
    let mut schema = section(fields);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!(kind);
    schema
}

fn section(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let mut property = shape(&field.shape);
            property["description"] = json!(field.doc);
            (field.name.to_owned(), property)
        })
        .collect();
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.presence == Presence::Required)
        .map(|field| field.name)
        .collect();
    let mut section = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if std::ptr::eq(fields, RULE) {
        section["oneOf"] = json!([{"required": ["mode"]}, {"required": ["modeExpression"]}]);
    }
    section
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Constant(text) => json!({"const": text}),
        Shape::OneOf(texts) => json!({"enum": texts}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Duration(_) => json!({"type": "string", "pattern": "^[0-9]+m?s$"}),
        Shape::Text | Shape::Expression => json!({"type": "string", "minLength": 1}),
        Shape::Name => {
            json!({"type": "string", "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"})
        }
        Shape::Identifier => json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}),
        Shape::Labels => json!({
            "type": "object",
            "additionalProperties": {
                "type": "string",
                "maxLength": 63,
                "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
            },
        }),
        Shape::Texts => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Shape::Count => json!({"type": "integer", "minimum": 0}),
        Shape::Object => json!({"type": "object"}),
        Shape::SomeOf(texts) => json!({"type": "array", "items": {"enum": texts}}),
        Shape::TextOrTexts => json!({"oneOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string", "minLength": 1}},
        ]}),
        Shape::Section(fields) => section(fields),
        Shape::List(fields, most) => {
            json!({"type": "array", "items": section(fields), "maxItems": most})
        }
    }
}
