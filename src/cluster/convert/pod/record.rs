//! What meshmode did to a Pod, as its annotations record it, and why it may have done nothing.

use crate::placement::explicit::{DATAPLANE_MODE, INJECT, REVISION, TEMPLATES};
use crate::placement::facts::source::Decided;

/// Why a Pod has no placement.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Unplaced {
    /// It has one, or its metadata says why not: its author chose, it is exempt, or it is left alone always.
    Rightly,
    /// It is injected, and nothing else says why: right where nobody asked for meshmode.
    Injected,
    /// Nothing says why.
    Wrongly,
}

const PLACEMENT: &str = "meshmode.io/placement";
const RULE: &str = "meshmode.io/rule";
const REASON: &str = "meshmode.io/reason";
/// The label that exempts a Pod.
const WEBHOOK: &str = "meshmode.io/webhook";
const INJECTED: &str = "sidecar.istio.io/status";
/// Where meshmode was away, what stands in the annotations is somebody's own text: no more of it is kept.
const LONGEST: usize = 1024;

/// The placement that these annotations record.
pub(super) fn placement<'m>(annotation: &impl Fn(&str) -> Option<&'m str>) -> Option<Decided> {
    let text = |key| {
        let text = annotation(key).unwrap_or_default();
        Box::from(&text[..text.floor_char_boundary(LONGEST)])
    };
    Some(Decided {
        mode: annotation(PLACEMENT)?.parse().ok()?,
        rule: text(RULE),
        reason: text(REASON),
    })
}

// === impl Unplaced ===

impl Unplaced {
    /// Of a Pod without a placement.
    pub(super) fn of<'m>(
        label: &impl Fn(&str) -> Option<&'m str>,
        annotation: &impl Fn(&str) -> Option<&'m str>,
    ) -> Self {
        let gateway = crate::authorization::needs::GATEWAY_NAME;
        let chosen = [DATAPLANE_MODE, INJECT, REVISION, gateway];
        let said = [INJECT, TEMPLATES, "kubernetes.io/config.mirror"];
        if label(WEBHOOK) == Some("disabled")
            || chosen.into_iter().any(|key| label(key).is_some())
            || said.into_iter().any(|key| annotation(key).is_some())
        {
            Self::Rightly
        } else if annotation(INJECTED).is_some() {
            Self::Injected
        } else {
            Self::Wrongly
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Mode;

    fn of<'m>(entries: &'m [(&'m str, &'m str)]) -> impl Fn(&str) -> Option<&'m str> {
        |key| {
            let found = entries.iter().find(|(known, _)| *known == key);
            found.map(|(_, value)| *value)
        }
    }

    #[test]
    fn a_record_reads_back() {
        let long = "ä".repeat(LONGEST);
        #[rustfmt::skip]
        let rows = [
            (&[][..], None),
            (&[(PLACEMENT, "ambient"), (RULE, "default"), (REASON, "why")], Some((Mode::Ambient, "default", 3))),
            (&[(PLACEMENT, "sidecar")], Some((Mode::Sidecar, "", 0))),
            (&[(PLACEMENT, "Sidecar"), (RULE, "r")], None),
            (&[(RULE, "r"), (REASON, "why")], None),
            (&[(PLACEMENT, "none"), (RULE, "r"), (REASON, &long)], Some((Mode::None, "r", LONGEST))),
        ];
        for (annotations, expected) in rows {
            let read = placement(&of(annotations));
            let seen = read
                .as_ref()
                .map(|read| (read.mode, &*read.rule, read.reason.len()));
            assert_eq!(seen, expected, "{annotations:?}");
        }
    }

    #[test]
    fn why_a_pod_may_have_no_placement() {
        #[rustfmt::skip]
        let rows: [(&[_], &[_], Unplaced); 10] = [
            (&[], &[], Unplaced::Wrongly),
            (&[("app", "web")], &[("team", "a")], Unplaced::Wrongly),
            (&[(WEBHOOK, "enabled")], &[], Unplaced::Wrongly),
            (&[(WEBHOOK, "disabled")], &[], Unplaced::Rightly),
            (&[(DATAPLANE_MODE, "none")], &[], Unplaced::Rightly),
            (&[(REVISION, "canary")], &[(INJECTED, "{}")], Unplaced::Rightly),
            (&[], &[(INJECT, "false")], Unplaced::Rightly),
            (&[], &[("kubernetes.io/config.mirror", "x")], Unplaced::Rightly),
            (&[(crate::authorization::needs::GATEWAY_NAME, "w")], &[], Unplaced::Rightly),
            (&[], &[(INJECTED, "{}")], Unplaced::Injected),
        ];
        for (labels, annotations, expected) in rows {
            let seen = Unplaced::of(&of(labels), &of(annotations));
            assert_eq!(seen, expected, "{labels:?} {annotations:?}");
        }
    }
}
