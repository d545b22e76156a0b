//! What rules read of the cluster, and the rights that meshmode takes with them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::cluster::convert::object::plural;
use crate::cluster::watch::{FOR_PLACEMENTS, FOR_VERDICTS, MESH_CONFIG};
use crate::placement::facts::{Fields, Resource};

/// Beside what is watched: whether the caBundles of meshmode's own webhooks believe its certificate. Of mutating ones
/// the right is among those above.
const FOR_CHECKS: &str = "  \
  - apiGroups: [admissionregistration.k8s.io]
    resources: [validatingwebhookconfigurations]
    verbs: [list]
";

/// Writes what `fields` take, and the rules of the ClusterRole for a meshmode whose rules read them.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(fields: Fields, out: &mut dyn Write) -> io::Result<()> {
    if fields.is_empty() {
        writeln!(out, "the rules read nothing of the cluster")?;
    } else {
        writeln!(out, "the rules read of the cluster:")?;
    }
    for field in fields.iter() {
        let resources: Vec<&str> = field.resources().iter().map(Resource::as_str).collect();
        writeln!(out, "  {}: {}", field.as_str(), resources.join(", "))?;
    }
    writeln!(
        out,
        "rules of the ClusterRole that meshmode takes with it (manifests/base/rbac.yaml has those for the default configuration):"
    )?;
    // By group, and by the one name that may be read where it is one.
    let mut rights: BTreeMap<(&str, Option<&str>), Vec<&str>> = BTreeMap::new();
    let always = FOR_VERDICTS.and(FOR_PLACEMENTS);
    for resource in always.and(fields.resources()).iter() {
        let name = matches!(resource, Resource::MeshConfig).then_some(MESH_CONFIG);
        let right = rights.entry((resource.group(), name)).or_default();
        right.push(plural(resource));
    }
    for ((group, name), resources) in rights {
        let group = if group.is_empty() { "\"\"" } else { group };
        writeln!(out, "  - apiGroups: [{group}]")?;
        writeln!(out, "    resources: [{}]", resources.join(", "))?;
        if let Some(name) = name {
            writeln!(out, "    resourceNames: [{name}]")?;
        }
        writeln!(out, "    verbs: [list, watch]")?;
    }
    write!(out, "{FOR_CHECKS}")
}
