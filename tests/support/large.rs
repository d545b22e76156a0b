//! Policies as large as the API server takes them, to see that an answer comes in bounded time.

#![allow(
    dead_code,
    reason = "each test crate compiles this module, and uses a part of it"
)]

use serde_json::{Value, json};

/// One rule with 500 principals.
pub(crate) fn many_principals() -> Value {
    json!({"rules": [{"from": [{"source": {"principals": principals(0..500)}}]}]})
}

/// 200 rules that have nothing in common.
pub(crate) fn many_rules() -> Value {
    let rule = |number: usize| {
        json!({
            "from": [{"source": {"principals": principals(number..number + 1)}}],
            "to": [{"operation": {"ports": [(1000 + number).to_string()], "methods": ["GET", "POST"]}}],
        })
    };
    json!({"action": "DENY", "rules": (0..200).map(rule).collect::<Vec<_>>()})
}

/// 300 rules, each of which leaves out another part of everything: boxes are cut into many pieces.
pub(crate) fn many_negations() -> Value {
    let rule = |number: usize| {
        json!({
            "from": [{"source": {
                "notPrincipals": principals(number..number + 40),
                "notIpBlocks": [format!("10.{}.0.0/16", number % 256)],
            }}],
            "to": [{"operation": {
                "notPorts": [(number + 1).to_string()],
                "notPaths": [format!("/p{number}*")],
            }}],
        })
    };
    json!({"action": "DENY", "rules": (0..300).map(rule).collect::<Vec<_>>()})
}

/// One rule with 40,000 combinations of a source and an operation.
pub(crate) fn many_alternatives() -> Value {
    let source = |number: usize| json!({"source": {"namespaces": [format!("n{number}")]}});
    let operation =
        |port: usize| json!({"operation": {"ports": [port.to_string()], "methods": ["GET"]}});
    let from: Vec<_> = (0..200).map(source).collect();
    let to: Vec<_> = (1..=200).map(operation).collect();
    json!({"action": "DENY", "rules": [{"from": from, "to": to}]})
}

fn principals(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers
        .map(|number| format!("cluster.local/ns/n{number}/sa/s{}", number % 7))
        .collect()
}
