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
    /// Nothing attaches the policy to a waypoint, and the operator asks it of every policy.
    ATTACHMENT_REQUIRED "MM202" "AttachmentRequired";
    /// Only the annotation attaches the policy, and Istio ignores it.
    ANNOTATION_ONLY "MM203" "AnnotationOnly";
    /// The annotation cannot be read.
    MALFORMED_ANNOTATION "MM204" "MalformedAnnotation";
    /// The annotation stands beside `targetRefs`, which decide.
    ANNOTATION_IGNORED "MM205" "AnnotationIgnored";
    /// The action is none that Istio has.
    UNKNOWN_ACTION "MM206" "UnknownAction";
    /// There are fields that we do not know, and so did not judge.
    UNKNOWN_FIELD "MM207" "UnknownField";
    /// Nothing attaches the policy, and ztunnel lets through what it refuses.
    FAILS_OPEN "MM208" "FailsOpen";
    /// Nothing attaches the policy, and ztunnel refuses what it allows.
    FAILS_CLOSED "MM209" "FailsClosed";
    /// It would be refused, and its author admits it with a reason.
    ADMITTED_BY_INTENT "MM210" "AdmittedByIntent";
    /// The policy has targets, and none of them attaches it.
    NOT_ATTACHED "MM211" "NotAttached";
    /// The author's reason for admitting it is empty, or admitting is switched off.
    NOT_ADMITTED_BY_INTENT "MM212" "NotAdmittedByIntent";
    // MM220 to MM239: what ztunnel receives.
    /// A rule of an ALLOW has HTTP parts: ztunnel does not receive the rule.
    RULE_DROPPED "MM220" "RuleDropped";
    /// Every rule of an ALLOW has HTTP parts: what ztunnel receives refuses everything.
    ALLOWS_NOTHING "MM221" "AllowsNothing";
    /// A rule of a DENY has HTTP parts: ztunnel receives the rule without them.
    HTTP_DROPPED "MM222" "HttpDropped";
    /// Nothing is left of a clause: ztunnel never matches the rule.
    NEVER_FIRES "MM223" "NeverFires";
    /// Nothing is left of an alternative: ztunnel skips it, and matches the others.
    ALTERNATIVE_VANISHED "MM224" "AlternativeVanished";
    /// ztunnel does not carry out the action: CUSTOM and AUDIT.
    ACTION_NOT_SUPPORTED "MM225" "ActionNotSupported";
    /// The policy is only to be tried, and ztunnel does not try.
    DRY_RUN "MM226" "DryRun";
    /// ztunnel is not sent a policy with `targetRefs`.
    TARGET_REFS_NOT_SENT "MM227" "TargetRefsNotSent";
    /// The label `istio.io/rev` names another control plane.
    OTHER_REVISION "MM228" "OtherRevision";
    /// A selector without `matchLabels`: ztunnel receives the policy, and no workload refers to it.
    NO_WORKLOAD_REFERS "MM229" "NoWorkloadRefers";
    /// ztunnel does not receive `trustDomains` and `notTrustDomains`, and nobody says so.
    TRUST_DOMAINS_DROPPED "MM230" "TrustDomainsDropped";
    /// Envoy takes `cluster.local` for the mesh's trust domain and its aliases, ztunnel takes it as it is.
    TRUST_DOMAIN_NOT_REWRITTEN "MM231" "TrustDomainNotRewritten";
    /// A `*` in a namespace that Envoy reads as a glob, and ztunnel does not.
    WILDCARD_IN_NAMESPACE "MM232" "WildcardInNamespace";
    /// An address or port that cannot be read: ztunnel receives the list without it.
    VALUE_DROPPED "MM233" "ValueDropped";
    /// Behind a waypoint ztunnel sees the waypoint's identity and address in place of the client's.
    SEES_THE_WAYPOINT "MM234" "SeesTheWaypoint";
    /// A principal that begins with `spiffe://`: no enforcer ever matches it.
    SPIFFE_PRINCIPAL "MM235" "SpiffePrincipal";
    /// Ports are compared with the port of the Pod, not of the Service.
    PORTS_OF_THE_POD "MM236" "PortsOfThePod";
    /// An alternative without `source` or `operation`: istiod ends when it converts it for ztunnel, and again
    /// after each restart.
    CRASHES_ISTIOD "MM237" "CrashesIstiod";
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
