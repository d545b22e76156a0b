//! What programs read: JSON and YAML say the same, and the schema says what they have.

use std::fs;
use std::path::Path;

use meshmode::savings::Account;
use serde_json::{Value, json};

use crate::given::{NAMES, account, of};
use crate::schema::check;

#[test]
fn json_is_read_back_as_the_same_account() {
    for name in NAMES {
        let json = of(name, |report| report.json().unwrap());
        let read: Account = serde_json::from_str(&json).unwrap();
        assert_eq!(
            serde_json::to_value(read).unwrap(),
            serde_json::to_value(account(name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn yaml_says_the_same_as_json() {
    for name in NAMES {
        let yaml = of(name, |report| report.yaml().unwrap());
        let yaml: Value = serde_saphyr::from_str(&yaml).unwrap();
        let json: Value = serde_json::from_str(&of(name, |report| report.json().unwrap())).unwrap();
        assert_eq!(yaml, json, "{name}");
    }
}

// === the schema ===

#[test]
fn the_output_is_as_its_schema_says() {
    for name in NAMES {
        let wrong = against_schema(&json(name));
        assert_eq!(wrong, [] as [&str; 0], "{name}");
    }
    assert!(json("saving").get("drift").is_some(), "drift is looked at");
    let mut of_requests = json("saving");
    let bases = of_requests["bases"].as_object_mut().unwrap();
    bases.retain(|basis, _| basis == "requests");
    assert_eq!(against_schema(&of_requests), [] as [&str; 0], "without use");
}

#[test]
fn the_schema_knows_each_member() {
    let missing = |pointer: &str, member: &str| {
        let mut json = json("saving");
        let object = json.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        object.remove(member).unwrap();
        json
    };
    let other = |pointer: &str, value: Value| {
        let mut json = json("saving");
        *json.pointer_mut(pointer).unwrap() = value;
        json
    };
    for (what, bad) in [
        ("no saving", missing("", "saving")),
        ("no range", missing("/saving", "high")),
        ("no basis", missing("/bases", "requests")),
        ("no reason", missing("/namespaces/0/kept/0", "reason")),
        ("no difference", missing("/drift/0/now", "difference")),
        ("money as text", other("/monthly/now", json!("$1"))),
        ("null that is none", other("/monthly/now", Value::Null)),
        ("another basis", other("/basis", json!("mean"))),
        (
            "another fate",
            other("/drift/0/namespaces/0/what", json!("lost")),
        ),
        ("half a node", other("/nodes/count", json!(1.5))),
        (
            "one more member",
            other(
                "/modes",
                json!({"sidecar": 1.0, "ambient": null, "none": 1.0}),
            ),
        ),
    ] {
        assert_ne!(against_schema(&bad), [] as [&str; 0], "{what}");
    }
}

fn json(name: &str) -> Value {
    serde_json::from_str(&of(name, |report| report.json().unwrap())).unwrap()
}

fn against_schema(json: &Value) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/roi.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut wrong = Vec::new();
    check(json, &schema, &schema, "", &mut wrong);
    wrong
}
