//! Means and percentiles over the slots of a window.

use super::account::Range;

/// The lower end of a range.
const LOW: f64 = 0.1;
/// The upper end of a range.
const HIGH: f64 = 0.9;

/// Weights of slots, which add up to 1; a slot without data has none.
#[derive(Clone, Debug)]
pub(super) struct Weights(Vec<f64>);

/// The range of what each slot has: the mean by weight, and percentiles of the slots that have data.
pub(super) fn range(weights: &Weights, values: &[f64]) -> Range {
    let mut sorted: Vec<f64> = weights.with_data(values).collect();
    sorted.sort_by(f64::total_cmp);
    Range {
        low: percentile(&sorted, LOW),
        central: weights.mean(values.iter().copied()),
        high: percentile(&sorted, HIGH),
    }
}

/// `a` of `b`, where `b` is something.
pub(super) fn ratio(a: f64, b: f64) -> Option<f64> {
    Some(a / b).filter(|ratio| b > 0.0 && ratio.is_finite())
}

/// Between the two nearest ranks in proportion, as `numpy.percentile` does by default. 0 of nothing.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let rank = part * last as f64;
    let below = rank.floor() as usize;
    let (lower, upper) = (sorted[below], sorted[(below + 1).min(last)]);
    lower + (upper - lower) * (rank - rank.floor())
}

// === impl Weights ===

impl Weights {
    /// By the part of each slot that has data; none where no slot has any.
    pub(super) fn of(coverage: &[f64]) -> Option<Self> {
        let sum: f64 = coverage.iter().sum();
        let weights = coverage.iter().map(|part| part / sum).collect();
        (sum > 0.0).then_some(Self(weights))
    }

    /// Each slot's weight.
    pub(super) fn iter(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }

    /// The mean of what each slot has.
    pub(super) fn mean(&self, values: impl Iterator<Item = f64>) -> f64 {
        self.iter().zip(values).map(|(w, value)| w * value).sum()
    }

    /// What the slots with data have, in order.
    pub(super) fn with_data<T: Copy>(&self, values: &[T]) -> impl Iterator<Item = T> {
        let weighted = self.iter().zip(values);
        weighted.filter(|(w, _)| *w > 0.0).map(|(_, value)| *value)
    }
}
