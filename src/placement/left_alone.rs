//! The Pods that no rule is asked about, because placing them cannot work.

use super::facts::Pod;
use super::json::Node;

/// Why a Pod is left alone always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftAlone {
    /// Neither ztunnel nor a sidecar can capture the node's network (Istio `injectRequired`,
    /// `CompiledEnablementSelectors.Matches`).
    HostNetwork,
    /// The injector has been here: the annotation `sidecar.istio.io/status`.
    Injected,
    /// A gateway or waypoint: the label `gateway.networking.k8s.io/gateway-name`.
    Gateway,
    /// The API server's picture of a static Pod: changing it changes nothing on the node.
    Mirror,
    /// ztunnel and istio-cni run on Linux nodes only.
    Windows,
}

// === impl LeftAlone ===

impl LeftAlone {
    /// Why `pod` is to be left alone, if it is.
    pub fn of(pod: &Pod<'_>) -> Option<Self> {
        if pod.spec("hostNetwork").is_some_and(Node::is_true) {
            return Some(Self::HostNetwork);
        }
        if pod
            .annotations()
            .get("kubernetes.io/config.mirror")
            .is_some()
        {
            return Some(Self::Mirror);
        }
        if pod
            .labels()
            .get("gateway.networking.k8s.io/gateway-name")
            .is_some()
        {
            return Some(Self::Gateway);
        }
        if is_windows(pod) {
            return Some(Self::Windows);
        }
        pod.annotations()
            .get("sidecar.istio.io/status")
            .map(|_| Self::Injected)
    }

    /// The reason, for records and people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HostNetwork => "uses the network of its node, which no dataplane captures",
            Self::Injected => "has a sidecar already (annotation sidecar.istio.io/status)",
            Self::Gateway => {
                "is a gateway or waypoint (label gateway.networking.k8s.io/gateway-name)"
            }
            Self::Mirror => "mirrors a static Pod of its node",
            Self::Windows => "runs on Windows, where Istio has no dataplane",
        }
    }
}

fn is_windows(pod: &Pod<'_>) -> bool {
    let named = |field: &str, key: &str| {
        pod.spec(field)
            .and_then(Node::as_object)
            .and_then(|o| o.get(key))
            .and_then(Node::as_str)
            == Some("windows")
    };
    named("os", "name") || named("nodeSelector", "kubernetes.io/os")
}
