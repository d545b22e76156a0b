//! The codes of what is said about a policy. A code and its word never change and are never used again.

/// One thing that is said about a policy.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Code {
    /// Such as `MM201`.
    pub id: &'static str,
    /// The same as a word, as conditions of Kubernetes write theirs: `NeedsAttachment`.
    pub word: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $id:literal $word:literal;)+) => {
        impl Code {
            $($(#[$doc])* pub const $name: Self = Self { id: $id, word: $word };)+

            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

codes! {
    // MM200 to MM219: the attachment and the document itself.
    /// Something in the policy can be enforced by a waypoint only, and nothing attaches it to one.
    NEEDS_ATTACHMENT "MM201" "NeedsAttachment";
    // MM220 to MM239: what ztunnel receives.
    // MM240 to MM259: what the waypoint receives.
    /// A target does not exist in the namespace of the policy.
    TARGET_MISSING "MM240" "TargetMissing";
    /// A target is of a kind that Istio attaches no policy to.
    TARGET_KIND "MM241" "TargetKindNotAllowed";
    /// A target names another namespace.
    TARGET_NAMESPACE "MM242" "TargetInOtherNamespace";
    /// A GatewayClass is the target of a policy that is not in the root namespace.
    CLASS_OUTSIDE_ROOT "MM243" "GatewayClassOutsideRootNamespace";
    /// A GatewayClass other than `istio-waypoint` is the target.
    CLASS_NOT_WAYPOINT "MM244" "GatewayClassNotWaypoint";
    /// The target is a Gateway of somebody else.
    GATEWAY_NOT_ISTIOS "MM245" "GatewayNotIstios";
    /// The target is a Service that no label binds to a waypoint.
    SERVICE_NOT_BOUND "MM246" "ServiceNotBound";
    /// The target is a Service whose label says that it has no waypoint.
    SERVICE_OPTED_OUT "MM247" "ServiceOptedOut";
    /// The target is the Service of a waypoint.
    SERVICE_OF_WAYPOINT "MM248" "ServiceOfWaypoint";
    /// The waypoint that a target asks for does not exist.
    WAYPOINT_MISSING "MM249" "WaypointMissing";
    /// The waypoint is not ready.
    WAYPOINT_NOT_READY "MM250" "WaypointNotReady";
    /// The waypoint does not allow the namespace of what asks for it.
    WAYPOINT_NOT_ALLOWED "MM251" "WaypointNotAllowed";
    /// The waypoint is for other traffic.
    WAYPOINT_OTHER_TRAFFIC "MM252" "WaypointOtherTraffic";
    /// The waypoint receives the policy, and no traffic goes through it.
    WAYPOINT_UNUSED "MM253" "WaypointUnused";
    // MM260 to MM269: sidecars and gateways.
    /// Workloads behind a target have sidecars, which ignore a policy with targets.
    SIDECARS_IGNORE_TARGETS "MM260" "SidecarsIgnoreTargets";
    // MM270 to MM279: what no enforcer can repair.
    /// Clients with a sidecar go past the waypoint.
    SIDECARS_GO_PAST "MM270" "SidecarsGoPastWaypoint";
    /// Ingress gateways go past the waypoint.
    INGRESS_GOES_PAST "MM271" "IngressGoesPastWaypoint";
    /// What is addressed to a Pod goes past a waypoint for Services.
    DIRECT_GOES_PAST "MM272" "DirectTrafficGoesPastWaypoint";
    /// Clients out of the mesh go past the waypoint.
    OUTSIDE_GOES_PAST "MM273" "OutsideGoesPastWaypoint";
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}
