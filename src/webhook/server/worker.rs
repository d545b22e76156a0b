//! Threads that each have a runtime of their own. What a connection wakes stays on its thread: on a runtime of several
//! threads each body that hyper reads wakes another one, in vain.

use std::fmt;
use std::io;
use std::num::NonZero;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread that runs tasks until this is dropped, which ends them and waits for it.
pub struct Worker {
    handle: Handle,
    /// Dropped to stop it.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Some of them, at least one.
#[derive(Debug)]
pub struct Workers(Box<[Worker]>);

/// As much as tokio's own threads have.
const STACK: usize = 2 << 20;

// === impl Worker ===

impl Worker {
    /// Starts a thread of this name, with so many bytes of stack.
    ///
    /// # Errors
    /// There is no thread or no runtime to be had.
    pub fn start(name: &str, stack: usize) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::sync_channel(1);
        // Made on its thread: where there is no thread, a runtime may not be dropped within another one.
        let run = move || match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                drop(tell.send(Ok(runtime.handle().clone())));
                drop(runtime.block_on(stopped));
            }
            Err(error) => drop(tell.send(Err(error))),
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(stack)
            .spawn(run)?;
        let handle = told.recv().map_err(io::Error::other)??;
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where its tasks are spawned.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Starts one that takes `listener` over: its readiness is for this thread to know from now on.
    ///
    /// # Errors
    /// There is no thread or no runtime to be had.
    pub fn of(name: &str, stack: usize, listener: TcpListener) -> io::Result<(Self, TcpListener)> {
        let worker = Self::start(name, stack)?;
        let listener = listener.into_std()?;
        let runtime = worker.handle.enter();
        let listener = TcpListener::from_std(listener)?;
        drop(runtime);
        Ok((worker, listener))
    }

    /// Whether its thread is gone, which nothing but a fault of its runtime can do.
    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Worker").field(&self.handle.id()).finish()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it has been logged.
            drop(thread.join());
        }
    }
}

// === impl Workers ===

impl Workers {
    /// Starts so many.
    ///
    /// # Errors
    /// There is no thread or no runtime to be had.
    pub fn start(count: NonZero<usize>) -> io::Result<Self> {
        let all = (0..count.get()).map(|number| Worker::start(&format!("reviews-{number}"), STACK));
        all.collect::<io::Result<_>>().map(Self)
    }

    /// Where the tasks of each are spawned.
    pub fn handles(&self) -> impl Iterator<Item = &Handle> {
        self.0.iter().map(Worker::handle)
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether one is gone: what is given to it gets no answer.
    pub(super) fn have_ended(&self) -> bool {
        self.0.iter().any(Worker::has_ended)
    }

    /// The one that comes up least often in `busy`, which has a number of each for each task that it has: its number, and
    /// where its tasks are spawned.
    pub(super) fn least(&self, busy: impl Iterator<Item = usize>) -> (usize, &Handle) {
        let mut tasks = vec![0_usize; self.0.len()];
        for number in busy {
            tasks[number] += 1;
        }
        let fewest = (0..tasks.len()).min_by_key(|number| tasks[*number]);
        let number = fewest.unwrap_or_default();
        (number, self.0[number].handle())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn its_tasks_run_on_its_thread_and_end_with_it() {
        let worker = Worker::start("one", 1 << 20).unwrap();
        let (tell, told) = mpsc::channel();
        let task = worker.handle().spawn(async move {
            let name = std::thread::current().name().map(ToOwned::to_owned);
            tell.send(name).unwrap();
            std::future::pending::<()>().await;
        });
        let name = told.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(name.as_deref(), Some("one"));
        assert!(!worker.has_ended());
        drop(worker);
        assert!(task.is_finished());
    }

    #[test]
    fn who_has_the_fewest_gets_the_next() {
        let workers = Workers::start(NonZero::new(3).unwrap()).unwrap();
        let next = |busy: &[usize]| workers.least(busy.iter().copied()).0;
        assert_eq!(next(&[]), 0);
        assert_eq!(next(&[0]), 1);
        assert_eq!(next(&[0, 1, 2, 2, 0]), 1);
        assert_eq!(next(&[1, 0, 1, 0]), 2);
        assert_eq!(workers.handles().count(), 3);
    }
}
