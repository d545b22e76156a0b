//! All connections, and no more of them than there may be: a new one is worth more than one that asks for nothing.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::Limits;
use super::connection::{Connection, Shared};
use super::link::Link;
use super::worker::Workers;
use crate::telemetry::logs::chain;
use crate::telemetry::metrics::Ended;

/// How long to wait after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How many more than there may be can be open for a moment, below what is kept free for other files.
const LEAVING: usize = 64;

/// A thread that answers is gone.
#[derive(Debug)]
pub(super) struct WorkerEnded;

/// The connections there are.
pub(super) struct Crowd {
    shared: Arc<Shared>,
    workers: Workers,
    /// A place for each handshake that may be computed at a time, of each worker: what one of them is busy with must not
    /// keep another from its handshakes.
    handshakes: Box<[Arc<Semaphore>]>,
    most: usize,
    tasks: JoinSet<()>,
    links: HashMap<Id, Member>,
}

/// A connection, and which of the workers it is on.
struct Member {
    link: Arc<Link>,
    task: AbortHandle,
    worker: usize,
}

impl Crowd {
    /// None yet.
    pub(super) fn new(shared: Arc<Shared>, workers: Workers, limits: Limits) -> Self {
        let share = (limits.handshakes / workers.count()).max(1);
        let handshakes = (0..workers.count()).map(|_| Arc::new(Semaphore::new(share)));
        Self {
            shared,
            handshakes: handshakes.collect(),
            workers,
            most: limits.connections,
            tasks: JoinSet::new(),
            links: HashMap::new(),
        }
    }

    /// Accepts and serves whoever comes until `end`; an error where nobody is left to serve them.
    pub(super) async fn accept(
        &mut self,
        listener: &TcpListener,
        end: impl Future<Output = ()>,
    ) -> Result<(), WorkerEnded> {
        let mut end = pin!(end);
        loop {
            // Those that had to make place are open until their worker gets to it.
            let is_full = self.tasks.len() >= self.most + LEAVING;
            tokio::select! {
                accepted = listener.accept(), if !is_full => match accepted {
                    // Its readiness is for the worker to know, and no more for the thread that accepts.
                    Ok((stream, peer)) => match stream.into_std() {
                        Ok(stream) => self.admit(stream, peer),
                        Err(error) => failed(&error).await,
                    },
                    Err(error) => failed(&error).await,
                },
                // Ended ones are taken out: the set must not grow with the connections there ever were.
                Some(ended) = self.tasks.join_next_with_id() => self.forget(ended),
                () = &mut end => return Ok(()),
            }
            if self.workers.have_ended() {
                return Err(WorkerEnded);
            }
        }
    }

    /// Accepts and serves whoever has come already: who is in the queue of a listener that is closed is cut off. The kernel
    /// is asked, as what tokio has heard of it may be old.
    pub(super) fn accept_the_last(&mut self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else {
            return;
        };
        while let Ok((stream, peer)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.admit(stream, peer);
            }
        }
    }

    /// Waits until all have ended.
    pub(super) async fn empty(&mut self) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.forget(ended);
        }
    }

    fn admit(&mut self, stream: std::net::TcpStream, peer: SocketAddr) {
        if self.links.len() >= self.most && !self.make_place() {
            self.shared.metrics.traffic().ended(Ended::Refused);
            tracing::debug!(%peer, most = self.most, "a connection was closed: all others wait for answers");
            return;
        }
        let busy = self.links.values().map(|member| member.worker);
        let (worker, handle) = self.workers.least(busy);
        let link = Link::new();
        let connection = Connection {
            shared: Arc::clone(&self.shared),
            link: Arc::clone(&link),
            handshakes: Arc::clone(&self.handshakes[worker]),
            peer,
        };
        let task = self.tasks.spawn_on(connection.run(stream), handle);
        let member = Member { link, task, worker };
        self.links.insert(member.task.id(), member);
        self.shared.metrics.traffic().connections(self.links.len());
    }

    /// Ends the connection that is worth least, unless a review waits on each.
    fn make_place(&mut self) -> bool {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.forget(ended);
        }
        if self.links.len() < self.most {
            return true;
        }
        let worths = self
            .links
            .iter()
            .filter_map(|(id, member)| Some((member.link.worth()?, *id)));
        let Some((_, least)) = worths.min_by_key(|(worth, _)| *worth) else {
            return false;
        };
        if let Some(member) = self.links.remove(&least) {
            member.task.abort();
            self.shared.metrics.traffic().ended(Ended::Evicted);
        }
        true
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        if self.links.remove(&id).is_some() {
            self.shared.metrics.traffic().connections(self.links.len());
        }
    }
}

async fn failed(error: &io::Error) {
    let error = chain(error);
    tracing::warn!(
        error,
        "could not accept a connection: is the limit of open files too low?"
    );
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
