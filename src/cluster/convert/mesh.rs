//! The mesh's settings, out of ConfigMap `istio`.

use k8s_openapi::api::core::v1::ConfigMap;
use serde::Deserialize;

use crate::authorization::mesh::Mesh;

/// Of `MeshConfig`, which has many fields more.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MeshConfig {
    root_namespace: Option<String>,
    trust_domain: Option<String>,
    trust_domain_aliases: Option<Vec<String>>,
}

/// The mesh that `map` describes, with the defaults of Istio for what it leaves out; the root namespace
/// is then that of the map. Nothing where there is no such YAML.
pub fn mesh(map: &ConfigMap) -> Option<Mesh> {
    let yaml = map.data.as_ref()?.get("mesh")?;
    let read: Option<MeshConfig> = serde_saphyr::from_str(yaml).ok()?;
    let read = read.unwrap_or_default();
    let default = Mesh::default();
    let said = |text: Option<String>| text.filter(|text| !text.is_empty());
    Some(Mesh {
        root_namespace: said(read.root_namespace)
            .or_else(|| map.metadata.namespace.clone())
            .unwrap_or_else(|| default.root_namespace.clone()),
        trust_domain: said(read.trust_domain).unwrap_or_else(|| default.trust_domain.clone()),
        trust_domain_aliases: read.trust_domain_aliases.unwrap_or_default(),
        ..default
    })
}
