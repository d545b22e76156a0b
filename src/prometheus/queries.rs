//! The PromQL: what is asked, made of the window, the matchers and the label of the cluster.
//!
//! Of each slot of the window is asked, at its end, what its samples come to (`sum_over_time((…)[SLOT:STEP])`): a Pod that was
//! there half of the time counts half, and no query loads more samples than one slot has. Inside stands always
//! `max by (namespace, pod, uid, …)`: two Prometheus of a pair, or two jobs that scrape the same, are one series then, and Pods
//! of one name are two where they are two. What is divided by is in [`Texts::covered`]: the steps that have data at all.
//!
//! | metric | of | what for |
//! |---|---|---|
//! | `kube_pod_container_resource_requests`, `kube_pod_init_container_resource_requests` | kube-state-metrics | requests; native sidecars are init containers |
//! | `kube_pod_container_info`, `kube_pod_init_container_info` | kube-state-metrics | Pods whose proxy requests nothing; whether it stands alone |
//! | `kube_pod_status_phase` | kube-state-metrics | Pods that have ended reserve nothing, and go on having series |
//! | `kube_pod_status_scheduled` | kube-state-metrics | Pods that wait for a node reserve nothing yet |
//! | `kube_pod_owner`, `kube_replicaset_owner`, `kube_pod_labels` | kube-state-metrics | workloads and roles |
//! | `container_cpu_usage_seconds_total`, `container_memory_working_set_bytes` | cAdvisor of the kubelet | usage, native sidecars too; `id` has the uid |
//! | `kube_node_status_allocatable`, `kube_node_labels`, `kube_node_info` | kube-state-metrics | nodes |
//! | `workload_manager_active_proxy_count` | ztunnel | Pods that it captures |
//! | `istio_request_duration_milliseconds_bucket` | Envoy | latency |
//!
//! Rows of cAdvisor without a container (`container=""`, the cgroup of a Pod) and with `POD` (the pause container) are never
//! matched, as the container is named.

mod at_end;
pub(super) mod names;

pub(super) use self::at_end::Named;
use self::names::POD_LABELS;
use super::grid::Grid;
use super::matcher::Matcher;

/// Makes the texts of the queries.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    slot: String,
    rate: String,
    coarse: String,
    window: String,
    /// For series of Pods.
    matchers: String,
    /// For the others.
    of_mesh: String,
    /// What a series of a Pod is told apart by.
    pod: String,
    /// `cluster, ` where several are counted together, else nothing.
    cluster: String,
}

/// Where a container stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ordinary,
    Init,
}

const PROXY: &str = "container=\"istio-proxy\"";
const BOTH: &str = "resource=~\"cpu|memory\"";

// === impl Texts ===

impl Texts {
    /// `clusters` is the label that tells clusters apart, where several are counted together.
    pub(super) fn new(grid: &Grid, matchers: &[Matcher], clusters: Option<&str>) -> Self {
        let joined = |all: &mut dyn Iterator<Item = &Matcher>| -> String {
            all.map(|matcher| format!(",{matcher}")).collect()
        };
        let cluster = clusters.map_or_else(String::new, |label| format!("{label}, "));
        Self {
            slot: grid.slot_range(),
            rate: grid.rate_range(),
            coarse: grid.coarse_range(),
            window: format!("[{}s]", grid.seconds().min(86_400)),
            matchers: joined(&mut matchers.iter()),
            of_mesh: joined(&mut matchers.iter().filter(|matcher| !matcher.is_of_pods())),
            pod: format!("{cluster}namespace, pod, uid"),
            cluster,
        }
    }

    fn over_slot(&self, function: &str, inner: &str) -> String {
        format!("{function}(({inner}){})", self.slot)
    }

