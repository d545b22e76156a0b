//! The kinds of objects that facts are made of.

use std::fmt;

/// A kind of objects that is watched.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Resource {
    /// Namespaces, with their labels.
    Namespaces,
    /// Pods, by the revision of their workload.
    Pods,
    /// Services.
    Services,
    /// ServiceEntries of Istio.
    ServiceEntries,
    /// Gateways of the Gateway API, waypoints among them.
    Gateways,
    /// Their classes.
    GatewayClasses,
    /// ConfigMap `istio`.
    MeshConfig,
    /// MutatingWebhookConfigurations, those of Istio's injectors among them.
    Injectors,
    /// Deployments.
    Deployments,
    /// StatefulSets.
    StatefulSets,
    /// HorizontalPodAutoscalers.
    Autoscalers,
    /// EnvoyFilters of Istio.
    EnvoyFilters,
    /// Sidecars of Istio.
    Sidecars,
    /// WasmPlugins of Istio.
    WasmPlugins,
    /// RequestAuthentications of Istio.
    RequestAuthentications,
    /// AuthorizationPolicies of Istio.
    AuthorizationPolicies,
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Resources(u32);

// === impl Resource ===

impl Resource {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Namespaces,
        Self::Pods,
        Self::Services,
        Self::ServiceEntries,
        Self::Gateways,
        Self::GatewayClasses,
        Self::MeshConfig,
        Self::Injectors,
        Self::Deployments,
        Self::StatefulSets,
        Self::Autoscalers,
        Self::EnvoyFilters,
        Self::Sidecars,
        Self::WasmPlugins,
        Self::RequestAuthentications,
        Self::AuthorizationPolicies,
    ];

    /// The name in logs and metrics, and in RBAC rules, but for the ConfigMap.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Pods => "pods",
            Self::Services => "services",
            Self::ServiceEntries => "serviceentries",
            Self::Gateways => "gateways",
            Self::GatewayClasses => "gatewayclasses",
            Self::MeshConfig => "meshconfig",
            Self::Injectors => "mutatingwebhookconfigurations",
            Self::Deployments => "deployments",
            Self::StatefulSets => "statefulsets",
            Self::Autoscalers => "horizontalpodautoscalers",
            Self::EnvoyFilters => "envoyfilters",
            Self::Sidecars => "sidecars",
            Self::WasmPlugins => "wasmplugins",
            Self::RequestAuthentications => "requestauthentications",
            Self::AuthorizationPolicies => "authorizationpolicies",
        }
    }

    /// The API group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Namespaces | Self::Pods | Self::Services | Self::MeshConfig => "",
            Self::Gateways | Self::GatewayClasses => "gateway.networking.k8s.io",
            Self::Injectors => "admissionregistration.k8s.io",
            Self::Deployments | Self::StatefulSets => "apps",
            Self::Autoscalers => "autoscaling",
            Self::ServiceEntries | Self::EnvoyFilters | Self::Sidecars => "networking.istio.io",
            Self::WasmPlugins => "extensions.istio.io",
            Self::RequestAuthentications | Self::AuthorizationPolicies => "security.istio.io",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

// === impl Resources ===

impl Resources {
    /// None.
    pub const NONE: Self = Self(0);

    /// These.
    pub const fn of(resources: &[Resource]) -> Self {
        let mut set = 0;
        let mut rest = resources;
        while let [first, others @ ..] = rest {
            set |= 1 << *first as u8;
            rest = others;
        }
        Self(set)
    }

    /// Whether it is among them.
    pub const fn contains(self, resource: Resource) -> bool {
        self.0 & (1 << resource as u8) != 0
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In the order of [`Resource::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Resource> {
        let among = move |resource: &Resource| self.contains(*resource);
        Resource::ALL.into_iter().filter(among)
    }
}

impl FromIterator<Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Self {
        let resources = resources.into_iter();
        resources.fold(Self::NONE, |set, resource| set.and(Self::of(&[resource])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_in_the_order_of_their_numbers() {
        for (index, resource) in Resource::ALL.into_iter().enumerate() {
            assert_eq!(resource as usize, index, "{resource}");
        }
    }

    #[test]
    fn a_set_has_what_was_put_into_it() {
        let some = Resources::of(&[Resource::Pods, Resource::AuthorizationPolicies]);
        let more = some.and(Resources::of(&[Resource::Namespaces]));
        let listed: Vec<_> = more.iter().collect();
        let expected = [
            Resource::Namespaces,
            Resource::Pods,
            Resource::AuthorizationPolicies,
        ];
        assert_eq!(listed, expected);
        assert_eq!(more, expected.into_iter().collect());
        assert!(!some.contains(Resource::Namespaces));
        assert!(Resources::NONE.is_empty() && !some.is_empty());
    }
}
