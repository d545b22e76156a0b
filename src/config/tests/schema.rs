//! The published schema is that of the code, and the default fits it.

use serde_json::{Map, Value};

use super::super::{DEFAULT, schema};

#[test]
fn the_published_schema_is_that_of_the_code() {
    let published = include_str!("../../../manifests/config.schema.json");
    assert_eq!(
        published,
        format!("{:#}\n", schema()),
        "run: meshmode config schema > manifests/config.schema.json"
    );
}

#[test]
fn the_default_fits_the_schema() {
    let default: Value = serde_saphyr::from_str(DEFAULT).unwrap();
    let mut misfits = Vec::new();
    fits(&default, &schema(), "", &mut misfits);
    assert!(misfits.is_empty(), "{misfits:#?}");
}

#[test]
fn the_schema_refuses() {
    let change = |pointer: &str, value: Value| {
        let mut file: Value = serde_saphyr::from_str(DEFAULT).unwrap();
        *file.pointer_mut(pointer).unwrap() = value;
        file
    };
    let rows = [
        ("another version", change("/apiVersion", "v1".into())),
        (
            "an unknown mode",
            change("/placement/default/mode", "x".into()),
        ),
        ("a number", change("/placement/rules/0/when", 1.into())),
        (
            "an empty text",
            change("/placement/rules/0/when", "".into()),
        ),
        (
            "an empty rule",
            change("/placement/rules/0", Value::Object(Map::new())),
        ),
        (
            "a label that is no text",
            change(
                "/placement/modes/none/labels",
                serde_json::json!({"a": true}),
            ),
        ),
        (
            "both modes",
            change(
                "/placement/rules/0",
                serde_json::json!({"name": "a", "when": "true", "mode": "none", "modeExpression": "x"}),
            ),
        ),
        (
            "an unknown field",
            change("/authorizationPolicies", serde_json::json!({"x": 1})),
        ),
    ];
    for (name, file) in rows {
        let mut misfits = Vec::new();
        fits(&file, &schema(), "", &mut misfits);
        assert!(!misfits.is_empty(), "{name}");
    }
}

/// As much of JSON Schema as the schema uses; another keyword fails, and patterns are left to the reader.
#[expect(clippy::too_many_lines, reason = "an arm a keyword")]
pub(crate) fn fits(value: &Value, schema: &Value, path: &str, misfits: &mut Vec<String>) {
    for (keyword, wanted) in schema.as_object().unwrap() {
        let right = match keyword.as_str() {
            "type" => match wanted.as_str() {
                Some("object") => value.is_object(),
                Some("array") => value.is_array(),
                Some("string") => value.is_string(),
                Some("integer") => value.is_i64() || value.is_u64(),
                Some("boolean") => value.is_boolean(),
                _ => false,
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value
                .as_i64()
                .is_none_or(|number| Some(number) >= wanted.as_i64()),
            "minLength" => value
                .as_str()
                .is_none_or(|text| text.len() as u64 >= wanted.as_u64().unwrap()),
            "maxLength" => value
                .as_str()
                .is_none_or(|text| text.len() as u64 <= wanted.as_u64().unwrap()),
            "maxItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap()),
            "required" => wanted
                .as_array()
                .unwrap()
                .iter()
                .all(|key| value.get(key.as_str().unwrap()).is_some()),
            "oneOf" => {
                let fit = |schema: &&Value| {
                    let mut misfits = Vec::new();
                    fits(value, schema, path, &mut misfits);
                    misfits.is_empty()
                };
                wanted.as_array().unwrap().iter().filter(fit).count() == 1
            }
            "properties" => {
                for (key, schema) in wanted.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        fits(value, schema, &format!("{path}/{key}"), misfits);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object();
                let others = value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(key, _)| known.is_none_or(|known| !known.contains_key(*key)));
                for (key, value) in others {
                    if *wanted == Value::Bool(false) {
                        misfits.push(format!("{path}/{key}: unknown"));
                    } else {
                        fits(value, wanted, &format!("{path}/{key}"), misfits);
                    }
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    fits(value, wanted, &format!("{path}/{index}"), misfits);
                }
                true
            }
            "pattern" | "description" | "$schema" | "title" => true,
            _ => false,
        };
        if !right {
            misfits.push(format!("{path}: {keyword} {wanted}"));
        }
    }
}
