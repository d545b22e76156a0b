//! The policy that closes the ways around a waypoint.

use std::collections::BTreeMap;
use std::fmt;

use crate::authorization::facts::{Binding, ObjectName, Service};
use crate::authorization::mesh::Mesh;

/// A DENY for all but the waypoint, at the workloads of one Service. It says nothing of HTTP, so
/// ztunnel enforces it as it is written, and so do sidecars.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Guard {
    /// The Service whose workloads it is for; the policy is in its namespace.
    pub service: ObjectName,
    /// Their labels, at least one.
    pub selector: BTreeMap<String, String>,
    /// Who the waypoint is: `cluster.local/ns/shop/sa/waypoint`.
    pub waypoint: String,
}

// === impl Guard ===

impl Guard {
    /// The guard of a Service, if it is behind a waypoint and selects workloads by labels.
    pub(super) fn of(service: &Service, mesh: &Mesh) -> Option<Self> {
        let Binding::Bound {
            waypoint,
            service_account,
            ..
        } = &service.binding
        else {
            return None;
        };
        let trust_domain = &mesh.trust_domain;
        let namespace = &waypoint.namespace;
        (!service.selector.is_empty()).then(|| Self {
            service: service.name.clone(),
            selector: service.selector.clone(),
            waypoint: format!("{trust_domain}/ns/{namespace}/sa/{service_account}"),
        })
    }
}

/// As YAML that can be applied once the callers that remain are filled in.
impl fmt::Display for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectName { namespace, name } = &self.service;
        write!(
            formatter,
            "apiVersion: security.istio.io/v1\n\
             kind: AuthorizationPolicy\n\
             metadata:\n  \
               name: {name}-only-through-waypoint\n  \
               namespace: {namespace}\n\
             spec:\n  \
               selector:\n    \
                 matchLabels:\n"
        )?;
        for (key, value) in &self.selector {
            writeln!(formatter, "      {key}: {value:?}")?;
        }
        write!(
            formatter,
            "  action: DENY\n  \
               rules:\n    \
                 - from:\n        \
                     - source:\n            \
                         notPrincipals:\n              \
                           - {:?}\n              \
                           # and each client with a sidecar, and each gateway, that has to go on calling\n",
            self.waypoint
        )
    }
}
