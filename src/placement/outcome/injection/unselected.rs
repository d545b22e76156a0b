//! Why no webhook selects a Pod, for people: the label that stands in the way.

use super::{NotInjected, asked};
use crate::placement::explicit::{INJECT, REVISION};
use crate::placement::outcome::injector::Injectors;
use crate::placement::outcome::pod::{Label, Namespace, Seen};
use crate::placement::selector::Operator;

const INJECTION: &str = "istio-injection";

/// Why no webhook is asked: the first label, of those that Istio's selectors know, that stands in the way.
pub(super) fn unselected<'f>(
    injectors: &'f Injectors,
    pod: &Seen<'f>,
    namespace: Namespace<'f>,
) -> NotInjected<'f> {
    if injectors.configurations().is_empty() {
        return NotInjected::NoInjectors;
    }
    let on_pod = |key| {
        let label = pod.label(key)?;
        is_asked(injectors, &pod.without(key), namespace).then_some(label)
    };
    let on_namespace = |key| {
        let label = namespace.label(key)?;
        let mut labels = namespace.labels.clone();
        labels.remove(key);
        let name = namespace.name;
        let without = Namespace {
            name,
            labels: &labels,
        };
        is_asked(injectors, pod, without).then_some(label)
    };
    if let Some(label) = on_pod(INJECT) {
        return NotInjected::KeptAway(label);
    }
    if let Some(label) = unknown_revision(injectors, pod, namespace) {
        return NotInjected::UnknownRevision(label);
    }
    let label = on_namespace(INJECTION)
        .or_else(|| on_namespace(REVISION))
        .or_else(|| on_pod(REVISION));
    label.map_or(NotInjected::Unselected, NotInjected::KeptAway)
}

fn is_asked(injectors: &Injectors, pod: &Seen<'_>, namespace: Namespace<'_>) -> bool {
    asked(injectors, pod, namespace).next().is_some()
}

/// The revision that counts, the namespace's or else the Pod's, where no webhook is for it.
fn unknown_revision<'f>(
    injectors: &Injectors,
    pod: &Seen<'f>,
    namespace: Namespace<'f>,
) -> Option<Label<'f>> {
    // The older label wins over both.
    if namespace.labels.contains_key(INJECTION) {
        return None;
    }
    let label = namespace.label(REVISION).or_else(|| pod.label(REVISION))?;
    let webhooks = injectors.configurations().iter().flat_map(|c| &c.webhooks);
    let known = webhooks
        .flat_map(|webhook| [&webhook.namespaces, &webhook.objects])
        .flat_map(|selector| selector.requirements())
        .filter(|requirement| requirement.key() == REVISION)
        .any(|requirement| match requirement.operator() {
            Operator::In(values) => values.contains(label.value),
            Operator::NotIn(_) | Operator::Exists | Operator::DoesNotExist => false,
        });
    (!known).then_some(label)
}
