//! One watch: takes its events in, waits after errors, and says how it stands.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use kube::runtime::watcher::{DefaultBackoff, Error, Event};
use tokio::time::Instant;

use super::Observer;
use crate::authorization::facts::Resource;
use crate::cluster::Cluster;
use crate::cluster::caches::{Caches, State};
use crate::cluster::table::Change;

/// What a watch works on.
pub(super) struct Follow {
    pub(super) resource: Resource,
    pub(super) cluster: Cluster,
    pub(super) observer: Arc<dyn Observer>,
}

/// How often it is tried again what takes somebody to mend: a missing CRD, missing RBAC. And at least how often all
/// else is.
const RETRY: Duration = Duration::from_secs(15);
/// A watch that starts again says nothing until something changes. When it has failed for this long no
/// more, it is taken to follow; a connection takes at most 10 s to fail.
const QUIET: Duration = Duration::from_secs(12);
/// For how long what was read is used on while the API server refuses it: one that has just started refuses for
/// some seconds what its RBAC will allow, and that is when the Pods of a cluster are created anew.
const REFUSED: Duration = Duration::from_secs(60);

/// Whether all objects were read once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Filled {
    Never,
    Once,
}

/// How all objects are read at first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Manner {
    /// One by one, as events of the watch: the API server sends while we read, and no page of them is ever in memory.
    /// Kubernetes 1.34 and newer, and 1.32 (feature `WatchList`).
    Streamed,
    /// In lists, page by page.
    Paged,
}

/// How the attempts went since something was last read.
struct Attempts {
    backoff: DefaultBackoff,
    refused_since: Option<Instant>,
}

/// What is wrong with a watch.
enum Trouble {
    Forbidden,
    NotInstalled,
    Passing,
}

