//! Names of metrics and labels.

/// The metrics whose names people look for when something is missing.
pub(in crate::prometheus) const NAMES: [&str; 9] = [
    "kube_pod_container_resource_requests",
    "kube_pod_init_container_resource_requests",
    "kube_pod_container_info",
    "kube_pod_init_container_info",
    "kube_pod_owner",
    "kube_pod_status_phase",
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "kube_node_status_allocatable",
];

/// Those of them that have a label `container`.
pub(in crate::prometheus) const OF_CONTAINERS: [&str; 6] = [
    "kube_pod_container_resource_requests",
    "kube_pod_init_container_resource_requests",
    "kube_pod_container_info",
    "kube_pod_init_container_info",
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
];

/// Recording rules of kubernetes-mixin and others, which some keep instead of the metrics.
pub(in crate::prometheus) const RULES: &str =
    ".+:(container_(cpu_usage|memory)|kube_pod_(init_)?container_resource_requests).*";

/// Labels of Pods that tell a role, as kube-state-metrics names them, beside what they are.
pub(in crate::prometheus) const POD_LABELS: [(&str, &str); 7] = [
    ("label_app", "app"),
    ("label_app_kubernetes_io_name", "app.kubernetes.io/name"),
    (
        "label_gateway_networking_k8s_io_gateway_class_name",
        "gateway.networking.k8s.io/gateway-class-name",
    ),
    (
        "label_gateway_networking_k8s_io_gateway_name",
        "gateway.networking.k8s.io/gateway-name",
    ),
    ("label_istio_io_gateway_name", "istio.io/gateway-name"),
    ("label_gateway_istio_io_managed", "gateway.istio.io/managed"),
    ("label_istio", "istio"),
];
/// Labels of nodes that are read.
pub(in crate::prometheus) const INSTANCE_TYPE: [&str; 2] = [
    "label_node_kubernetes_io_instance_type",
    "label_beta_kubernetes_io_instance_type",
];
pub(in crate::prometheus) const REGION: [&str; 2] = [
    "label_topology_kubernetes_io_region",
    "label_failure_domain_beta_kubernetes_io_region",
];
/// Labels by which clouds and autoscalers tell spot capacity, beside the value.
pub(in crate::prometheus) const SPOT: [(&str, &str); 7] = [
    ("label_karpenter_sh_capacity_type", "spot"),
    ("label_eks_amazonaws_com_capacity_type", "spot"),
    ("label_cloud_google_com_gke_spot", "true"),
    ("label_cloud_google_com_gke_preemptible", "true"),
    ("label_kubernetes_azure_com_scalesetpriority", "spot"),
    ("label_node_kubernetes_io_lifecycle", "spot"),
    ("label_cast_ai_spot_instance", "true"),
];
