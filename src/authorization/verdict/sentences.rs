//! What a code says, and what to do about it, as one sentence each.

use crate::authorization::code::Code;

/// Of ztunnel, and of what is so at every enforcer.
#[rustfmt::skip]
const SENTENCES: &[(Code, &str)] = &[
    (Code::RULE_DROPPED, "ztunnel does not receive the rules of this ALLOW that have HTTP parts"),
    (Code::ALLOWS_NOTHING, "ztunnel receives none of its rules: what no other policy allows is refused"),
    (Code::HTTP_DROPPED, "ztunnel receives the rules of this DENY without their HTTP parts"),
    (Code::NEVER_FIRES, "Nothing is left of a clause: ztunnel never matches that rule"),
    (Code::ALTERNATIVE_VANISHED, "Nothing is left of an alternative: ztunnel skips it, and matches the others only"),
    (Code::ACTION_NOT_SUPPORTED, "ztunnel does not carry out the action, and receives nothing of the policy"),
    (Code::DRY_RUN, "ztunnel does no dry runs, and receives nothing of the policy"),
    (Code::TARGET_REFS_NOT_SENT, "ztunnel receives no policy with targetRefs: they are for waypoints and gateways"),
    (Code::OTHER_REVISION, "Its label istio.io/rev names another control plane: this one ignores the policy"),
    (Code::NO_WORKLOAD_REFERS, "An empty selector ({}) is enforced by no ztunnel: leave it out to select all"),
    (Code::TRUST_DOMAINS_DROPPED, "ztunnel drops trustDomains and notTrustDomains, without a word in the status"),
    (Code::TRUST_DOMAIN_NOT_REWRITTEN, "ztunnel takes cluster.local literally: write the mesh's own trust domain, or */ns/…"),
    (Code::WILDCARD_IN_NAMESPACE, "ztunnel reads * in a namespace only at its beginning or end: list the namespaces"),
    (Code::VALUE_DROPPED, "An address or port cannot be read: ztunnel receives the list without it"),
    (Code::SEES_THE_WAYPOINT, "Behind a waypoint ztunnel sees the waypoint in place of the client"),
    (Code::CRASHES_ISTIOD, "An alternative of from or to is empty: istiod ends when it reads that, and again after each restart"),
    (Code::SPIFFE_PRINCIPAL, "A principal that begins with spiffe:// never matches, at no enforcer: leave spiffe:// out"),
    (Code::PORTS_OF_THE_POD, "Ports are those of the Pod (targetPort), not of the Service"),
];

/// For targets that do not attach a policy.
#[rustfmt::skip]
const REMEDIES: &[(Code, &str)] = &[
    (Code::TARGET_MISSING, "If it is not about to be created, correct the name; traffic is not refused meanwhile"),
    (Code::WAYPOINT_MISSING, "Create it (istioctl waypoint apply), or correct the label istio.io/use-waypoint"),
    (Code::WAYPOINT_NOT_READY, "Look at its Pods and at the conditions of the Gateway: istioctl waypoint status"),
    (Code::SERVICE_NOT_BOUND, "Bind it: kubectl label service NAME istio.io/use-waypoint=WAYPOINT"),
    (Code::SERVICE_OPTED_OUT, "Bind it: kubectl label --overwrite service NAME istio.io/use-waypoint=WAYPOINT"),
    (Code::WAYPOINT_NOT_ALLOWED, "Allow its namespace in allowedRoutes of the waypoint's listener"),
    (Code::WAYPOINT_OTHER_TRAFFIC, "Label the Gateway istio.io/waypoint-for: all, or the kind of traffic that it is to carry"),
    (Code::WAYPOINT_UNUSED, "Bind what it is for: kubectl label namespace NAMESPACE istio.io/use-waypoint=WAYPOINT"),
];

/// What a code says; its word where no sentence is needed beside the finding.
pub(crate) fn of(code: Code) -> &'static str {
    found(SENTENCES, code).unwrap_or(code.word)
}

/// What to do about a target that does not attach the policy.
pub(super) fn remedy_of(code: Code) -> Option<&'static str> {
    found(REMEDIES, code)
}

fn found(table: &[(Code, &'static str)], code: Code) -> Option<&'static str> {
    let row = table.iter().find(|(known, _)| *known == code);
    row.map(|(_, sentence)| *sentence)
}
