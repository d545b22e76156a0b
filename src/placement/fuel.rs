//! What the expressions of one decision may cost, whatever a Pod's author puts into the Pod.

use std::sync::atomic::{AtomicU32, Ordering};

use cel::ExecutionError;

/// How many values the expressions of one decision may still read.
#[derive(Debug)]
pub struct Fuel(AtomicU32);

// === impl Fuel ===

impl Fuel {
    /// How many values the expressions of one decision may read: some tenths of a second, where all is read.
    pub const PER_DECISION: u32 = 500_000;

    /// How much of a text counts as a value: searched through, both take about as long.
    const TEXT: usize = 256;

    /// What a text of `bytes` costs beyond the value that it is.
    pub const fn of_text(bytes: usize) -> usize {
        bytes / Self::TEXT
    }

    /// A full tank.
    pub const fn full() -> Self {
        Self(AtomicU32::new(Self::PER_DECISION))
    }

    /// Whether it was too little: no result can then be trusted.
    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Takes all: what is read cannot be shown whole.
    pub fn spend(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Takes `amount`.
    ///
    /// # Errors
    /// There is not that much left.
    pub fn take(&self, amount: usize) -> Result<(), ExecutionError> {
        let amount = u32::try_from(amount).unwrap_or(u32::MAX);
        let left = self.0.load(Ordering::Relaxed);
        // One decision is made by one thread: no update is lost between load and store.
        self.0.store(left.saturating_sub(amount), Ordering::Relaxed);
        if amount <= left {
            return Ok(());
        }
        Err(ExecutionError::InternalError(format!(
            "the rules read more than {} values of this object",
            Self::PER_DECISION
        )))
    }
}
