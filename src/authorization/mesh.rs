//! The mesh, as far as what a policy says depends on it.

/// Settings of the mesh: fields of `MeshConfig`, in ConfigMap `istio`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mesh {
    /// Policies of this namespace apply to all others too.
    pub root_namespace: String,
    /// What a principal begins with.
    pub trust_domain: String,
    /// Trust domains that stand for the same.
    pub trust_domain_aliases: Vec<String>,
}

impl Default for Mesh {
    /// What Istio takes where nothing is set.
    fn default() -> Self {
        Self {
            root_namespace: "istio-system".to_owned(),
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: Vec::new(),
        }
    }
}
