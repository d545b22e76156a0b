//! What stands on a workload itself, and is read on its Pods alone.

use crate::cluster::convert::template::Template;
use crate::placement::Pod;
use crate::placement::explicit::{DATAPLANE_MODE, INJECT};
use crate::placement::facts::Field;
use crate::placement::rules::Rules;

/// The annotation by which the embedded default lets people choose.
const MODE: &str = "meshmode.io/mode";

/// A sentence for each label or annotation that is on the workload and not on its Pods, where nobody reads it.
pub(super) fn sentences(template: &Template, pod: &Pod<'_>, rules: &Rules) -> Vec<String> {
    let kind = &*template.workload.kind;
    if kind == "Pod" {
        return Vec::new();
    }
    let (labels, annotations) = (&template.facts.labels, &template.facts.annotations);
    let read = rules.fields().contains(Field::WorkloadAnnotations);
    let mode = (!read).then_some(MODE);
    let labels = [DATAPLANE_MODE, INJECT]
        .into_iter()
        .filter(|key| pod.labels().get(key).is_none())
        .filter_map(|key| Some(("label", key, labels.get(key)?)));
    let annotations = [INJECT]
        .into_iter()
        .chain(mode)
        .filter(|key| pod.annotations().get(key).is_none())
        .filter_map(|key| Some(("annotation", key, annotations.get(key)?)));
    let misplaced = labels.chain(annotations);
    let sentence = |(what, key, value): (&str, &str, &str)| {
        format!(
            "{what} {key}={value} is on the {kind} itself, where nobody reads it; it belongs to the template of its Pods"
        )
    };
    misplaced.map(sentence).collect()
}
