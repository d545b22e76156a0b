//! A cluster of which a test says what is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::placement::Mode;
use crate::placement::facts::source::{
    Believed, Connection, Decided, Namespace, Reason, Requirement, Scope, Siblings, Waypoint,
    Workload,
};
use crate::placement::facts::{Missing, Resource, Source};
use crate::placement::labels::Labels;
use crate::placement::outcome::Istio;
use crate::placement::selector;
use crate::placement::workload::{RevisionRef, WorkloadRef};

/// All is known, and nothing is there, unless said otherwise.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) namespace: Result<Arc<Namespace>, Missing>,
    pub(super) workload: Result<Arc<Workload>, Missing>,
    pub(super) requires: Result<Vec<Requirement>, Missing>,
    pub(super) waypoint: Result<Option<Waypoint>, Missing>,
    pub(super) siblings: Result<Option<Siblings>, Missing>,
    pub(super) istio: Result<Arc<Istio>, Missing>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            namespace: Ok(Arc::default()),
            workload: Ok(Arc::default()),
            requires: Ok(Vec::new()),
            waypoint: Ok(None),
            siblings: Ok(None),
            istio: Err(Missing::NotReadYet(Resource::Injectors)),
        }
    }
}

impl Given {
    /// With an annotation on the namespace.
    pub(super) fn annotated(mut self, key: &str, value: &str) -> Self {
        self.namespace = Ok(Arc::new(Namespace {
            labels: labels(&[("kubernetes.io/metadata.name", "shop")]),
            annotations: labels(&[(key, value)]),
        }));
        self
    }

    /// With `max` replicas at most.
    pub(super) fn scaled(mut self, max: i64) -> Self {
        self.workload = Ok(Arc::new(Workload {
            replicas: Some(1),
            max_replicas: Some(max),
            ..Workload::default()
        }));
        self
    }

    /// With an object `shop/some` that asks for more than L4.
    pub(super) fn required(mut self, reason: Reason, scope: Scope) -> Self {
        let (namespace, name) = ("shop".into(), "some".into());
        let requirement = Requirement {
            reason,
            namespace,
            name,
            scope,
        };
        self.requires.as_mut().unwrap().push(requirement);
        self
    }

    /// With waypoint `shop/way`.
    pub(super) fn bound(mut self) -> Self {
        self.waypoint = Ok(Some(Waypoint {
            namespace: "shop".into(),
            name: "way".into(),
            traffic: None,
        }));
        self
    }

    /// With Pods of the same revision that have this placement.
    pub(super) fn beside(mut self, mode: Mode, rule: &str, reason: &str) -> Self {
        self.siblings = Ok(Some(Siblings::Placed(Arc::new(Decided {
            mode,
            rule: rule.into(),
            reason: reason.into(),
        }))));
        self
    }
}

pub(super) fn labels(entries: &[(&str, &str)]) -> Labels {
    let entries = entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Labels::all(Some(&entries.collect::<BTreeMap<_, _>>()))
}

impl Source for Given {
    fn connection(&self) -> Connection {
        Connection::Cluster
    }

    fn namespace(&self, name: &str) -> Result<Arc<Namespace>, Missing> {
        assert_eq!(name, "shop");
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
        self.siblings.clone()
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        self.istio.clone()
    }
}
