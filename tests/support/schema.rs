//! A check of JSON against our own schemas.

use meshmode::authorization::code::Code;
use serde_json::Value;

/// As much of JSON Schema as ours uses; each keyword that it does not know is an error.
pub(crate) fn check(
    value: &Value,
    schema: &Value,
    root: &Value,
    at: &str,
    wrong: &mut Vec<String>,
) {
    for (keyword, says) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "title" | "description" | "$defs" | "properties" => {}
            "$ref" => {
                let pointer = says.as_str().unwrap().trim_start_matches('#');
                check(value, root.pointer(pointer).unwrap(), root, at, wrong);
            }
            "anyOf" => {
                let passes = |one: &Value| {
                    let mut wrong = Vec::new();
                    check(value, one, root, at, &mut wrong);
                    wrong.is_empty()
                };
                if !says.as_array().unwrap().iter().any(passes) {
                    wrong.push(format!("{at}: none of anyOf"));
                }
            }
            "enum" if !says.as_array().unwrap().contains(value) => {
                wrong.push(format!("{at}: {value} is none of {says}"));
            }
            "enum" => {}
            "pattern" => {
                assert_eq!(says, "^MM2[0-9][0-9]$", "the only one that is known");
                let known = |text: &str| Code::ALL.iter().any(|code| code.id == text);
                if !value.as_str().is_some_and(known) {
                    wrong.push(format!("{at}: {value} is no code"));
                }
            }
            "type" if !is_of(value, says) => wrong.push(format!("{at}: {value} is no {says}")),
            "type" => {}
            "required" => {
                for name in says.as_array().unwrap() {
                    if value.get(name.as_str().unwrap()).is_none() {
                        wrong.push(format!("{at}: {name} is missing"));
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(item, says, root, &format!("{at}/{index}"), wrong);
                }
            }
            "additionalProperties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    let known = schema.get("properties").and_then(|all| all.get(name));
                    let at = format!("{at}/{name}");
                    match (known, says) {
                        (Some(known), _) => check(member, known, root, &at, wrong),
                        (None, Value::Bool(false)) => wrong.push(format!("{at}: is not known")),
                        (None, says) => check(member, says, root, &at, wrong),
                    }
                }
            }
            unknown => panic!("the check does not know {unknown}"),
        }
    }
}

fn is_of(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        unknown => panic!("the check does not know {unknown}"),
    };
    types
        .as_array()
        .map_or_else(|| is(types), |all| all.iter().any(is))
}
