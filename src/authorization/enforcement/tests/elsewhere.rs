//! Meshes with another trust domain, and workloads behind a waypoint.

use super::ztunnel::{NONE, check};
use crate::authorization::Mesh;
use crate::authorization::enforcement::{Effect, Identity, at_ztunnel, at_ztunnel_behind_waypoint};
use crate::authorization::policy::AuthorizationPolicy;

#[test]
#[rustfmt::skip]
fn in_a_mesh_of_another_name() {
    let mesh = Mesh { trust_domain: "mesh.example".to_owned(), ..Mesh::default() };
    let judge = |spec: &str| {
        let json = format!(r#"{{"metadata": {{"namespace": "prod"}}, "spec": {spec}}}"#);
        at_ztunnel(&AuthorizationPolicy::parse(&json).unwrap(), &mesh)
    };
    check(&[
        ("cluster.local never matches at ztunnel, DENY",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}]}]}"#,
            Effect::Both, "any request as mesh.example/ns/a/sa/b", "any request as cluster.local/ns/a/sa/b", &["TrustDomainNotRewritten"]),
        ("the mesh's own name is the same",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"principals": ["mesh.example/ns/a/sa/b"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &[]),
        ("any trust domain",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"principals": ["*/ns/a/sa/b"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &[]),
    ], judge);
}

#[test]
#[rustfmt::skip]
fn behind_a_waypoint() {
    let waypoint = Identity::new("cluster.local", "prod", "waypoint");
    let judge = |spec: &str| {
        let json = format!(r#"{{"metadata": {{"namespace": "prod"}}, "spec": {spec}}}"#);
        let policy = AuthorizationPolicy::parse(&json).unwrap();
        at_ztunnel_behind_waypoint(&policy, &Mesh::default(), Some(&waypoint))
    };
    check(&[
        ("DENY of a client stops firing",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}]}]}"#,
            Effect::Open, "any request as cluster.local/ns/a/sa/b", NONE, &["SeesTheWaypoint"]),
        ("ALLOW of a client blocks the waypoint",
            r#"{"rules": [{"from": [{"source": {"namespaces": ["a"]}}]}]}"#,
            Effect::Closed, NONE, "any request as cluster.local/ns/a/sa/someone", &["SeesTheWaypoint"]),
        ("ALLOW of the waypoint lets every client through",
            r#"{"rules": [{"from": [{"source": {"principals": ["cluster.local/ns/prod/sa/waypoint"]}}]}]}"#,
            Effect::Open, "any request as cluster.local/ns/elsewhere/sa/someone", NONE, &["SeesTheWaypoint"]),
        ("addresses are the waypoint's too",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"ipBlocks": ["10.0.0.1"]}}]}]}"#,
            Effect::Both, "any request from 10.0.0.1 through a waypoint at 10.0.0.2",
            "any request from 10.0.0.2 through a waypoint at 10.0.0.1", &["SeesTheWaypoint"]),
        ("ports are the Pod's still",
            r#"{"action": "DENY", "rules": [{"to": [{"operation": {"ports": ["8080"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &[]),
    ], judge);
}
