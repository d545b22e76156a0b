//! What one connection is doing, since when: so that one that does nothing is ended in time, and the one that is
//! worth least makes place for a new one.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::Patience;
use crate::telemetry::metrics::Ended;

/// A connection, as its task, its requests and the one who accepts see it.
#[derive(Debug)]
pub(super) struct Link {
    opened: Instant,
    state: Mutex<State>,
    answered: Notify,
}

/// What it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// What it is worth while no request waits on it: the least goes first, and of equals the one that waits longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// It was never answered: perhaps it never asks.
    Unproven(Instant),
    /// It asked before; the API server may ask again, on the one it used last.
    Idle(Instant),
}

/// A request that waits for its answer, on this connection.
#[derive(Debug)]
pub(super) struct Asking(Arc<Link>);

#[derive(Debug)]
struct State {
    doing: Doing,
    since: Instant,
    history: History,
    requests: usize,
    protocol: Protocol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Its handshake.
    Shaking,
    /// Nothing.
    Waiting,
    /// It sends the head of a request.
    Asking,
    /// It waits for answers.
    Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum History {
    Unproven,
    Answered,
}

// === impl Link ===

impl Link {
    /// One that was just accepted.
    pub(super) fn new() -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            opened: now,
            state: Mutex::new(State {
                doing: Doing::Shaking,
                since: now,
                history: History::Unproven,
                requests: 0,
                protocol: Protocol::Http1,
            }),
            answered: Notify::new(),
        })
    }

    /// When it was accepted.
    pub(super) const fn opened(&self) -> Instant {
        self.opened
    }

    /// Its handshake is done.
    pub(super) fn shaken(&self, protocol: Protocol) {
        let mut state = self.state();
        state.protocol = protocol;
        state.goes_over_to(Doing::Waiting);
    }

    /// Something was read from it.
    pub(super) fn read(&self) {
        let mut state = self.state();
        // Frames of HTTP/2 may well be none of a request.
        if state.doing == Doing::Waiting && state.protocol == Protocol::Http1 {
            state.goes_over_to(Doing::Asking);
        }
    }

    /// The head of a request is there. It waits until what is returned is dropped.
    pub(super) fn asks(self: &Arc<Self>) -> Asking {
        let mut state = self.state();
        state.requests += 1;
        state.goes_over_to(Doing::Asked);
        Asking(Arc::clone(self))
    }

    /// What it is worth; nothing where a request waits, which is worth everything.
    pub(super) fn worth(&self) -> Option<Worth> {
        let state = self.state();
        match (state.doing, state.history) {
            (Doing::Asked, _) => None,
            (_, History::Unproven) => Some(Worth::Unproven(self.opened)),
            (_, History::Answered) => Some(Worth::Idle(state.since)),
        }
    }

    /// Waits until it was answered once.
    pub(super) async fn proven(&self) {
        loop {
            // First, so that no answer is missed in between.
            let answered = self.answered.notified();
            if self.state().history == History::Answered {
                return;
            }
            answered.await;
        }
    }

    /// Waits until it takes too long for what it does. To be polled after the connection was.
    pub(super) async fn overdue(&self, patience: Patience) -> Ended {
        let mut sleep = pin!(sleep_until(Instant::now() + patience.idle));
        poll_fn(|context| {
            loop {
                let Some((end, why)) = self.state().end(patience) else {
                    return Poll::Pending;
                };
                if end < sleep.deadline() {
                    sleep.as_mut().reset(end);
                }
                ready!(sleep.as_mut().poll(context));
                if end <= sleep.deadline() {
                    return Poll::Ready(why);
                }
                sleep.as_mut().reset(end);
            }
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn goes_over_to(&mut self, doing: Doing) {
        self.doing = doing;
        self.since = Instant::now();
    }

    /// When it takes too long, and what that is called.
    fn end(&self, patience: Patience) -> Option<(Instant, Ended)> {
        match self.doing {
            // The handshake has a time of its own, and so has a review.
            Doing::Shaking | Doing::Asked => None,
            Doing::Waiting => Some((self.since + patience.idle, Ended::Idle)),
            Doing::Asking => Some((self.since + patience.head, Ended::SlowHead)),
        }
    }
}

// === impl Asking ===

impl Drop for Asking {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests -= 1;
        state.history = History::Answered;
        if state.requests == 0 {
            state.goes_over_to(Doing::Waiting);
        }
        drop(state);
        self.0.answered.notify_waiters();
    }
}
