//! The window in slots and steps: for which times queries are asked.
//!
//! Samples lie on multiples of the step since 1970, as Prometheus takes those of a subquery. A slot owns the samples after its
//! begin, up to and with its end: so each belongs to one slot.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::settings::SettingsError;

/// The window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    end: Timestamp,
    step: u64,
    steps_per_slot: u64,
    slots: u64,
}

/// Steps that people would choose, in seconds.
const STEPS: [u64; 12] = [
    300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800,
];
/// A week of 5 minutes.
const MOST_STEPS: u64 = 2_016;
/// A rate over less has too few samples where one is taken each minute.
const SHORTEST_RATE: u64 = 300;

/// Between samples in such a window: 5 minutes, or longer so that there are at most 2,016.
#[must_use]
pub fn default_step(window: Duration) -> Duration {
    let window = window.as_secs();
    let few = |step: &&u64| window.div_ceil(**step) <= MOST_STEPS;
    let step = STEPS.iter().find(few).copied();
    Duration::from_secs(step.unwrap_or(window / MOST_STEPS + 1))
}

// === impl Grid ===

impl Grid {
    /// Of a window that ends at `now` or less than a step before.
    ///
    /// The number of slots is near to `slots`: one that divides the window, where there is one; else the window begins a
    /// little later.
    ///
    /// # Errors
    /// The window is shorter than a step.
    pub(super) fn new(
        now: Timestamp,
        window: Duration,
        step: Duration,
        slots: usize,
    ) -> Result<Self, SettingsError> {
        let step = step.as_secs();
        let steps = window.as_secs().checked_div(step).unwrap_or(0);
        if steps == 0 {
            return Err(SettingsError::Window);
        }
        let wanted = u64::try_from(slots).unwrap_or(u64::MAX).clamp(1, steps);
        let near = (wanted / 2 + 1).max(1)..=(wanted + wanted / 2).min(steps);
        let slots = near
            .filter(|slots| steps.is_multiple_of(*slots))
            .min_by_key(|slots| slots.abs_diff(wanted))
            .unwrap_or(wanted);
        let begun = now
            .as_second()
            .rem_euclid(i64::try_from(step).unwrap_or(i64::MAX));
        let end = Timestamp::from_second(now.as_second() - begun);
        Ok(Self {
            end: end.map_err(|_| SettingsError::Window)?,
            step,
            steps_per_slot: steps / slots,
            slots,
        })
    }

    pub(super) const fn step(&self) -> u64 {
        self.step
    }

    pub(super) fn slots(&self) -> usize {
        usize::try_from(self.slots).unwrap_or(usize::MAX)
    }

    /// How many samples a slot has.
    #[expect(
        clippy::cast_precision_loss,
        reason = "2^52 samples are more than any window has"
    )]
    pub(super) const fn steps_in_slot(&self) -> f64 {
        self.steps_per_slot as f64
    }

    /// The first sample.
    pub(super) fn first(&self) -> Timestamp {
        self.before_end(self.seconds() - self.step)
    }

    /// How long the window is, in seconds.
    pub(super) const fn seconds(&self) -> u64 {
        self.slots * self.slot_seconds()
    }

    const fn slot_seconds(&self) -> u64 {
        self.steps_per_slot * self.step
    }

    pub(super) const fn end(&self) -> Timestamp {
        self.end
    }

    pub(super) fn start(&self) -> Timestamp {
        self.before_end(self.seconds())
    }

    /// The end of a slot, the first is 0.
    pub(super) fn end_of(&self, slot: usize) -> Timestamp {
        let after = self.slots() - slot.min(self.slots()).saturating_add(1).min(self.slots());
        let after = u64::try_from(after).unwrap_or(0);
        self.before_end(after * self.slot_seconds())
    }

    fn before_end(&self, seconds: u64) -> Timestamp {
        let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        self.end.checked_sub(seconds).unwrap_or(Timestamp::MIN)
    }

    /// The range of a subquery over one slot. It is a second short: Prometheus 2 counts a sample at the very begin, too.
    pub(super) fn slot_range(&self) -> String {
        format!("[{}s:{}s]", self.slot_seconds() - 1, self.step)
    }

    /// The range of a subquery over the whole window, with few samples: for what is there at all.
    pub(super) fn coarse_range(&self) -> String {
        let step = self.slot_seconds().min(self.seconds() / 8).max(self.step);
        format!("[{}s:{step}s]", self.seconds())
    }

    /// The range of a rate: each second is in one, where the step is not shorter.
    pub(super) fn rate_range(&self) -> String {
        format!("[{}s]", self.step.max(SHORTEST_RATE))
    }
}

#[cfg(test)]
mod tests;