    /// Leaves out Pods that have ended, and those that no node has room for: they reserve nothing. Where that is not known,
    /// none is left out.
    fn running(&self, inner: &str) -> String {
        let Self { pod, matchers, .. } = self;
        let ended =
            format!("kube_pod_status_phase{{phase=~\"Failed|Succeeded|Unknown\"{matchers}}}");
        let waiting = format!("kube_pod_status_scheduled{{condition=\"false\"{matchers}}}");
        format!("{inner} unless on ({pod}) (max by ({pod}) ({ended} or {waiting}) == 1)")
    }

    /// Clusters that have proxies, and how many series.
    pub(super) fn clusters(&self, label: &str) -> String {
        let names = "kube_pod_(init_)?container_(info|resource_requests)";
        let Self {
            matchers, coarse, ..
        } = self;
        format!(
            "max_over_time((count by ({label}) ({{__name__=~\"{names}\",{PROXY}{matchers}}})){coarse})"
        )
    }

    /// For how many steps each Pod's proxy was there.
    pub(super) fn present(&self, kind: Kind) -> String {
        let (pod, matchers, kind) = (&self.pod, &self.matchers, kind.infix());
        let names = format!("kube_pod_{kind}container_(info|resource_requests)");
        let inner = format!("max by ({pod}) ({{__name__=~\"{names}\",{PROXY}{matchers}}})");
        self.over_slot("count_over_time", &self.running(&inner))
    }

    /// What each Pod's proxy requests, summed over the steps.
    pub(super) fn requests(&self, kind: Kind) -> String {
        let (pod, matchers, kind) = (&self.pod, &self.matchers, kind.infix());
        let metric = format!("kube_pod_{kind}container_resource_requests");
        let inner = format!("max by ({pod}, resource) ({metric}{{{PROXY},{BOTH}{matchers}}})");
        self.over_slot("sum_over_time", &self.running(&inner))
    }

    /// The cores that each container uses, summed over the steps. What a container used is in the rates after its end, too:
    /// the sum is right, and a mean over the steps that have one would not be.
    pub(super) fn cpu(&self) -> String {
        let Self {
            pod,
            matchers,
            rate,
            ..
        } = self;
        let metric = format!("container_cpu_usage_seconds_total{{{PROXY}{matchers}}}{rate}");
        self.over_slot(
            "sum_over_time",
            &format!("max by ({pod}, id) (rate({metric}))"),
        )
    }

    /// The working set of each container, `sum_over_time` or `count_over_time`: its mean while it was there. cAdvisor's samples
    /// have times of their own, so a series goes on for five minutes after its container, and a sum would count that.
    pub(super) fn memory(&self, function: &str) -> String {
        let Self { pod, matchers, .. } = self;
        let metric = format!("container_memory_working_set_bytes{{{PROXY}{matchers}}}");
        self.over_slot(function, &format!("max by ({pod}, id) ({metric})"))
    }

    /// The owner of each Pod.
    pub(super) fn owners(&self) -> String {
        let Self { pod, matchers, .. } = self;
        let metric = format!("kube_pod_owner{{owner_kind!=\"\"{matchers}}}");
        let inner = format!("max by ({pod}, owner_kind, owner_name) ({metric})");
        self.over_slot("max_over_time", &inner)
    }

    /// The owners at one time.
    pub(super) fn owners_now(&self) -> String {
        let Self { pod, matchers, .. } = self;
        format!(
            "max by ({pod}, owner_kind, owner_name) (kube_pod_owner{{owner_kind!=\"\"{matchers}}})"
        )
    }

    /// ReplicaSets that no Deployment owns, but something else does.
    pub(super) fn replica_sets(&self) -> String {
        let Self {
            cluster,
            matchers,
            coarse,
            ..
        } = self;
        let others = "owner_kind!~\"|Deployment|<none>\"";
        format!(
            "max_over_time((max by ({cluster}namespace, replicaset, owner_kind, owner_name) \
             (kube_replicaset_owner{{{others}{matchers}}})){coarse})"
        )
    }

