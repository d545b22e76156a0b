//! Why no webhook selects a Pod, for people: the label that stands in the way.

use super::{NotInjected, asked};
use crate::placement::explicit::{INJECT, REVISION};
use crate::placement::outcome::injector::Injectors;
use crate::placement::outcome::pod::{Bearer, Label, Namespace, Seen};
use crate::placement::selector::Operator;

const INJECTION: &str = "istio-injection";
/// The labels that Istio's selectors know, the one to blame first.
const KNOWN: [(Bearer, &str); 4] = [
    (Bearer::Pod, INJECT),
    (Bearer::Namespace, INJECTION),
    (Bearer::Namespace, REVISION),
    (Bearer::Pod, REVISION),
];

/// Why no webhook is asked: a label without which one would be, or a revision that there is not.
pub(super) fn unselected<'f>(
    injectors: &'f Injectors,
    pod: &Seen<'f>,
    namespace: Namespace<'f>,
) -> NotInjected<'f> {
    if injectors.configurations().is_empty() {
        return NotInjected::NoInjectors;
    }
    let keeps_away = |labels: &[_]| keeps_away(injectors, pod, namespace, labels);
    if let Some(label) = keeps_away(&KNOWN[..1]) {
        return NotInjected::KeptAway(label);
    }
    if let Some(revision) = unknown_revision(injectors, pod, namespace) {
        // No revision would take a Pod that wants none.
        let unwilling = pod.label(INJECT).filter(|label| label.value == "false");
        return unwilling.map_or(
            NotInjected::UnknownRevision(revision),
            NotInjected::KeptAway,
        );
    }
    let alone = KNOWN.iter().map(|label| vec![*label]);
    let pairs = KNOWN.iter().enumerate().flat_map(|(index, first)| {
        let others = KNOWN.iter().skip(index + 1);
        others.map(|second| vec![*first, *second])
    });
    let label = alone.chain(pairs).find_map(|labels| keeps_away(&labels));
    label.map_or(NotInjected::Unselected, NotInjected::KeptAway)
}

/// The first of `labels`, where all are there and a webhook would be asked without them.
fn keeps_away<'f>(
    injectors: &Injectors,
    pod: &Seen<'f>,
    namespace: Namespace<'f>,
    labels: &[(Bearer, &'static str)],
) -> Option<Label<'f>> {
    let mut without_pod = pod.clone();
    let mut without_namespace = namespace.labels.clone();
    let mut first = None;
    for (on, key) in labels {
        let label = match on {
            Bearer::Pod => {
                without_pod = without_pod.without(key);
                pod.label(key)?
            }
            Bearer::Namespace => {
                without_namespace.remove(*key);
                namespace.label(key)?
            }
        };
        first.get_or_insert(label);
    }
    let without = Namespace {
        name: namespace.name,
        labels: &without_namespace,
    };
    first.filter(|_| is_asked(injectors, &without_pod, without))
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
