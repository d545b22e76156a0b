//! What was measured of the subjects `S`, round by round: medians, and ratios of the two that ran in the same round.

use std::collections::BTreeMap;

/// What is measured, and under what circumstances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    /// Of which review, or nothing for the process.
    pub(crate) of: &'static str,
    pub(crate) what: &'static str,
}

/// One figure a round. Where there is none it could not be done.
#[derive(Debug)]
pub(crate) struct Samples<S>(BTreeMap<(Row, S), BTreeMap<usize, f64>>);

/// A median, and the least and the most it was made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

// === impl Samples ===

impl<S: Copy + Ord> Samples<S> {
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn add(&mut self, round: usize, row: Row, subject: S, figure: f64) {
        self.0
            .entry((row, subject))
            .or_default()
            .insert(round, figure);
    }

    pub(crate) fn of(&self, row: Row, subject: S) -> Option<Spread> {
        Spread::of(self.0.get(&(row, subject))?.values().copied().collect())
    }

    /// How many times `other` the figure of `one` is, within each round.
    pub(crate) fn ratio(&self, row: Row, one: S, other: S) -> Option<Spread> {
        let (one, other) = (self.0.get(&(row, one))?, self.0.get(&(row, other))?);
        let ratios = one
            .iter()
            .filter_map(|(round, one)| Some(one / other.get(round)?));
        Spread::of(ratios.collect())
    }
}

// === impl Spread ===

impl Spread {
    fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        Some(Self {
            median: *figures.get(figures.len() / 2)?,
            least: *figures.first()?,
            most: *figures.last()?,
        })
    }
}
