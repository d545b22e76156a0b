//! What rules read of the cluster, and the rights that this takes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::placement::facts::{Fields, Resource};

/// What is watched whatever the rules are.
const BASE: [Resource; 8] = [
    Resource::Namespaces,
    Resource::Pods,
    Resource::Services,
    Resource::ServiceEntries,
    Resource::Gateways,
    Resource::GatewayClasses,
    Resource::MeshConfig,
    Resource::Injectors,
];

/// Writes what `fields` take, and the rules of a ClusterRole beyond those that meshmode always needs.
pub(super) fn write(fields: Fields, out: &mut dyn Write) -> io::Result<()> {
    if fields.is_empty() {
        return writeln!(out, "the rules read nothing of the cluster");
    }
    writeln!(out, "the rules read of the cluster:")?;
    for field in fields.iter() {
        let resources: Vec<&str> = field.resources().iter().map(Resource::as_str).collect();
        writeln!(out, "  {}: {}", field.as_str(), resources.join(", "))?;
    }
    let mut beyond: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for resource in fields.resources().iter() {
        if !BASE.contains(&resource) {
            let group = beyond.entry(resource.group()).or_default();
            group.push(resource.as_str());
        }
    }
    if beyond.is_empty() {
        return writeln!(out, "the rights that meshmode always needs are enough");
    }
    writeln!(
        out,
        "rules of a ClusterRole that this takes, beside those that meshmode always needs (manifests/base/rbac.yaml has them all):"
    )?;
    for (group, resources) in beyond {
        writeln!(out, "  - apiGroups: [{group}]")?;
        writeln!(out, "    resources: [{}]", resources.join(", "))?;
        writeln!(out, "    verbs: [list, watch]")?;
    }
    Ok(())
}
