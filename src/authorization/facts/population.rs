//! Workloads, counted by who enforces a policy for them.

use std::fmt;

use super::WhyUnknown;
use super::target::{ObjectName, WaypointState};

/// Who is in front of a workload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Class {
    /// ztunnel; and waypoints, if there are any: those that its own label or its namespace's
    /// names, and those of the Services that select it.
    Ambient(Vec<Front>),
    /// A proxy in the Pod.
    Sidecar,
    /// It is a gateway of Istio.
    Gateway,
    /// It is a waypoint.
    Waypoint,
    /// Nothing of Istio.
    Outside,
}

/// A waypoint that a workload, or a Service that selects it, asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Front {
    /// Which one.
    pub waypoint: ObjectName,
    /// For which traffic.
    pub via: Via,
    /// Only where this is [`WaypointState::Ready`] does traffic go there.
    pub state: WaypointState,
}

/// What is sent through a waypoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Via {
    /// What is addressed to this Service.
    Service(ObjectName),
    /// What is addressed to the Pod.
    Workload,
}

/// Workloads by their class. One that is behind two waypoints counts for both in `behind`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Population {
    /// Ambient, and no waypoint that is ready takes any of their traffic.
    pub ambient: Tally,
    /// Ambient, and behind a waypoint that is ready; each once.
    pub behind_waypoint: Tally,
    /// The same by waypoint, at most [`Population::FRONTS`].
    pub behind: Vec<(ObjectName, Tally)>,
    /// Waypoints that are asked for and not used, as they are missing, not ready or not allowed; at
    /// most [`Population::FRONTS`]. Traffic goes past them, straight to the workloads.
    pub unused: Vec<(Front, Tally)>,
    /// Why waypoints were not looked at: then all ambient workloads count as `ambient`.
    pub not_looked: Option<WhyUnknown>,
    /// With a proxy in the Pod.
    pub sidecar: Tally,
    /// Gateways of Istio.
    pub gateway: Tally,
    /// Waypoints.
    pub waypoint: Tally,
    /// Out of the mesh.
    pub outside: Tally,
}

/// How many revisions of workloads, and one of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Pods of one revision count once.
    pub revisions: usize,
    /// The first of them.
    pub example: Option<WorkloadName>,
}

/// A workload, as far as its Pods tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WorkloadName {
    /// Such as `Deployment`.
    pub kind: String,
    /// Where it is.
    pub namespace: String,
    /// What it is called.
    pub name: String,
}

// === impl Population ===

impl Population {
    /// How many waypoints are told apart.
    pub const FRONTS: usize = 16;

    /// Adds one revision of a workload.
    pub fn add(&mut self, class: Class, name: &WorkloadName) {
        match class {
            Class::Ambient(fronts) => self.add_ambient(fronts, name),
            Class::Sidecar => self.sidecar.add(name),
            Class::Gateway => self.gateway.add(name),
            Class::Waypoint => self.waypoint.add(name),
            Class::Outside => self.outside.add(name),
        }
    }

    /// All that ztunnel captures.
    pub const fn ambient_revisions(&self) -> usize {
        self.ambient.revisions + self.behind_waypoint.revisions
    }

    /// All that may enforce a policy: everything but what is out of the mesh.
    pub const fn in_mesh(&self) -> usize {
        self.ambient_revisions()
            + self.sidecar.revisions
            + self.gateway.revisions
            + self.waypoint.revisions
    }

    /// All of them.
    pub const fn revisions(&self) -> usize {
        self.in_mesh() + self.outside.revisions
    }

    fn add_ambient(&mut self, fronts: Vec<Front>, name: &WorkloadName) {
        let (ready, unused): (Vec<_>, Vec<_>) = fronts
            .into_iter()
            .partition(|front| front.state == WaypointState::Ready);
        for front in unused {
            if let Some(tally) = tally_of(&mut self.unused, front) {
                tally.add(name);
            }
        }
        if ready.is_empty() {
            return self.ambient.add(name);
        }
        self.behind_waypoint.add(name);
        let mut waypoints: Vec<_> = ready.into_iter().map(|front| front.waypoint).collect();
        waypoints.sort();
        waypoints.dedup();
        for waypoint in waypoints {
            if let Some(tally) = tally_of(&mut self.behind, waypoint) {
                tally.add(name);
            }
        }
    }
}

/// The tally of `key`, unless there are too many.
fn tally_of<K: PartialEq>(tallies: &mut Vec<(K, Tally)>, key: K) -> Option<&mut Tally> {
    let index = match tallies.iter().position(|(known, _)| *known == key) {
        Some(index) => index,
        None if tallies.len() < Population::FRONTS => {
            tallies.push((key, Tally::default()));
            tallies.len() - 1
        }
        None => return None,
    };
    tallies.get_mut(index).map(|(_, tally)| tally)
}

// === impl Tally ===

impl Tally {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.revisions == 0
    }

    fn add(&mut self, name: &WorkloadName) {
        self.revisions += 1;
        if self.example.is_none() {
            self.example = Some(name.clone());
        }
    }
}

/// `Deployment shop/web`, `Deployment shop/web and 3 more`, `none`.
impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.example, self.revisions) {
            (None, revisions) => write!(formatter, "{revisions} workloads"),
            (Some(example), 0 | 1) => write!(formatter, "{example}"),
            (Some(example), more) => write!(formatter, "{example} and {} more", more - 1),
        }
    }
}

// === impl WorkloadName ===

impl fmt::Display for WorkloadName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            namespace,
            name,
        } = self;
        write!(formatter, "{kind} {namespace}/{name}")
    }
}
