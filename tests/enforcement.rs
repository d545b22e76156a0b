//! What is said of random policies at ztunnel, held against an evaluator that was written apart. The rules
//! are those that we say ztunnel gets; that these are istiod's own is shown with a real one
//! (`tests/e2e_istio/conformance.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper fails the test by panicking"
)]

#[path = "support/effect.rs"]
mod effect;
#[path = "support/evaluator.rs"]
mod evaluator;
#[path = "support/policies.rs"]
mod policies;
#[path = "support/requests.rs"]
mod requests;

use meshmode::authorization::enforcement::{Bound, Effect, Receives};
use meshmode::authorization::{AuthorizationPolicy, Mesh, at_ztunnel};
use serde_json::{Value, json};

/// What ztunnel enforces of a policy, by what is said of it.
fn sent(policy: &Value, receives: Option<Receives>) -> Option<Value> {
    match receives {
        Some(Receives::Rules(rules)) if policy["spec"]["selector"] != json!({}) => {
            Some(serde_json::to_value(rules).unwrap())
        }
        Some(Receives::Rules(_) | Receives::NotSent(_)) | None => None,
    }
}

#[test]
fn effects_hold_on_requests() {
    let (mut differing, mut by_chance) = (0, 0);
    for (seed, policy) in (0..).zip(policies::sample(1, 400)) {
        let text = policy.to_string();
        let enforcement = at_ztunnel(
            &AuthorizationPolicy::parse(&text).unwrap(),
            &Mesh::default(),
        );
        assert_eq!(enforcement.bound, Bound::Exhausted, "{text}");
        let sent = sent(&policy, enforcement.receives.clone());
        let seen = effect::holds(&policy, sent.as_ref(), &enforcement, seed)
            .unwrap_or_else(|error| panic!("{error}\n{:?}\n{text}", enforcement.effect));
        differing += usize::from(enforcement.witnesses != Default::default());
        by_chance += usize::from(seen.by_chance);
        assert!(!seen.by_chance || enforcement.effect != Effect::Exact);
    }
    // Chance alone finds most differences: the requests do hit.
    assert!(by_chance * 10 > differing * 8, "{by_chance} of {differing}");
}
