//! Large policies: an answer in bounded time, and the bound is said where it is reached.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::judged;
use super::large_policies::{many_alternatives, many_negations, many_principals, many_rules};
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

#[test]
fn compared_to_the_end() {
    let found = in_time(&many_principals());
    assert_eq!(
        (found.effect, found.bound),
        (Effect::Exact, Bound::Exhausted)
    );
    let found = in_time(&many_rules());
    assert_eq!(
        (found.effect, found.bound),
        (Effect::Closed, Bound::Exhausted)
    );
}

/// All of the rules together match everything on both sides, and that takes too long to see.
#[test]
fn in_bounded_time() {
    let found = in_time(&many_negations());
    assert_eq!(found.effect, Effect::Exact);
    assert!(
        matches!(found.bound, Bound::Reached(_)),
        "{:?}",
        found.bound
    );
}

/// More alternatives than are looked at: what is found is there, and the bound is said.
#[test]
fn not_to_the_end() {
    let found = in_time(&many_alternatives());
    assert!(
        matches!(found.bound, Bound::Reached(_)),
        "{:?}",
        found.bound
    );
    assert_eq!(found.effect, Effect::Closed);
}
