//! The kinds of targets that Istio attaches a policy to.

use crate::authorization::policy::TargetRef;

/// A kind that a target may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TargetKind {
    /// `Gateway` of `gateway.networking.k8s.io`.
    Gateway,
    /// `GatewayClass` of the same group.
    GatewayClass,
    /// `Service` of the core group.
    Service,
    /// `ServiceEntry` of `networking.istio.io`.
    ServiceEntry,
}

// === impl TargetKind ===

impl TargetKind {
    /// The kind of `target`, if Istio attaches policies to such (`matchesGroupKind`; "core" is the
    /// core group too).
    pub fn of(target: &TargetRef<'_>) -> Option<Self> {
        let group = target.group.as_deref().unwrap_or_default();
        match (group, target.kind.as_deref()?) {
            ("gateway.networking.k8s.io", "Gateway") => Some(Self::Gateway),
            ("gateway.networking.k8s.io", "GatewayClass") => Some(Self::GatewayClass),
            ("" | "core", "Service") => Some(Self::Service),
            ("networking.istio.io", "ServiceEntry") => Some(Self::ServiceEntry),
            _ => None,
        }
    }
}

/// `Service payment`
pub(super) fn shown(target: &TargetRef<'_>) -> String {
    let kind = target.kind.as_deref().unwrap_or_default();
    let name = target.name.as_deref().unwrap_or_default();
    format!("{kind} {name}")
}
