//! Large policies: an answer in bounded time, and the bound is said where it is reached.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::judged;
use crate::authorization::enforcement::{Bound, Effect, Enforcement};

/// Much more than it takes, without optimization on a busy machine.
const LONG: Duration = Duration::from_secs(20);

fn in_time(spec: &Value) -> Enforcement {
    let start = Instant::now();
    let found = judged(&spec.to_string());
    let time = start.elapsed();
    assert!(time < LONG, "{time:?}");
    found
}

fn principals(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("cluster.local/ns/n{number}/sa/s{}", number % 7))
        .collect()
}

#[test]
fn many_principals() {
    let spec = json!({"rules": [{"from": [{"source": {"principals": principals(500)}}]}]});
    let found = in_time(&spec);
    assert_eq!(
        (found.effect, found.bound),
        (Effect::Exact, Bound::Exhausted)
    );
}

#[test]
fn many_rules() {
    let rules: Vec<Value> = principals(200)
        .iter()
        .zip(1000..)
        .map(|(principal, port)| {
            json!({
                "from": [{"source": {"principals": [principal]}}],
                "to": [{"operation": {"ports": [port.to_string()], "methods": ["GET", "POST"]}}],
            })
        })
        .collect();
    let found = in_time(&json!({"action": "DENY", "rules": rules}));
    assert_eq!(
        (found.effect, found.bound),
        (Effect::Closed, Bound::Exhausted)
    );
}

/// Each rule leaves out another part of everything, so that boxes are cut into many pieces.
#[test]
fn many_negations() {
    let rules: Vec<Value> = (0..300)
        .map(|number| {
            json!({
                "from": [{"source": {
                    "notPrincipals": principals(300).get(number..number + 40),
                    "notIpBlocks": [format!("10.{}.0.0/16", number % 256)],
                }}],
                "to": [{"operation": {
                    "notPorts": [(number + 1).to_string()],
                    "notPaths": [format!("/p{number}*")],
                }}],
            })
        })
        .collect();
    in_time(&json!({"action": "DENY", "rules": rules}));
}

/// More alternatives than are looked at: what is found is there, and the bound is said.
#[test]
fn many_alternatives() {
    let sources: Vec<Value> = (0..200)
        .map(|number| json!({"source": {"namespaces": [format!("n{number}")]}}))
        .collect();
    let operations: Vec<Value> = (1..=200)
        .map(|number| json!({"operation": {"ports": [number.to_string()], "methods": ["GET"]}}))
        .collect();
    let found = in_time(&json!({"action": "DENY", "rules": [{"from": sources, "to": operations}]}));
    assert!(
        matches!(found.bound, Bound::Reached(_)),
        "{:?}",
        found.bound
    );
    assert_eq!(found.effect, Effect::Closed);
}
