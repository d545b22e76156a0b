//! What a container called `istio-proxy` is: a sidecar, a waypoint, a gateway and ztunnel all bear that name.

use serde::{Deserialize, Serialize};

/// The role of a container `istio-proxy`, by its Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// In each Pod of a workload, an ordinary container.
    Sidecar,
    /// The same as an init container that goes on running (`restartPolicy: Always`); Istio's way since Kubernetes 1.33.
    NativeSidecar,
    /// Of an ambient mesh, for L7: a Gateway whose class is a waypoint's.
    Waypoint,
    /// At the edge of the mesh. It is there in every scenario, and in no saving.
    Gateway,
    /// Of an ambient mesh, on each node.
    Ztunnel,
}

/// How a role was told, from the surest to the least sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Evidence {
    /// The labels of the Pod: of the API server, or of `kube_pod_labels`.
    Labels,
    /// The Pod is gone; another one of its workload is there, with labels.
    Workload,
    /// Its owner's kind and name alone, and whether the container is an init container.
    Owner,
    /// Its own name alone.
    Name,
}

// === impl Role ===

impl Role {
    /// All, in the order of reports.
    pub const ALL: [Self; 5] = [
        Self::Sidecar,
        Self::NativeSidecar,
        Self::Waypoint,
        Self::Gateway,
        Self::Ztunnel,
    ];

    /// Whether it stands in a Pod of a workload, and goes with it.
    #[must_use]
    pub const fn is_sidecar(self) -> bool {
        match self {
            Self::Sidecar | Self::NativeSidecar => true,
            Self::Waypoint | Self::Gateway | Self::Ztunnel => false,
        }
    }
}
