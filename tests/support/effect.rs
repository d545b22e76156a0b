//! Holds an effect against requests: those that the policy and the rules ztunnel gets decide differently.

#![allow(
    dead_code,
    reason = "each test crate compiles this module, and uses a part of it"
)]
#![allow(clippy::unwrap_used, reason = "a helper fails the test by panicking")]

use meshmode::authorization::Enforcement;
use meshmode::authorization::enforcement::{Effect, Request as Witness};
use serde_json::Value;

use super::evaluator::{Request, policy_refuses, ztunnel_refuses};
use super::requests::Requests;

/// What was seen of one policy.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Requests that were decided on both sides.
    pub(crate) requests: usize,
    /// Among those that were drawn at random, one got through that the policy refuses, or the reverse.
    pub(crate) by_chance: bool,
}

/// How many requests are drawn for each policy.
const REQUESTS: usize = 300;
/// How often a witness is tried, each time with other values of what it does not name.
const FILLINGS: usize = 20;

/// The error is the first request that contradicts the enforcement.
///
/// `sent` is what ztunnel gets, none where it gets nothing or no workload refers to it.
pub(crate) fn holds(
    policy: &Value,
    sent: Option<&Value>,
    enforcement: &Enforcement,
    seed: u64,
) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let mut requests = Requests::of(policy, seed);
    let decide = |request: &Request| {
        let written = policy_refuses(policy, request);
        (written, ztunnel_refuses(sent, request))
    };
    let witnesses = &enforcement.witnesses;
    for (witness, expected) in [
        (&witnesses.open, (true, false)),
        (&witnesses.closed, (false, true)),
    ] {
        let Some(witness) = witness else { continue };
        let named = named(witness);
        for _ in 0..FILLINGS {
            let request = requests.next(&named);
            seen.requests += 1;
            if decide(&request) != expected {
                return Err(format!("{witness} shows no difference: {request:?}"));
            }
        }
    }
    let (is_open, is_closed) = match enforcement.effect {
        Effect::Exact => (false, false),
        Effect::Open => (true, false),
        Effect::Closed => (false, true),
        Effect::Both => (true, true),
        Effect::NotApplicable => return Ok(seen),
    };
    if (witnesses.open.is_some(), witnesses.closed.is_some()) != (is_open, is_closed) {
        return Err("the witnesses are not those of the effect".to_owned());
    }
    for _ in 0..REQUESTS {
        let request = requests.next(&Request::new());
        seen.requests += 1;
        let (written, at_ztunnel) = decide(&request);
        seen.by_chance |= written != at_ztunnel;
        if written && !at_ztunnel && !is_open {
            return Err(format!(
                "it gets through, and the policy refuses it: {request:?}"
            ));
        }
        if !written && at_ztunnel && !is_closed {
            return Err(format!(
                "it is refused, and the policy allows it: {request:?}"
            ));
        }
    }
    Ok(seen)
}

fn named(witness: &Witness) -> Request {
    let object = serde_json::to_value(witness).unwrap();
    let members = object.as_object().unwrap().iter();
    members
        .map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let text = (!value.is_null()).then_some(text);
            (name.clone(), text)
        })
        .collect()
}
