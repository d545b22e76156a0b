//! Properties of random policies: the comparison agrees with trying requests one by one.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::policies::policy;
use crate::authorization::enforcement::arrived::{self, Sees};
use crate::authorization::enforcement::attribute::Value;
use crate::authorization::enforcement::compare::{Difference, difference};
use crate::authorization::enforcement::terms::{Rules, Space, Test};
use crate::authorization::enforcement::values::{Values, values};
use crate::authorization::enforcement::{Identity, Receives, Request, receives, written};
use crate::authorization::{AuthorizationPolicy, Mesh};

fn is_met(test: &Test, space: &Space<'_>, point: &[&Value]) -> bool {
    let predicates = &space.attributes[test.attribute].predicates;
    let value = point[test.attribute];
    let mut any_of = test.any_of.iter();
    any_of.any(|at| predicates[*at].matches(value)) != test.negated
}

/// Test by test, without any box.
fn matches(rules: &Rules, space: &Space<'_>, point: &[&Value]) -> bool {
    let holds = |test: &Test| is_met(test, space, point);
    rules.iter().any(|rule| {
        let mut clauses = rule.iter();
        clauses.all(|clause| {
            clause
                .iter()
                .any(|alternative| alternative.iter().all(holds))
        })
    })
}

/// Any values, with those that a request names in their places.
fn point<'v>(
    values: &'v [Values],
    named: Option<&'v Request>,
    space: &Space<'_>,
    mut pick: impl FnMut(usize) -> usize,
) -> Vec<&'v Value> {
    let all = values.iter().zip(&space.attributes);
    all.map(|(values, tested)| {
        let named = named.and_then(|request| request.value(&tested.attribute));
        named.unwrap_or_else(|| &values.values[pick(values.values.len())])
    })
    .collect()
}

fn check(json: &Json, mesh: &Mesh, sees: Sees<'_>, picks: &[usize]) {
    let text = json.to_string();
    let policy = AuthorizationPolicy::parse(&text).unwrap();
    let Receives::Rules(got) = receives(&policy, mesh) else {
        return;
    };
    let mut space = Space::default();
    let written = written::rules(&policy, mesh, &mut space);
    let arrived = arrived::rules(&got, sees, &mut space);
    let values: Vec<Values> = space
        .attributes
        .iter()
        .map(|tested| values(tested, mesh))
        .collect();
    let Difference {
        only_first,
        only_second,
        is_cut,
    } = difference(&written, &arrived, &space, mesh);
    let mut picks = picks.iter().copied().cycle();
    let mut pick = |count: usize| picks.next().unwrap() % count;
    for _ in 0..40 {
        for (request, in_written) in [(&only_first, true), (&only_second, false)] {
            let point = point(&values, request.as_ref(), &space, &mut pick);
            let both = (
                matches(&written, &space, &point),
                matches(&arrived, &space, &point),
            );
            let shown = (in_written, !in_written);
            match request {
                Some(request) => assert_eq!(both, shown, "{request}: {point:?}"),
                None => assert!(is_cut || both != shown, "not found: {point:?}"),
            }
        }
    }
}

fn picks() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(any::<usize>(), 997)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// A request that is found shows a difference whatever it does not name; where none is found, none of
    /// those tried does.
    #[test]
    fn what_is_found_and_what_is_not(json in policy(), picks in picks()) {
        check(&json, &Mesh::default(), Sees::Client, &picks);
    }

    #[test]
    fn in_a_mesh_of_another_name(json in policy(), picks in picks()) {
        let mesh = Mesh {
            trust_domain: "mesh.example".to_owned(),
            trust_domain_aliases: vec!["td2".to_owned(), "old.local".to_owned()],
            ..Mesh::default()
        };
        check(&json, &mesh, Sees::Client, &picks);
    }

    #[test]
    fn behind_a_waypoint(json in policy(), picks in picks(), has_identity: bool) {
        let waypoint = Identity::new("cluster.local", "prod", "waypoint");
        let waypoint = has_identity.then_some(&waypoint);
        check(&json, &Mesh::default(), Sees::Waypoint(waypoint), &picks);
    }
}
