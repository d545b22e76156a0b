//! What Pods of one revision have, where they may differ.

use std::sync::Arc;

use crate::placement::facts::source::{Decided, Siblings};

/// Placements, with how many Pods have them.
pub(super) struct Tally<'r>(Vec<(&'r Arc<Decided>, usize)>);

// === impl Tally ===

impl<'r> Tally<'r> {
    /// The placement that most of these Pods have; where as many have another, the one that comes first by its
    /// name and its rule, so that each replica gives the same.
    pub(super) fn of(
        pods: impl Iterator<Item = (Option<&'r Arc<Decided>>, usize)>,
    ) -> Option<Siblings> {
        let mut tally = Self(Vec::new());
        let mut all = 0;
        for (placement, pods) in pods {
            all += pods;
            if let Some(placement) = placement {
                tally.add(placement, pods);
            }
        }
        let most = tally.0.into_iter().max_by(|(one, pods), (other, others)| {
            let name = |of: &Decided| (of.mode.as_str(), of.rule.clone(), of.reason.clone());
            pods.cmp(others).then_with(|| name(other).cmp(&name(one)))
        });
        match most {
            Some((placement, _)) => Some(Siblings::Placed(Arc::clone(placement))),
            None if all > 0 => Some(Siblings::Unplaced),
            None => None,
        }
    }

    fn add(&mut self, placement: &'r Arc<Decided>, pods: usize) {
        match self.0.iter_mut().find(|(known, _)| *known == placement) {
            Some((_, counted)) => *counted += pods,
            None => self.0.push((placement, pods)),
        }
    }
}
