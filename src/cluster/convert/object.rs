//! Objects as watches read them: metadata without what nobody looks at, and of the spec what becomes a fact.
//!
//! `managedFields` and what kubectl keeps for itself are half of most objects: they are skipped while the JSON is
//! read, so that a list of 20,000 objects is never in memory with them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::core::{ApiResource, DynamicResourceScope};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::placement::facts::Resource;

/// An object of which `S` is read.
#[derive(Clone, Debug, Default)]
pub struct Watched<S> {
    /// Name, namespace, uid, version, labels, annotations and owners; nothing else.
    pub metadata: ObjectMeta,
    /// Of its `spec`.
    pub spec: S,
}

/// What is read of a spec.
pub trait Spec: Clone + Debug + Default + DeserializeOwned + Send + Sync + 'static {
    /// What is asked for.
    const ASKED: Asked = Asked::Whole;

    /// Reads an object: its metadata and its `spec`.
    ///
    /// # Errors
    /// It is not of this form.
    fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Watched<Self>, D::Error> {
        let Both { metadata, spec } = Both::deserialize(deserializer)?;
        Ok(Watched { metadata, spec })
    }
}

#[derive(Deserialize)]
#[serde(bound = "S: Spec")]
struct Both<S> {
    #[serde(default, deserialize_with = "narrow")]
    metadata: ObjectMeta,
    #[serde(default, deserialize_with = "or_default")]
    spec: S,
}

/// How much of an object is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    /// All of it.
    Whole,
    /// The API server is to send the metadata alone.
    Metadata,
}

/// No field of the spec: the metadata alone.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Nothing {}

/// What `kubectl apply` remembers: the whole object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Narrow {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<Annotations>,
    owner_references: Option<Vec<OwnerReference>>,
}

struct Annotations(BTreeMap<String, String>);

/// The kind of `resource` as the API server serves it.
pub fn kind(resource: Resource) -> ApiResource {
    let (version, kind) = match resource {
        Resource::Namespaces => ("v1", "Namespace"),
        Resource::Pods => ("v1", "Pod"),
        Resource::Services => ("v1", "Service"),
        Resource::ServiceEntries => ("v1", "ServiceEntry"),
        Resource::Gateways => ("v1", "Gateway"),
        Resource::GatewayClasses => ("v1", "GatewayClass"),
        Resource::MeshConfig => ("v1", "ConfigMap"),
        Resource::Injectors => ("v1", "MutatingWebhookConfiguration"),
        Resource::Deployments => ("v1", "Deployment"),
        Resource::StatefulSets => ("v1", "StatefulSet"),
        Resource::Autoscalers => ("v2", "HorizontalPodAutoscaler"),
        Resource::EnvoyFilters => ("v1alpha3", "EnvoyFilter"),
        Resource::Sidecars => ("v1", "Sidecar"),
        Resource::WasmPlugins => ("v1alpha1", "WasmPlugin"),
        Resource::RequestAuthentications => ("v1", "RequestAuthentication"),
        Resource::AuthorizationPolicies => ("v1", "AuthorizationPolicy"),
    };
    let group = resource.group();
    let slash = if group.is_empty() { "" } else { "/" };
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: format!("{group}{slash}{version}"),
        kind: kind.to_owned(),
        plural: plural(resource).to_owned(),
    }
}

/// As RBAC rules name it.
pub fn plural(resource: Resource) -> &'static str {
    match resource {
        Resource::MeshConfig => "configmaps",
        Resource::Namespaces
        | Resource::Pods
        | Resource::Services
        | Resource::ServiceEntries
        | Resource::Gateways
        | Resource::GatewayClasses
        | Resource::Injectors
        | Resource::Deployments
        | Resource::StatefulSets
        | Resource::Autoscalers
        | Resource::EnvoyFilters
        | Resource::Sidecars
        | Resource::WasmPlugins
        | Resource::RequestAuthentications
        | Resource::AuthorizationPolicies => resource.as_str(),
    }
}

fn narrow<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    let read = Narrow::deserialize(deserializer)?;
    Ok(ObjectMeta {
        name: read.name,
        namespace: read.namespace,
        uid: read.uid,
        resource_version: read.resource_version,
        labels: read.labels,
        annotations: read.annotations.map(|Annotations(read)| read),
        owner_references: read.owner_references,
        ..ObjectMeta::default()
    })
}

/// `null` is as good as nothing.
fn or_default<'de, D: Deserializer<'de>, S: Spec>(deserializer: D) -> Result<S, D::Error> {
    let read = Option::deserialize(deserializer)?;
    Ok(read.unwrap_or_default())
}

// === impl Watched ===

impl<'de, S: Spec> Deserialize<'de> for Watched<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        S::object(deserializer)
    }
}

impl<S: Spec> kube::Resource for Watched<S> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn metadata_api() -> bool {
        S::ASKED == Asked::Metadata
    }

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }

    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }

    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }

    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

// === impl Nothing ===

impl Spec for Nothing {
    const ASKED: Asked = Asked::Metadata;
}

// === impl Annotations ===

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Wanted;

        impl<'de> Visitor<'de> for Wanted {
            type Value = Annotations;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("annotations")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut wanted = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == LAST_APPLIED {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        wanted.insert(key, map.next_value()?);
                    }
                }
                Ok(Annotations(wanted))
            }
        }

        deserializer.deserialize_map(Wanted)
    }
}

#[cfg(test)]
mod tests;
