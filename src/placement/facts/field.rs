//! What rules can read of the cluster, and which objects that is made of.

use super::resource::{Resource, Resources};

/// A field of `namespaceObject`, `workload` or `mesh` that takes a cluster. What is not here the Pod tells
/// itself: the names of namespace and workload, and the workload's kind.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Field {
    /// `namespaceObject.metadata.labels`
    NamespaceLabels,
    /// `namespaceObject.metadata.annotations`
    NamespaceAnnotations,
    /// `workload.replicas`
    Replicas,
    /// `workload.maxReplicas`
    MaxReplicas,
    /// `workload.labels`
    WorkloadLabels,
    /// `workload.annotations`
    WorkloadAnnotations,
    /// `mesh.requires`
    Requires,
    /// `mesh.waypoint`
    Waypoint,
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fields(u8);

/// What workloads with replicas are.
const SCALED: Resources = Resources::of(&[Resource::Deployments, Resource::StatefulSets]);

// === impl Field ===

impl Field {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::NamespaceLabels,
        Self::NamespaceAnnotations,
        Self::Replicas,
        Self::MaxReplicas,
        Self::WorkloadLabels,
        Self::WorkloadAnnotations,
        Self::Requires,
        Self::Waypoint,
    ];

    /// As expressions read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NamespaceLabels => "namespaceObject.metadata.labels",
            Self::NamespaceAnnotations => "namespaceObject.metadata.annotations",
            Self::Replicas => "workload.replicas",
            Self::MaxReplicas => "workload.maxReplicas",
            Self::WorkloadLabels => "workload.labels",
            Self::WorkloadAnnotations => "workload.annotations",
            Self::Requires => "mesh.requires",
            Self::Waypoint => "mesh.waypoint",
        }
    }

    /// What has to be watched for it.
    pub const fn resources(self) -> Resources {
        match self {
            Self::NamespaceLabels | Self::NamespaceAnnotations => {
                Resources::of(&[Resource::Namespaces])
            }
            Self::Replicas | Self::WorkloadLabels | Self::WorkloadAnnotations => SCALED,
            Self::MaxReplicas => SCALED.and(Resources::of(&[Resource::Autoscalers])),
            Self::Requires => Resources::of(&[
                Resource::Services,
                Resource::MeshConfig,
                Resource::EnvoyFilters,
                Resource::Sidecars,
                Resource::WasmPlugins,
                Resource::RequestAuthentications,
                Resource::AuthorizationPolicies,
            ]),
            Self::Waypoint => Resources::of(&[
                Resource::Namespaces,
                Resource::Services,
                Resource::Gateways,
                Resource::GatewayClasses,
            ]),
        }
    }
}

// === impl Fields ===

impl Fields {
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether it is among them.
    pub const fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u8) != 0
    }

    /// With this one.
    #[must_use]
    pub const fn with(self, field: Field) -> Self {
        Self(self.0 | 1 << field as u8)
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of `others` are among them.
    pub const fn cover(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In the order of [`Field::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL
            .into_iter()
            .filter(move |field| self.contains(*field))
    }

    /// What has to be watched for them.
    pub fn resources(self) -> Resources {
        let each = self.iter().map(Field::resources);
        each.fold(Resources::NONE, Resources::and)
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        fields.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_in_the_order_of_their_numbers() {
        for (index, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, index, "{field:?}");
        }
    }

    #[test]
    fn what_is_watched_is_for_what_is_read() {
        let read: Fields = [Field::Replicas, Field::NamespaceLabels]
            .into_iter()
            .collect();
        let watched: Vec<_> = read.resources().iter().collect();
        let expected = [
            Resource::Namespaces,
            Resource::Deployments,
            Resource::StatefulSets,
        ];
        assert_eq!(watched, expected);
        assert!(Fields::NONE.resources().is_empty() && Fields::NONE.is_empty());
        let more = read.and(Fields::NONE.with(Field::Waypoint));
        assert!(more.cover(read) && !read.cover(more));
    }
}
