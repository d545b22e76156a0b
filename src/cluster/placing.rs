//! What a cluster says to placements.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::Cluster;
use super::caches::State;
use super::convert::pod::TemplateKey;
use super::facts::View;
use crate::authorization::facts::Resource;
use crate::placement::facts::source::{
    Believed, Connection, Decided, Missing, Namespace, Requirement, Siblings, Waypoint, Workload,
};
use crate::placement::facts::{Resources, Source};
use crate::placement::outcome::Istio;
use crate::placement::selector::Labels;
use crate::placement::workload::{RevisionRef, WorkloadRef};

/// Pods without a placement, by what their namespace asks of meshmode (label `meshmode.io/webhook`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Unplaced {
    /// `enabled`
    pub enabled: usize,
    /// `observe`
    pub observed: usize,
    /// Another value, or none.
    pub other: usize,
}

// === impl Cluster ===

impl Cluster {
    /// Pods whose metadata shows neither a placement nor why they have none; nothing while it is not known which
    /// Pods there are.
    pub fn unplaced(&self) -> Option<Unplaced> {
        self.look(|view| view.unplaced())
    }

    fn decided_a_moment_ago(&self, template: TemplateKey) -> Option<Siblings> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let decided = recent.get(Instant::now(), template)?;
        Some(Siblings::Placed(decided))
    }
}

impl Source for Cluster {
    fn connection(&self) -> Connection {
        Connection::Cluster
    }

    fn namespace(&self, name: &str) -> Result<Arc<Namespace>, Missing> {
        self.look(|view| view.namespace(name))
    }

    fn workload(&self, workload: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing> {
        self.look(|view| view.workload(workload))
    }

    fn requires(&self, namespace: &str, labels: &dyn Labels) -> Result<Vec<Requirement>, Missing> {
        self.look(|view| view.requires(namespace, labels))
    }

    fn waypoint(&self, namespace: &str, labels: &dyn Labels) -> Result<Option<Waypoint>, Missing> {
        self.look(|view| view.waypoint(namespace, labels))
    }

    fn siblings(
        &self,
        revision: &RevisionRef<'_>,
        believed: Believed<'_>,
    ) -> Result<Option<Siblings>, Missing> {
        let template = TemplateKey::of(revision);
        let seen = self.look(|view| view.siblings(template, believed));
        match seen {
            Ok(Some(Siblings::Placed(_))) => seen,
            Ok(Some(Siblings::Unplaced) | None) | Err(_) => self
                .decided_a_moment_ago(template)
                .map_or(seen, |decided| Ok(Some(decided))),
        }
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        self.look(|view| view.istio())
    }

    /// Of all its revisions: which one is the newest metadata does not say. It looks at all Pods.
    fn running(&self, workload: &WorkloadRef<'_>) -> Option<Siblings> {
        self.look(|view| view.caches.revisions.running(workload))
    }

    fn scaled_to(&self, workload: &WorkloadRef<'_>) -> Option<i64> {
        self.look(|view| view.autoscaled_to(workload))
    }

    fn remember(&self, revision: &RevisionRef<'_>, decided: Decided) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.add(Instant::now(), TemplateKey::of(revision), decided);
    }
}

// === impl View ===

impl View<'_> {
    fn siblings(
        &self,
        template: TemplateKey,
        believed: Believed<'_>,
    ) -> Result<Option<Siblings>, Missing> {
        self.known(Resources::of(&[Resource::Pods]))?;
        Ok(self.caches.revisions.siblings(template, believed))
    }

    fn unplaced(&self) -> Option<Unplaced> {
        match self.states.of(Resource::Pods) {
            State::Following | State::Behind => {}
            State::NotWatched
            | State::Filling
            | State::Failing
            | State::Forbidden
            | State::NotInstalled => return None,
        }
        let mut unplaced = Unplaced::default();
        for (name, pods) in self.caches.revisions.namespaces() {
            let namespace = self.caches.namespaces.get(name);
            let asks =
                namespace.and_then(|namespace| namespace.facts.labels.get("meshmode.io/webhook"));
            match asks {
                // There the injector is not who decides.
                Some("enabled") => unplaced.enabled += pods.unplaced + pods.injected,
                Some("observe") => unplaced.observed += pods.unplaced,
                Some(_) | None => unplaced.other += pods.unplaced,
            }
        }
        Some(unplaced)
    }
}

#[cfg(test)]
mod tests;
