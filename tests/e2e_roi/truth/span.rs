//! A time that was looked at.

use super::super::model::{Pod, Seconds};

/// From a time to a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: Seconds,
    pub(crate) to: Seconds,
}

// === impl Span ===

impl Span {
    pub(crate) const fn seconds(&self) -> f64 {
        self.to - self.from
    }

    /// The part of it in which a Pod ran.
    pub(super) fn of(&self, pod: &Pod) -> Option<Self> {
        pod.node?;
        let both = Self {
            from: self.from.max(pod.created),
            to: self.to.min(pod.finished),
        };
        (both.seconds() > 0.0).then_some(both)
    }

    pub(super) fn without(self, gap: Self) -> Vec<Self> {
        let before = Self {
            to: self.to.min(gap.from),
            ..self
        };
        let after = Self {
            from: self.from.max(gap.to),
            ..self
        };
        [before, after]
            .into_iter()
            .filter(|part| part.seconds() > 0.0)
            .collect()
    }
}
