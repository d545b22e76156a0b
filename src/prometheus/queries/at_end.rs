//! What is asked about the end of the window, and what for is not a proxy: nodes, Pods on them, latency, and which metrics there are.

use super::names::{INSTANCE_TYPE, REGION, RULES, SPOT};
use super::{BOTH, PROXY, Texts};

/// Of which series of a name is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::prometheus) enum Named {
    /// Of all.
    Anyhow,
    /// With the matchers.
    Matched,
    /// And of containers `istio-proxy`.
    OfProxies,
}

// === impl Texts ===

impl Texts {
    /// What Pods can have of each node.
    pub(in crate::prometheus) fn allocatable(&self) -> String {
        let Self {
            cluster, of_mesh, ..
        } = self;
        format!(
            "max by ({cluster}node, resource) (kube_node_status_allocatable{{{BOTH}{of_mesh}}})"
        )
    }

    /// What labels say of nodes.
    pub(in crate::prometheus) fn node_labels(&self) -> String {
        let Self {
            cluster, of_mesh, ..
        } = self;
        let mut labels: Vec<&str> = INSTANCE_TYPE.into_iter().chain(REGION).collect();
        labels.extend(SPOT.iter().map(|(label, _)| *label));
        let metric = format!("kube_node_labels{{node!=\"\"{of_mesh}}}");
        format!("max by ({cluster}node, {}) ({metric})", labels.join(", "))
    }

    /// Where clouds have nodes, by their own name for them.
    pub(in crate::prometheus) fn node_info(&self) -> String {
        let Self {
            cluster, of_mesh, ..
        } = self;
        format!("max by ({cluster}node, provider_id) (kube_node_info{{node!=\"\"{of_mesh}}})")
    }

    /// What each Pod reserves on its node: its containers, and init containers that go on running.
    pub(in crate::prometheus) fn placed(&self) -> String {
        let Self { pod, matchers, .. } = self;
        let by = format!("{pod}, node, container, resource");
        let on = format!("{pod}, container");
        let of = |kind: &str, which: &str| {
            let metric = format!("kube_pod_{kind}container_resource_requests");
            format!("max by ({by}) ({metric}{{{which}node!=\"\",{BOTH}{matchers}}})")
        };
        let always = format!(
            "kube_pod_init_container_info{{restart_policy=\"Always\",container!=\"istio-proxy\"{matchers}}}"
        );
        let all = [
            of("", ""),
            of("init_", &format!("{PROXY},")),
            format!(
                "({} and on ({on}) {always})",
                of("init_", "container!=\"istio-proxy\",")
            ),
        ];
        let all = all.join(" or ");
        self.running(&format!("sum by ({pod}, node, resource) ({all})"))
    }

    /// What of that is the proxy's.
    pub(in crate::prometheus) fn placed_proxies(&self) -> String {
        let Self { pod, matchers, .. } = self;
        let metric = "__name__=~\"kube_pod_(init_)?container_resource_requests\"";
        format!("max by ({pod}, resource) ({{{metric},{PROXY},{BOTH}{matchers}}})")
    }

    /// How many Pods all ztunnels capture.
    pub(in crate::prometheus) fn captured(&self) -> String {
        let Self {
            cluster, of_mesh, ..
        } = self;
        let metric = match of_mesh.strip_prefix(',') {
            None => "workload_manager_active_proxy_count".to_owned(),
            Some(matchers) => format!("workload_manager_active_proxy_count{{{matchers}}}"),
        };
        format!("sum(max by ({cluster}namespace, pod, instance) ({metric}))")
    }

    /// Requests a second by latency and by who saw them, over the last day of the window at most.
    pub(in crate::prometheus) fn latency(&self) -> String {
        let Self {
            of_mesh, window, ..
        } = self;
        let seen = "reporter=~\"source|destination|waypoint\"";
        let metric =
            format!("istio_request_duration_milliseconds_bucket{{{seen}{of_mesh}}}{window}");
        // The labels that tell two Prometheus of a pair apart.
        let pair = "prometheus_replica, replica, __replica__";
        format!("sum by (reporter, le) (max without ({pair}) (rate({metric})))")
    }

    /// Which metrics of these names are there.
    pub(in crate::prometheus) fn names(&self, names: &[&str], matchers: Named) -> String {
        let all = names.join("|");
        let matchers = match matchers {
            Named::Anyhow => String::new(),
            Named::Matched => self.matchers.clone(),
            Named::OfProxies => format!(",{PROXY}{}", self.matchers),
        };
        self.by_name(&format!("({all})"), &matchers)
    }

    /// Which recording rules are there.
    pub(in crate::prometheus) fn rules(&self) -> String {
        self.by_name(RULES, "")
    }

    fn by_name(&self, name: &str, matchers: &str) -> String {
        let coarse = &self.coarse;
        // A function over time takes the name away.
        let named = format!(
            "label_replace({{__name__=~\"{name}\"{matchers}}}, \"metric\", \"$1\", \"__name__\", \"(.+)\")"
        );
        format!("max_over_time((count by (metric) ({named})){coarse})")
    }
}
