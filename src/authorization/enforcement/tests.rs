//! What ztunnel does with policies, by name; the rest is in the files below.

mod elsewhere;
mod large;
#[path = "../../../tests/support/large.rs"]
mod large_policies;
#[path = "../../../tests/support/policies.rs"]
mod policies;
mod properties;
mod ztunnel;

use super::{Effect, Enforcement, at_ztunnel};
use crate::authorization::{AuthorizationPolicy, Mesh};

/// A policy of namespace `prod` with this spec, in a mesh with Istio's defaults.
fn judged(spec: &str) -> Enforcement {
    let json = format!(r#"{{"metadata": {{"name": "p", "namespace": "prod"}}, "spec": {spec}}}"#);
    let policy = AuthorizationPolicy::parse(&json).unwrap();
    at_ztunnel(&policy, &Mesh::default())
}

fn shown(enforcement: &Enforcement) -> (Effect, Option<String>, Option<String>) {
    let witnesses = &enforcement.witnesses;
    let text = |request: &Option<super::Request>| request.as_ref().map(ToString::to_string);
    (
        enforcement.effect,
        text(&witnesses.open),
        text(&witnesses.closed),
    )
}
