//! Which workloads could be ambient, by the placement rules. Pure.

use std::collections::BTreeMap;

use crate::commands::simulate::subjects::Subject;
use crate::placement::decide::Origin;
use crate::placement::facts::Source;
use crate::placement::{Mode, Placement, Rules, decide};
use crate::savings::candidates::Fate;
use crate::savings::measured::WorkloadName;

/// What a new revision of each of `subjects` would be given by `rules`.
///
/// # Errors
/// A Pod is none, which [`crate::commands::simulate::subjects::subjects`] lets nobody through with.
pub(super) fn fates(
    subjects: &[Subject],
    rules: &Rules,
    cluster: &dyn Source,
) -> serde_json::Result<BTreeMap<WorkloadName, Fate>> {
    let mut fates = BTreeMap::new();
    for subject in subjects {
        let fate = subject.look(&[rules], cluster, |facts| fate(decide(rules, facts)))?;
        if let Some(fate) = fate {
            let workload = subject.workload();
            let name = WorkloadName {
                namespace: workload.namespace.to_string(),
                kind: workload.kind.to_string(),
                name: workload.name.to_string(),
            };
            fates.insert(name, fate);
        }
    }
    Ok(fates)
}

fn fate(placement: Placement<'_>) -> Fate {
    let rule = placement.rule.to_owned();
    let reason = placement.reason.into_owned();
    match (placement.mode, placement.origin) {
        (Mode::Ambient, _) => Fate::Ambient { rule, reason },
        (Mode::Leave, Origin::Rules) if !placement.missing.is_empty() => Fate::Unknown(reason),
        (mode @ (Mode::Sidecar | Mode::None | Mode::Leave), _) => Fate::Keeps {
            mode: mode.as_str().to_owned(),
            rule,
            reason,
        },
    }
}
