//! What the cluster says, with what an object says about its own workload.

use std::sync::Arc;

use super::Template;
use crate::placement::facts::source::{
    Believed, Connection, Missing, Namespace, Requirement, Siblings, Source, Waypoint, Workload,
};
use crate::placement::outcome::Istio;
use crate::placement::selector;
use crate::placement::workload::{RevisionRef, WorkloadRef};

/// What a cluster says, and about one workload what its object does: that may be newer, or nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct WithWorkload<'t> {
    /// The workload.
    pub template: &'t Template,
    /// What is known of everything else.
    pub cluster: &'t dyn Source,
}

// === impl WithWorkload ===

impl Source for WithWorkload<'_> {
    fn connection(&self) -> Connection {
        self.cluster.connection()
    }

    fn namespace(&self, name: &str) -> Result<Arc<Namespace>, Missing> {
        self.cluster.namespace(name)
    }

    fn workload(&self, workload: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing> {
        if *workload != self.template.workload {
            return self.cluster.workload(workload);
        }
        let mut known = self.template.facts.clone();
        known.max_replicas = self.cluster.scaled_to(workload).or(known.max_replicas);
        Ok(Arc::new(known))
    }

    fn requires(
        &self,
        namespace: &str,
        labels: &dyn selector::Labels,
    ) -> Result<Vec<Requirement>, Missing> {
        self.cluster.requires(namespace, labels)
    }

    fn waypoint(
        &self,
        namespace: &str,
        labels: &dyn selector::Labels,
    ) -> Result<Option<Waypoint>, Missing> {
        self.cluster.waypoint(namespace, labels)
    }

    fn siblings(
        &self,
        revision: &RevisionRef<'_>,
        believed: Believed<'_>,
    ) -> Result<Option<Siblings>, Missing> {
        self.cluster.siblings(revision, believed)
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        self.cluster.istio()
    }

    fn running(&self, workload: &WorkloadRef<'_>) -> Option<Siblings> {
        self.cluster.running(workload)
    }

    fn scaled_to(&self, workload: &WorkloadRef<'_>) -> Option<i64> {
        self.cluster.scaled_to(workload)
    }
}
