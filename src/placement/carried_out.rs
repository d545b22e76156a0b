//! Whether Istio would carry out a placement: a sidecar that nobody injects is none.

use super::decide::Placement;
use super::facts::Pod;
use super::facts::source::Connection;
use super::facts::view::View;
use super::mode::Mode;
use super::outcome::{Namespace, Outcome, Seen};

/// Why the Pod would not get the sidecar that it is placed with; nothing where it would, or where that is not
/// known.
pub(super) fn obstacle(
    view: &View<'_, '_>,
    pod: &Pod<'_>,
    placement: &Placement<'_>,
) -> Option<String> {
    if placement.mode != Mode::Sidecar || view.connection() == Connection::None {
        return None;
    }
    let istio = view.istio()?;
    let labels = view.namespace().ok()?.labels.to_map();
    let namespace = Namespace {
        name: view.namespace_name(),
        labels: &labels,
    };
    let seen = Seen::placed(pod, placement);
    match Outcome::of(&istio, &seen, namespace) {
        Outcome::Injected(..) | Outcome::Both(..) => None,
        Outcome::Captured(_, why) | Outcome::Neither(why, _) => Some(why.to_string()),
        Outcome::Refused(refusal) => Some(refusal.to_string()),
    }
}
