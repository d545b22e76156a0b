//! Representative values of an attribute: whatever else a request may have there, one of these meets the
//! same predicates.
//!
//! For addresses and ports that is so by construction (the borders of all ranges), for texts and
//! identities as far as their patterns are met one by one and in pairs.

mod identity;
mod network;
mod text;

use std::collections::HashMap;

use super::attribute::{Attribute, Value};
use super::predicate::Predicate;
use super::terms::Tested;
use crate::authorization::mesh::Mesh;

/// The values of one attribute; two of them never meet the same predicates.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) values: Vec<Value>,
    /// For each predicate the values that meet it, a bit each.
    pub(super) meeting: Vec<Vec<u64>>,
    /// There were more candidates than [`LIMIT`] or [`COMBINATIONS`] allow.
    pub(super) is_cut: bool,
}

/// How many comparisons of a value with a predicate are made for one attribute.
const LIMIT: usize = 1 << 20;
/// How many values are made of parts of several predicates.
const COMBINATIONS: usize = 1 << 11;
const WORD: usize = u64::BITS as usize;

/// The values of `tested`.
pub(super) fn values(tested: &Tested<'_>, mesh: &Mesh) -> Values {
    let predicates = &tested.predicates;
    let mut is_cut = false;
    let candidates = candidates(tested, mesh, &mut is_cut);
    let most = (LIMIT / predicates.len().max(1)).max(1);
    let candidates = first(most, candidates.into_iter(), &mut is_cut);
    let mut seen = HashMap::new();
    let mut values = Vec::new();
    let mut meeting: Vec<Vec<u64>> = vec![Vec::new(); predicates.len()];
    for value in candidates {
        let signature = signature(predicates, &value);
        if seen.contains_key(&signature) {
            continue;
        }
        let place = values.len();
        for (at, bits) in meeting.iter_mut().enumerate() {
            if place.is_multiple_of(WORD) {
                bits.push(0);
            }
            let meets = signature
                .get(at / WORD)
                .map_or(0, |word| word >> (at % WORD) & 1);
            if let Some(word) = bits.last_mut() {
                *word |= meets << (place % WORD);
            }
        }
        seen.insert(signature, place);
        values.push(value);
    }
    Values {
        values,
        meeting,
        is_cut,
    }
}

/// Which predicates `value` meets, a bit each.
fn signature(predicates: &[Predicate<'_>], value: &Value) -> Vec<u64> {
    let word = |predicates: &[Predicate<'_>]| {
        let bits = predicates.iter().enumerate();
        bits.fold(0, |word, (at, predicate)| {
            word | u64::from(predicate.matches(value)) << at
        })
    };
    predicates.chunks(WORD).map(word).collect()
}

/// So many, and whether there are more.
fn first<T>(most: usize, mut all: impl Iterator<Item = T>, is_cut: &mut bool) -> Vec<T> {
    let first = all.by_ref().take(most).collect();
    *is_cut |= all.next().is_some();
    first
}

/// Those of the policy first: they say most to a reader.
fn candidates(tested: &Tested<'_>, mesh: &Mesh, is_cut: &mut bool) -> Vec<Value> {
    let predicates = &tested.predicates;
    let mut texts = |others: &[&str]| text::candidates(predicates, others, is_cut);
    let or_absent = |mut values: Vec<Value>| {
        values.push(Value::Absent);
        values
    };
    match &tested.attribute {
        Attribute::Method => texts(&["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
        Attribute::Path => texts(&["/", "/x", "/other"]),
        Attribute::Host => texts(&["example.com", "other.example", "10.0.0.2"]),
        Attribute::Identity => or_absent(identity::candidates(predicates, mesh, is_cut)),
        Attribute::SourceIp
        | Attribute::WaypointIp
        | Attribute::RemoteIp
        | Attribute::DestinationIp => network::candidates(predicates),
        Attribute::DestinationPort => ports(predicates),
        Attribute::Token => or_absent(text::tokens(predicates, is_cut)),
        Attribute::Claim(_) | Attribute::Header(_) | Attribute::Metadata(_) => {
            or_absent(texts(&["other", "x"]))
        }
        Attribute::Sni => or_absent(texts(&["example.com", "other.example"])),
    }
}

fn ports(predicates: &[Predicate<'_>]) -> Vec<Value> {
    let mut tested = Vec::new();
    for predicate in predicates {
        if let Predicate::Port(port) = predicate {
            tested.push(*port);
        }
    }
    let other = (8080..=u16::MAX)
        .chain(1..8080)
        .find(|port| !tested.contains(port));
    tested.into_iter().chain(other).map(Value::Port).collect()
}
