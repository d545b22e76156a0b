//! Policies with targets: a row for each.

use meshmode::authorization::code::Code;
use serde_json::{Value, json};

use super::cases::{attached, case};
use super::world::{INFRA, SHOP};
use super::{Case, Outcome};

use Outcome::{Refused, RefusedBefore, Warned};

/// What is said of a code.
type Said = (Code, &'static str);
/// A namespace, the name of the policy, its target, and what comes of it.
type Row = (&'static str, &'static str, Value, Outcome, Vec<Said>);

const GATEWAY_API: &str = "gateway.networking.k8s.io";
const SIDECARS_PAST: Said = (
    Code::SIDECARS_GO_PAST,
    "Clients with a sidecar go past the waypoint",
);
const INGRESS_PAST: Said = (
    Code::INGRESS_GOES_PAST,
    "Ingress gateways go past the waypoint",
);

/// Gateways, their classes, and what no policy can be attached to.
pub(super) fn gateways() -> Vec<Case> {
    let gateway = |name: &str| to(GATEWAY_API, "Gateway", name);
    let class = |name: &str| to(GATEWAY_API, "GatewayClass", name);
    let not = (
        Code::NOT_ATTACHED,
        "none of its targets attaches it to anything, so nothing enforces it",
    );
    #[rustfmt::skip]
    let rows = [
        (SHOP, "class-outside-root", class("istio-waypoint"), Refused, vec![not,
            (Code::CLASS_OUTSIDE_ROOT, "a GatewayClass can be the target of policies of the root namespace istio-system only")]),
        (SHOP, "class-of-gateways", class("istio"), Refused, vec![not,
            (Code::CLASS_NOT_WAYPOINT, "the only GatewayClass that a policy can be attached to is istio-waypoint")]),
        (INFRA, "gateway-foreign", gateway("foreign"), Refused, vec![not,
            (Code::GATEWAY_NOT_ISTIOS, "it is not Istio's but made by example.com/somebody, which reads no policies")]),
        (INFRA, "service-of-waypoint", service("ready"), Refused, vec![not,
            (Code::SERVICE_OF_WAYPOINT, "it belongs to a waypoint, in front of which there is none")]),
        (INFRA, "gateway-unready", gateway("unready"), Warned, vec![
            (Code::WAYPOINT_NOT_READY, "the waypoint is not ready (yet): until then traffic goes straight to the workloads")]),
        (INFRA, "gateway-unused", gateway("unused"), Warned, vec![
            (Code::WAYPOINT_UNUSED, "no Service, Pod or namespace asks for it with istio.io/use-waypoint")]),
        (INFRA, "gateway-ready", gateway("ready"), Warned, vec![SIDECARS_PAST, INGRESS_PAST]),
    ];
    rows.map(of).into()
}

/// Services, by what they ask for.
pub(super) fn services() -> Vec<Case> {
    let mut elsewhere = service("to-ready");
    elsewhere["namespace"] = json!(INFRA);
    #[rustfmt::skip]
    let rows = [
        (SHOP, "service-missing", service("gone"), Warned, vec![
            (Code::TARGET_MISSING, "Service gone: it does not exist in the policy's namespace (yet)")]),
        (SHOP, "namespace", elsewhere, RefusedBefore, vec![
            (Code::TARGET_NAMESPACE, "cross namespace referencing is not currently supported")]),
        (SHOP, "service-plain", service("plain"), Warned, vec![
            (Code::SERVICE_NOT_BOUND, "Service plain: it is not bound to a waypoint")]),
        (SHOP, "service-opted-out", service("opted-out"), Warned, vec![
            (Code::SERVICE_OPTED_OUT, "its label istio.io/use-waypoint says none: no waypoint is in front of it")]),
        (SHOP, "waypoint-missing", service("to-missing"), Warned, vec![
            (Code::WAYPOINT_MISSING, "it asks for waypoint msg-waypoints/missing, which does not exist (yet)")]),
        (SHOP, "waypoint-unready", service("to-unready"), Warned, vec![
            (Code::WAYPOINT_NOT_READY, "it asks for waypoint msg-waypoints/unready, which is not ready (yet)")]),
        (SHOP, "waypoint-not-allowed", service("to-own"), Warned, vec![
            (Code::WAYPOINT_NOT_ALLOWED, "does not allow this namespace (allowedRoutes of its listener)")]),
        (SHOP, "waypoint-for-workloads", service("to-workloads"), Warned, vec![
            (Code::WAYPOINT_OTHER_TRAFFIC, "is not for this traffic (istio.io/waypoint-for: workload)")]),
        (SHOP, "service-of-sidecars", service("mixed"), Warned, vec![SIDECARS_PAST, INGRESS_PAST,
            (Code::SIDECARS_IGNORE_TARGETS, "sidecars ignore a policy with targetRefs, also those behind its targets: Pod msg-shop/legacy")]),
        (SHOP, "service-right", service("to-ready"), Warned, vec![SIDECARS_PAST, INGRESS_PAST]),
    ];
    let mut cases: Vec<_> = rows.map(of).into();
    if let Some(right) = cases.last_mut() {
        right.hides = vec![
            (
                Code::TARGET_REFS_NOT_SENT,
                "ztunnel receives no policy with targetRefs",
            ),
            (
                Code::DIRECT_GOES_PAST,
                "What is addressed to a Pod, not to its Service",
            ),
            (Code::OUTSIDE_GOES_PAST, "Clients out of the mesh go past"),
        ];
    }
    cases
}

fn of((namespace, name, target, outcome, says): Row) -> Case {
    Case {
        namespace,
        ..case(name, json!({}), attached(&target), outcome, says)
    }
}

fn service(name: &str) -> Value {
    to("", "Service", name)
}

fn to(group: &str, kind: &str, name: &str) -> Value {
    json!({"group": group, "kind": kind, "name": name})
}
