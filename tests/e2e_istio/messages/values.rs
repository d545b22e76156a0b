//! A mesh with a trust domain of its own.

use meshmode::authorization::code::Code;
use serde_json::{Value, json};

use super::world::SHOP;
use super::{Case, Outcome, Seen};
use crate::support::ControlPlane;

const CONFIG_MAP: &str = "/api/v1/namespaces/istio-system/configmaps/istio";

/// The ConfigMap that meshmode reads says another trust domain, for a moment.
pub(super) async fn trust_domain(cluster: &ControlPlane, seen: &mut Seen) {
    let config_map = cluster.get(CONFIG_MAP).await;
    let usual = config_map.created()["data"]["mesh"].as_str().unwrap();
    let mut mesh: Value = serde_saphyr::from_str(usual).unwrap();
    mesh["trustDomain"] = json!("mesh.example");
    set(cluster, &mesh.to_string()).await;
    let rules = json!([{"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}]}]);
    let case = Case {
        name: "cluster-local",
        namespace: SHOP,
        metadata: json!({}),
        spec: json!({"action": "DENY", "selector": {"matchLabels": {"app": "web"}}, "rules": rules}),
        outcome: Outcome::Refused,
        says: vec![(
            Code::TRUST_DOMAIN_NOT_REWRITTEN,
            "ztunnel takes cluster.local literally: write the mesh's own trust domain",
        )],
        hides: Vec::new(),
    };
    seen.check(cluster, &case).await;
    set(cluster, usual).await;
}

async fn set(cluster: &ControlPlane, mesh: &str) {
    let change = json!({"data": {"mesh": mesh}});
    cluster.patch(CONFIG_MAP, &change).await.created();
}
