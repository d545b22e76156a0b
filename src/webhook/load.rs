//! How much the webhook takes on at a time: bytes of bodies, and reviews. What is too much is refused at once, so that
//! the failurePolicy decides, and the rest is answered. Large bodies are decided one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::telemetry::metrics::{Metrics, Overload};

/// What may be in flight.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of bodies.
    pub body_memory: usize,
    /// Reviews, from the whole body to the answer.
    pub reviews: usize,
}

/// What is in flight.
#[derive(Debug)]
pub struct Load {
    limits: Limits,
    bytes: AtomicUsize,
    reviews: AtomicUsize,
    /// Locked by the large body that is decided; the others wait in their order.
    turns: Arc<Mutex<()>>,
    metrics: Arc<Metrics>,
}

/// The memory of a body, until it is dropped.
#[derive(Debug)]
pub struct Memory<'a> {
    load: &'a Load,
    bytes: usize,
}

/// The place of a review, until it is dropped.
#[derive(Debug)]
pub struct Place<'a>(&'a Load);

/// The turn of a large body, until it is dropped.
pub type Turn = OwnedMutexGuard<()>;

/// A body up to here is small: nearly all Pods are. It is read in about a millisecond; what expressions take beside that has
/// a bound of its own (`placement::fuel`).
pub const SMALL: usize = 256 << 10;
/// The share of the memory that only small bodies get: a few large ones, or some that are announced and never come, do
/// not keep Pods waiting.
const SHARE_OF_SMALL: usize = 4;

// === impl Limits ===

impl Default for Limits {
    /// 256 MiB, and more reviews than three API servers ask for at a time.
    fn default() -> Self {
        Self {
            body_memory: 256 << 20,
            reviews: 1024,
        }
    }
}

// === impl Load ===

impl Load {
    /// None yet. What is refused is counted in `metrics`.
    pub fn new(limits: Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            limits,
            bytes: AtomicUsize::new(0),
            reviews: AtomicUsize::new(0),
            turns: Arc::default(),
            metrics,
        }
    }

    /// Memory for a body of so many bytes.
    ///
    /// # Errors
    /// There is not so much.
    pub fn memory(&self, bytes: usize) -> Result<Memory<'_>, Overload> {
        let mut memory = Memory {
            load: self,
            bytes: 0,
        };
        memory.grow(bytes)?;
        Ok(memory)
    }

    /// A place for a review.
    ///
    /// # Errors
    /// There are as many as there may be.
    pub fn place(&self) -> Result<Place<'_>, Overload> {
        if take(&self.reviews, 1, self.limits.reviews) {
            Ok(Place(self))
        } else {
            Err(self.refused(Overload::Reviews))
        }
    }

    /// Waits until no other large body is decided.
    pub async fn turn(&self) -> Turn {
        Arc::clone(&self.turns).lock_owned().await
    }

    fn refused(&self, overload: Overload) -> Overload {
        self.metrics.traffic().overloaded(overload);
        overload
    }
}

/// Adds `more` to `taken`, unless that would be above `most`; whether it did.
fn take(taken: &AtomicUsize, more: usize, most: usize) -> bool {
    let added = |taken: usize| taken.checked_add(more).filter(|sum| *sum <= most);
    let before = taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, added);
    before.is_ok()
}

// === impl Memory ===

impl Memory<'_> {
    /// Memory for a body that turns out to have so many bytes; no less than before.
    ///
    /// # Errors
    /// There is not so much.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Overload> {
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else {
            return Ok(());
        };
        let all = self.load.limits.body_memory;
        let most = if bytes <= SMALL {
            all
        } else {
            all - all / SHARE_OF_SMALL
        };
        if !take(&self.load.bytes, more, most) {
            return Err(self.load.refused(Overload::BodyMemory));
        }
        self.bytes = bytes;
        self.load.metrics.traffic().body_memory_taken(more);
        Ok(())
    }
}

impl Drop for Memory<'_> {
    fn drop(&mut self) {
        self.load.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        let traffic = self.load.metrics.traffic();
        traffic.body_memory_given_back(self.bytes);
    }
}

// === impl Place ===

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.reviews.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(body_memory: usize, reviews: usize) -> Load {
        let limits = Limits {
            body_memory,
            reviews,
        };
        Load::new(limits, Arc::default())
    }

    #[test]
    fn reviews_are_refused_while_there_are_too_many() {
        let load = load(0, 2);
        let first = load.place().unwrap();
        let second = load.place().unwrap();
        assert_eq!(load.place().unwrap_err(), Overload::Reviews);
        drop(first);
        let third = load.place().unwrap();
        assert_eq!(load.place().unwrap_err(), Overload::Reviews);
        drop((second, third));
        let counted = "meshmode_overloads_total{cause=\"reviews\"} 2\n";
        assert!(load.metrics.to_text().contains(counted));
    }

    #[test]
    fn large_bodies_leave_memory_for_small_ones() {
        let load = load(20 << 20, 0);
        let large = load.memory(7 << 20).unwrap();
        let other = load.memory(7 << 20).unwrap();
        assert_eq!(load.memory(7 << 20).unwrap_err(), Overload::BodyMemory);
        let small: Vec<_> = (0..24).map(|_| load.memory(SMALL).unwrap()).collect();
        assert_eq!(load.memory(1).unwrap_err(), Overload::BodyMemory, "full");
        let held = |bytes: usize| format!("meshmode_body_memory_bytes {bytes}\n");
        assert!(load.metrics.to_text().contains(&held(20 << 20)));
        drop((large, small));
        assert!(load.metrics.to_text().contains(&held(7 << 20)));
        drop(other);
        assert!(load.metrics.to_text().contains(&held(0)));
    }

    #[test]
    fn a_body_that_grows_is_refused_where_it_becomes_too_much() {
        let load = load(1 << 20, 0);
        let mut memory = load.memory(0).unwrap();
        memory.grow(SMALL).unwrap();
        memory.grow(1).unwrap();
        assert_eq!(memory.bytes, SMALL, "it never shrinks");
        memory.grow(768 << 10).unwrap();
        assert_eq!(
            memory.grow((768 << 10) + 1).unwrap_err(),
            Overload::BodyMemory
        );
        drop(memory);
        load.memory(1 << 20).unwrap_err();
        load.memory(768 << 10).unwrap();
    }
}