/// Follows the events of `open`, and opens it again where it ends; in pages where the API server does not stream.
pub(super) async fn follow<K, S>(
    follow: Follow,
    (mut manner, open): (Manner, impl Fn(Manner) -> S),
    apply: fn(&mut Caches, Change<'_, K>),
    mut filled: Filled,
) -> Infallible
where
    S: Stream<Item = Result<Event<K>, Error>>,
{
    let mut attempts = Attempts::none();
    loop {
        let mut events = pin!(open(manner));
        loop {
            // Dropping `next` loses nothing: what it waits for is in the stream.
            let next = match follow.cluster.states().of(follow.resource) {
                State::Behind | State::Forbidden | State::NotInstalled
                    if filled == Filled::Once =>
                {
                    tokio::time::timeout(QUIET, events.next()).await
                }
                State::NotWatched
                | State::Filling
                | State::Failing
                | State::Following
                | State::Behind
                | State::Forbidden
                | State::NotInstalled => Ok(events.next().await),
            };
            match next {
                Err(_) => follow.goes_over(State::Following, None),
                // It does not end by itself; if it does, not again and again at once.
                Ok(None) => {
                    tokio::time::sleep(RETRY).await;
                    break;
                }
                Ok(Some(Ok(event))) => {
                    attempts.after(&event);
                    filled = follow.take(&event, apply, filled);
                }
                Ok(Some(Err(error))) if manner == Manner::Streamed && does_not_stream(&error) => {
                    manner = Manner::Paged;
                    break;
                }
                Ok(Some(Err(error))) => {
                    let wait = follow.fails(&error, filled, &mut attempts);
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}

impl Follow {
    fn take<K>(
        &self,
        event: &Event<K>,
        apply: fn(&mut Caches, Change<'_, K>),
        filled: Filled,
    ) -> Filled {
        let (change, filled) = match event {
            Event::Init => (Change::Begin, filled),
            Event::InitApply(object) | Event::Apply(object) => (Change::Put(object), filled),
            Event::Delete(object) => (Change::Remove(object), filled),
            Event::InitDone => (Change::End, Filled::Once),
        };
        let objects = self.cluster.change(self.resource, |caches| {
            apply(caches, change);
            if let Change::End = change {
                caches.lacking.remove(&self.resource);
            }
        });
        self.observer.counted(self.resource, objects);
        match (event, filled) {
            // A list is no news before its end.
            (Event::Init | Event::InitApply(_), _) | (_, Filled::Never) => {}
            (Event::InitDone | Event::Apply(_) | Event::Delete(_), Filled::Once) => {
                self.goes_over(State::Following, None);
            }
        }
        filled
    }

    /// Says what is wrong, and for how long to wait.
    fn fails(&self, error: &Error, filled: Filled, attempts: &mut Attempts) -> Duration {
        match Trouble::of(error, self.resource) {
            Trouble::Forbidden => {
                let state = match filled {
                    Filled::Once if attempts.refused_for() < REFUSED => State::Behind,
                    Filled::Never | Filled::Once => State::Forbidden,
                };
                self.goes_over(state, Some(error));
                attempts.wait()
            }
            Trouble::NotInstalled => {
                self.cluster
                    .change(self.resource, |caches| caches.clear(self.resource));
                self.observer.counted(self.resource, 0);
                self.goes_over(State::NotInstalled, None);
                RETRY
            }
            Trouble::Passing => {
                let state = match filled {
                    Filled::Never => State::Failing,
                    Filled::Once => State::Behind,
                };
                self.goes_over(state, Some(error));
                attempts.wait()
            }
        }
    }

    pub(super) fn goes_over(&self, state: State, why: Option<&Error>) {
        let before = self.cluster.set(self.resource, state);
        if before != state {
            let why = why.map(|error| error as &(dyn StdError + 'static));
            self.observer.went_over(self.resource, state, why);
        }
    }
}

// === impl Attempts ===

impl Attempts {
    fn none() -> Self {
        Self {
            backoff: DefaultBackoff::default(),
            refused_since: None,
        }
    }

    /// [`Event::Init`] comes before the API server is asked.
    fn after<K>(&mut self, event: &Event<K>) {
        match event {
            Event::Init => {}
            Event::InitApply(_) | Event::InitDone | Event::Apply(_) | Event::Delete(_) => {
                self.refused_since = None;
            }
        }
    }

    fn refused_for(&mut self) -> Duration {
        self.refused_since
            .get_or_insert_with(Instant::now)
            .elapsed()
    }

    /// Longer would only keep old facts for longer when the API server is back.
    fn wait(&mut self) -> Duration {
        self.backoff.next().unwrap_or(RETRY).min(RETRY)
    }
}

// === impl Trouble ===

impl Trouble {
    fn of(error: &Error, resource: Resource) -> Self {
        let code = match error {
            Error::InitialListFailed(error)
            | Error::WatchStartFailed(error)
            | Error::WatchFailed(error) => code(error),
            Error::WatchError(status) => status.code,
            Error::NoResourceVersion => 0,
        };
        match code {
            403 => Self::Forbidden,
            404 if is_of_a_crd(resource) => Self::NotInstalled,
            // Kubernetes' own kinds are always there: something else answered, such as a load balancer.
            _ => Self::Passing,
        }
    }
}

/// Whether this is how an API server without `WatchList` answers to `sendInitialEvents`
/// (`ValidateListOptions` of `k8s.io/apimachinery/pkg/apis/meta/internalversion/validation`).
fn does_not_stream(error: &Error) -> bool {
    match error {
        Error::WatchStartFailed(error) | Error::WatchFailed(error) => {
            matches!(code(error), 400 | 422)
        }
        Error::WatchError(status) => matches!(status.code, 400 | 422),
        Error::InitialListFailed(_) | Error::NoResourceVersion => false,
    }
}

fn is_of_a_crd(resource: Resource) -> bool {
    let group = resource.group();
    group == "gateway.networking.k8s.io" || group.ends_with(".istio.io")
}

fn code(error: &kube::Error) -> u16 {
    if let kube::Error::Api(status) = error {
        status.code
    } else {
        0
    }
}

#[cfg(test)]
mod tests;
