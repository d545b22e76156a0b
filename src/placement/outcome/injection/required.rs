//! What an injector decides about a Pod it is asked about (`pkg/kube/inject/inject.go`, `injectRequired`).

use super::Declined;
use crate::placement::explicit::INJECT;
use crate::placement::outcome::injector::{AutoInject, Policy};
use crate::placement::outcome::pod::{Namespace, Network, Seen};
use crate::placement::selector::Selector;

/// What stands for itself, before the policy is looked at.
enum Wish<'f> {
    Inject,
    Skip(Declined<'f>),
    None,
}

/// Namespaces that no injector touches (`pkg/kube/inject/initializer.go`, `IgnoredNamespaces`).
pub const SYSTEM_NAMESPACES: [&str; 4] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "local-path-storage",
];
/// Why nothing is done to `pod`; nothing where it is injected.
pub(super) fn declines<'f>(
    policy: &'f Policy,
    pod: &Seen<'f>,
    namespace: Namespace<'f>,
) -> Option<Declined<'f>> {
    match pod.network {
        Network::OfTheNode => return Some(Declined::HostNetwork),
        Network::Own => {}
    }
    if SYSTEM_NAMESPACES.contains(&namespace.name) {
        return Some(Declined::SystemNamespace(namespace.name));
    }
    match (wish(policy, pod), &policy.auto_inject) {
        (_, AutoInject::Illegal(policy)) => Some(Declined::IllegalPolicy(policy)),
        (Wish::Skip(why), AutoInject::Enabled | AutoInject::Disabled) => Some(why),
        (Wish::None, AutoInject::Disabled) => Some(Declined::Disabled),
        (Wish::Inject, AutoInject::Enabled | AutoInject::Disabled)
        | (Wish::None, AutoInject::Enabled) => None,
    }
}

/// The label wins over the annotation, whatever it says; a value that is neither `true` nor `false` counts
/// as none.
fn wish<'f>(policy: &Policy, pod: &Seen<'f>) -> Wish<'f> {
    let label = pod.labels.get(INJECT).copied();
    let annotation = pod.annotations.get(INJECT).copied();
    match (label, annotation) {
        (Some("true"), _) | (None, Some("true")) => return Wish::Inject,
        (Some(value @ "false"), _) => return Wish::Skip(Declined::Label(value)),
        (None, Some(value @ "false")) => return Wish::Skip(Declined::Annotation(value)),
        (Some(_) | None, _) => {}
    }
    let selected = |selectors: &[Selector]| {
        let mut selectors = selectors.iter();
        selectors.any(|selector| !selector.is_empty() && selector.matches(&pod.labels))
    };
    if selected(&policy.never) {
        Wish::Skip(Declined::NeverInject)
    } else if selected(&policy.always) {
        Wish::Inject
    } else {
        Wish::None
    }
}
