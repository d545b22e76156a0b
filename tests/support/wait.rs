//! Waiting for a condition with a deadline, in place of sleeping and hoping; and free ports.

use std::fmt::Display;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// What one attempt saw: the value waited for, or why it is not there yet.
pub(crate) trait Attempt {
    type Value;

    fn seen(self) -> Result<Self::Value, String>;
}

/// Tries every 20 ms until `attempt` gives a value, and panics at the deadline with `what` was
/// waited for and what was seen last. A `Result` says more there than an `Option` can.
pub(crate) async fn wait_for<A: Attempt>(
    what: &str,
    deadline: Duration,
    attempt: impl AsyncFnMut() -> A,
) -> A::Value {
    match poll(deadline, attempt).await {
        Ok(value) => value,
        Err(last) => panic!("waited {deadline:?} for {what}; last seen: {last}"),
    }
}

/// [`wait_for`] without the panic: the error is what was seen last. The deadline also ends an
/// attempt that hangs.
pub(crate) async fn poll<A: Attempt>(
    deadline: Duration,
    mut attempt: impl AsyncFnMut() -> A,
) -> Result<A::Value, String> {
    let end = Instant::now() + deadline;
    let mut last = "the first attempt did not return".to_owned();
    while let Ok(outcome) = timeout_at(end, attempt()).await {
        match outcome.seen() {
            Ok(value) => return Ok(value),
            Err(why) => last = why,
        }
        if Instant::now() >= end {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    Err(last)
}

/// A port of 127.0.0.1 that nobody listens on, and that this process was not given before.
///
/// It is below the range that Linux takes the ports of outgoing connections from (32768 and up),
/// so that it is still free when the server it is meant for starts, or starts again.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;

    // Processes that run at the same time begin at different places.
    let begin = std::process::id().wrapping_mul(97);
    (0..COUNT)
        .map(|_| {
            let next = u32::from(GIVEN.fetch_add(1, Ordering::Relaxed));
            let port = FIRST + begin.wrapping_add(next) % COUNT;
            u16::try_from(port).expect("20000 to 31999 is a port")
        })
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("no free port from 20000 to 31999")
}

// === impl Attempt ===

impl<T> Attempt for Option<T> {
    type Value = T;

    fn seen(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T, E: Display> Attempt for Result<T, E> {
    type Value = T;

    fn seen(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}
