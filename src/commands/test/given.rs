//! What a case says about the cluster: pure data that answers as the caches would.

use std::sync::{Arc, LazyLock};

use crate::cluster::convert::injectors;
use crate::placement::facts::source::{
    Believed, Connection, Missing, Namespace, Requirement, Siblings, Source, Waypoint, Workload,
};
use crate::placement::outcome::{Capture, Injectors, Istio};
use crate::placement::selector;
use crate::placement::workload::{RevisionRef, WorkloadRef};

/// The facts of one case, about its Pod and about nothing else.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) connection: Connection,
    pub(super) namespace: Result<Arc<Namespace>, Missing>,
    pub(super) workload: Result<Arc<Workload>, Missing>,
    pub(super) requires: Result<Vec<Requirement>, Missing>,
    pub(super) waypoint: Result<Option<Waypoint>, Missing>,
    pub(super) siblings: Option<Siblings>,
}

/// As the profile ambient installs it, without revisions: the injector's webhooks, and what istio-cni captures.
static ISTIO: LazyLock<Result<Arc<Istio>, Missing>> = LazyLock::new(|| {
    let webhooks = injectors::configuration(include_str!("injector.json"));
    let webhooks = webhooks.ok().flatten().ok_or(Missing::NoCluster)?;
    Ok(Arc::new(Istio {
        injectors: Injectors::new(vec![webhooks], std::collections::BTreeMap::new()),
        capture: Capture::default(),
    }))
});

// === impl Given ===

impl Given {
    /// Nothing: meshmode has no cluster.
    pub(super) fn nothing() -> Self {
        Self {
            connection: Connection::None,
            namespace: Err(Missing::NoCluster),
            workload: Err(Missing::NoCluster),
            requires: Err(Missing::NoCluster),
            waypoint: Err(Missing::NoCluster),
            siblings: None,
        }
    }
}

impl Source for Given {
    fn connection(&self) -> Connection {
        self.connection
    }

    fn namespace(&self, _: &str) -> Result<Arc<Namespace>, Missing> {
        self.namespace.clone()
    }

    fn workload(&self, _: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing> {
        self.workload.clone()
    }

    fn requires(&self, _: &str, _: &dyn selector::Labels) -> Result<Vec<Requirement>, Missing> {
        self.requires.clone()
    }

    fn waypoint(&self, _: &str, _: &dyn selector::Labels) -> Result<Option<Waypoint>, Missing> {
        self.waypoint.clone()
    }

    fn siblings(&self, _: &RevisionRef<'_>, _: Believed<'_>) -> Result<Option<Siblings>, Missing> {
        Ok(self.siblings.clone())
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        match self.connection {
            Connection::None => Err(Missing::NoCluster),
            Connection::Cluster => ISTIO.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_istio_is_there() {
        let recorded = include_str!("../../../tests/data/istio/istio-sidecar-injector.json");
        let recorded = injectors::configuration(recorded).unwrap().unwrap();
        let expected = Injectors::new(vec![recorded], std::collections::BTreeMap::new());
        assert_eq!(ISTIO.as_ref().unwrap().injectors, expected);
    }
}
