//! What of a mesh's configuration decides how its policies are read.

/// The settings of one mesh and of the control plane that reads its policies.
///
/// [`Mesh::default`] has Istio's defaults (`pkg/config/mesh/mesh.go`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mesh {
    /// `rootNamespace`: policies in it hold in all namespaces.
    pub root_namespace: String,
    /// `trustDomain`: the first part of the identities of this mesh.
    pub trust_domain: String,
    /// `trustDomainAliases`: other names of the same trust domain.
    pub trust_domain_aliases: Vec<String>,
    /// The revision of the control plane; none: it reads the policies of every revision.
    pub revision: Option<String>,
    /// `AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY` of istiod: ztunnel is sent dry runs too.
    pub dry_run_at_ztunnel: bool,
}

// === impl Mesh ===

impl Default for Mesh {
    fn default() -> Self {
        Self {
            root_namespace: "istio-system".to_owned(),
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: Vec::new(),
            revision: Some("default".to_owned()),
            dry_run_at_ztunnel: false,
        }
    }
}

impl Mesh {
    /// Whether this control plane reads an object whose label `istio.io/rev` says `revision`. It does
    /// not look at the tags of revisions (istio `pkg/config/model.go`, `LabelsInRevision`).
    pub fn reads(&self, revision: Option<&str>) -> bool {
        let own = self.revision.as_deref();
        own.is_none() || revision.is_none() || revision == own
    }

    /// The trust domain and its aliases.
    pub fn trust_domains(&self) -> impl Iterator<Item = &str> {
        let aliases = self.trust_domain_aliases.iter().map(String::as_str);
        std::iter::once(self.trust_domain.as_str()).chain(aliases)
    }
}
