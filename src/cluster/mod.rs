//! Kubernetes: where its objects become facts.
//!
//! | file | what is in it |
//! |---|---|
//! | [`convert`] | objects to what facts need of them; the one place for that |
//! | [`caches`], [`table`], [`namespaced`], [`revisions`] | what is known of the cluster |
//! | `recent` | what was decided and is not known of the cluster yet |
//! | [`connect`] | which cluster, if any |
//! | [`protobuf`] | how much is asked for, and read |
//! | [`registered`] | which webhooks call meshmode, asked for now and then |
//! | [`watch`] | keeps the caches up to date |
//! | `facts`, `placing` | the facts for a policy and for a Pod, out of the caches |

pub mod caches;
pub mod connect;
pub mod convert;
mod facts;
pub mod namespaced;
mod placing;
pub mod protobuf;
pub mod recent;
pub mod registered;
pub mod revisions;
pub mod table;
pub mod watch;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use self::caches::{Caches, State, States};
use self::facts::View;
use self::recent::Recent;
use crate::authorization::facts::{Facts, FactsSource, Resource};
use crate::authorization::policy::AuthorizationPolicy;
use crate::placement::facts::{Fields, Missing, Resources};

/// What is known of a cluster. Clones know the same.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    caches: Arc<RwLock<Caches>>,
    states: tokio::sync::watch::Sender<States>,
    recent: Arc<Mutex<Recent>>,
}

/// How often it is looked whether something is known now.
const LOOK: Duration = Duration::from_millis(10);

// === impl Cluster ===

impl Cluster {
    /// One of which all is read that is in `caches`, and nothing else is there.
    pub fn of(caches: Caches) -> Self {
        let this = Self::default();
        this.caches(|all| *all = caches);
        for resource in Resource::ALL {
            this.set(resource, State::Following);
        }
        this
    }

    /// How far each kind of objects is followed.
    pub fn states(&self) -> States {
        *self.states.borrow()
    }

    /// The kinds that were not read yet.
    pub fn unread(&self) -> impl Iterator<Item = Resource> {
        unread(self.states())
    }

    /// Ends when there is none such any more.
    pub async fn filled(&self) {
        let mut states = self.states.subscribe();
        let all_read = |states: &States| unread(*states).next().is_none();
        // We hold the sender: it cannot be gone.
        drop(states.wait_for(all_read).await);
    }

    /// Ends when rules that read `fields` find them all, or are told that they may not.
    pub async fn knows(&self, fields: Fields) {
        let mut ticks = tokio::time::interval(LOOK);
        loop {
            ticks.tick().await;
            match self.look(|view| view.knows(fields)) {
                Ok(()) | Err(Missing::Forbidden(_)) => return,
                Err(
                    Missing::NoCluster
                    | Missing::NotReadYet(_)
                    | Missing::NotWatched(_)
                    | Missing::NotSeen { .. }
                    | Missing::OtherKind(_),
                ) => {}
            }
        }
    }

    /// Ends when all was read, and nothing is refused any more.
    pub async fn allowed(&self) {
        let mut states = self.states.subscribe();
        let all = |states: &States| {
            let mut refused = states.those(State::Forbidden);
            refused.next().is_none() && unread(*states).next().is_none()
        };
        drop(states.wait_for(all).await);
    }

    /// From now on these are waited for.
    pub fn wants(&self, resources: Resources) {
        for resource in resources.iter() {
            self.set(resource, State::Filling);
        }
    }

    /// Changes the caches, and gives how many objects of the kind there are then.
    fn change(&self, resource: Resource, change: impl FnOnce(&mut Caches)) -> usize {
        // A panic while it was locked left at most one object wrong; the next list mends that.
        let mut caches = self.caches.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut caches);
        caches.count(resource)
    }

    /// Changes what is not about one kind.
    fn caches<T>(&self, change: impl FnOnce(&mut Caches) -> T) -> T {
        change(&mut self.caches.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at what is known now; others look at it meanwhile, and changes wait.
    fn look<T>(&self, at: impl FnOnce(View<'_>) -> T) -> T {
        let states = self.states();
        let caches = self.caches.read().unwrap_or_else(PoisonError::into_inner);
        let caches = &*caches;
        at(View { caches, states })
    }

    /// Changes a state; gives the one before.
    fn set(&self, resource: Resource, state: State) -> State {
        let mut before = state;
        self.states.send_if_modified(|states| {
            before = states.set(resource, state);
            before != state
        });
        before
    }
}

fn unread(states: States) -> impl Iterator<Item = Resource> {
    let filling = states.those(State::Filling);
    filling.chain(states.those(State::Failing))
}

impl FactsSource for Cluster {
    fn facts_for(&self, policy: &AuthorizationPolicy<'_>) -> Facts {
        self.look(|view| view.facts_for(policy))
    }
}
