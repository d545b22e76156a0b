//! What the stance of a route means for the decision.

use std::time::Duration;

use super::*;
use crate::config::{DEFAULT, read};
use crate::placement::facts::source::Siblings;
use crate::webhook::testing::Coming;

#[test]
fn where_nothing_is_patched_siblings_without_a_placement_mean_nothing() {
    let configuration = read(DEFAULT).unwrap();
    let body = include_bytes!("../../../tests/data/reviews/pod-usual.json");
    let cluster = Coming::after(Duration::ZERO).with(Siblings::Unplaced);
    for (stance, expected) in [
        (Stance::Enforce, "revision"),
        (Stance::Observe, "many-replicas"),
    ] {
        let placed = answer(body, &configuration.placement, &cluster, stance).unwrap();
        match placed.record {
            Record::Placed { rule, .. } => assert_eq!(rule, expected, "{stance:?}"),
            Record::NotAsked(why) => panic!("{why}"),
        }
    }
}