    /// Pods whose only ordinary container is the proxy.
    pub(super) fn alone(&self) -> String {
        let Self { pod, matchers, .. } = self;
        let those = format!("max by ({pod}) (kube_pod_container_info{{{PROXY}{matchers}}})");
        let others = format!("kube_pod_container_info{{container!=\"istio-proxy\"{matchers}}}");
        let inner = format!("{those} unless on ({pod}) {others}");
        self.over_slot("max_over_time", &inner)
    }

    /// Whether other containers than proxies are known at all, without which none would be alone.
    pub(super) fn others(&self) -> String {
        let Self {
            matchers, coarse, ..
        } = self;
        let others = format!("kube_pod_container_info{{container!=\"istio-proxy\"{matchers}}}");
        format!("max_over_time((count({others})){coarse})")
    }

    /// Pods with a label that tells a role.
    pub(super) fn labelled(&self) -> String {
        let Self { pod, matchers, .. } = self;
        let labels: Vec<&str> = POD_LABELS.iter().map(|(label, _)| *label).collect();
        let telling = [
            "label_gateway_networking_k8s_io_gateway_name!=\"\"",
            "label_gateway_networking_k8s_io_gateway_class_name!=\"\"",
            "label_istio_io_gateway_name!=\"\"",
            "label_gateway_istio_io_managed!=\"\"",
            "label_app=\"ztunnel\"",
            "label_app_kubernetes_io_name=\"ztunnel\"",
            "label_istio=~\".+gateway\"",
        ];
        let those = telling.map(|label| format!("kube_pod_labels{{{label}{matchers}}}"));
        let inner = format!(
            "max by ({pod}, {}) ({})",
            labels.join(", "),
            those.join(" or ")
        );
        self.over_slot("max_over_time", &inner)
    }

    /// How many nodes there are, as a mean of the steps that have data.
    pub(super) fn nodes(&self) -> String {
        let Self {
            cluster, of_mesh, ..
        } = self;
        let names = "kube_node_(info|status_allocatable)";
        let metric = format!("{{__name__=~\"{names}\",node!=\"\"{of_mesh}}}");
        let inner = format!("count(max by ({cluster}node) ({metric}))");
        self.over_slot("avg_over_time", &inner)
    }

    /// For how many steps kube-state-metrics has data of proxies.
    pub(super) fn covered(&self) -> String {
        let matchers = &self.matchers;
        let names = "kube_pod_(init_)?container_(info|resource_requests)";
        let inner = format!("count({{__name__=~\"{names}\",{PROXY}{matchers}}})");
        self.over_slot("count_over_time", &inner)
    }

    /// The same of any container: a mesh without proxies for a while is no gap.
    pub(super) fn covered_by_any(&self) -> String {
        let matchers = &self.matchers;
        let inner =
            format!("count(kube_pod_container_resource_requests{{resource=\"cpu\"{matchers}}})");
        let info = format!("count(kube_pod_container_info{{container!=\"\"{matchers}}})");
        self.over_slot("count_over_time", &format!("{inner} or {info}"))
    }

    /// For how many steps cAdvisor has data of proxies.
    pub(super) fn usage_covered(&self) -> String {
        let Self { matchers, rate, .. } = self;
        let metric = format!("container_cpu_usage_seconds_total{{{PROXY}{matchers}}}{rate}");
        self.over_slot("count_over_time", &format!("count(rate({metric}))"))
    }

    /// The same of any container.
    pub(super) fn usage_covered_by_any(&self) -> String {
        let Self { matchers, rate, .. } = self;
        let any = "container!=\"\",container!=\"POD\"";
        let metric = format!("container_cpu_usage_seconds_total{{{any}{matchers}}}{rate}");
        self.over_slot("count_over_time", &format!("count(rate({metric}))"))
    }
}

// === impl Kind ===

impl Kind {
    const fn infix(self) -> &'static str {
        match self {
            Self::Ordinary => "",
            Self::Init => "init_",
        }
    }
}

#[cfg(test)]
mod tests;
