//! What Istio will do with a Pod as it leaves the webhook.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::assumed;
use crate::placement::facts::{Missing, Source};
use crate::placement::outcome::{Namespace, Outcome, Seen, Template};
use crate::placement::{Mode, Placement, Pod};

/// What Istio does, with the reasons.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Carried {
    /// One word for it.
    pub(super) result: &'static str,
    pub(super) injected: bool,
    pub(super) injected_by: Option<By>,
    pub(super) captured: bool,
    pub(super) reasons: Vec<String>,
    /// Where that is not what the mode asks for.
    pub(super) warnings: Vec<String>,
    /// What was taken for granted, as nobody could be asked.
    pub(super) assumed: Vec<String>,
}

/// A webhook of an injector.
#[derive(Debug, Serialize)]
pub(super) struct By {
    pub(super) configuration: String,
    pub(super) webhook: String,
}

// === impl Carried ===

impl Carried {
    /// What becomes of `pod` after `placement`.
    pub(super) fn of(
        pod: &Pod<'_>,
        placement: &Placement<'_>,
        namespace: &str,
        source: &dyn Source,
    ) -> Self {
        let (istio, of_istio) = known(source.istio(), || Arc::new(assumed::istio()));
        let labels = source
            .namespace(namespace)
            .map(|namespace| namespace.labels.to_map());
        let (labels, of_namespace) = known(labels, BTreeMap::new);
        let seen = Seen::placed(pod, placement);
        let namespace = Namespace {
            name: namespace,
            labels: &labels,
        };
        let outcome = Outcome::of(&istio, &seen, namespace);
        Self {
            assumed: assumed(of_istio, of_namespace),
            warnings: warnings(placement.mode, &outcome).into_iter().collect(),
            ..Self::said(&outcome)
        }
    }

    fn said(outcome: &Outcome<'_>) -> Self {
        let (by, captured, reasons) = match outcome {
            Outcome::Injected(injected, why) => (
                Some(injected.by),
                false,
                vec![
                    format!("injected: {injected}"),
                    format!("not captured: {why}"),
                ],
            ),
            Outcome::Both(injected, claim) => (
                Some(injected.by),
                false,
                vec![
                    format!("injected: {injected}"),
                    format!("not captured: {claim}, but its sidecar keeps istio-cni away"),
                ],
            ),
            Outcome::Captured(claim, why) => (
                None,
                true,
                vec![format!("captured: {claim}"), format!("not injected: {why}")],
            ),
            Outcome::Neither(why, unclaimed) => (
                None,
                false,
                vec![
                    format!("not injected: {why}"),
                    format!("not captured: {unclaimed}"),
                ],
            ),
            Outcome::Refused(refusal) => (None, false, vec![format!("not admitted: {refusal}")]),
        };
        Self {
            result: outcome.as_str(),
            injected: by.is_some(),
            injected_by: by.map(|by| By {
                configuration: by.configuration.to_owned(),
                webhook: by.webhook.to_owned(),
            }),
            captured,
            reasons,
            warnings: Vec::new(),
            assumed: Vec::new(),
        }
    }
}

/// Where a Pod gets something else than its mode, or nothing at all.
fn warnings(mode: Mode, outcome: &Outcome<'_>) -> Option<String> {
    if let Outcome::Injected(injected, _) = outcome
        && injected.proxy == Template::Proxyless
        && mode == Mode::Sidecar
    {
        return Some("mode sidecar is asked for, and the template brings no proxy".to_owned());
    }
    let gets = match outcome.mode() {
        None => return Some("the injector will not let this Pod be created".to_owned()),
        Some(gets) if mode == Mode::Leave || gets == mode => return None,
        Some(gets) => gets,
    };
    Some(format!(
        "mode {mode} is asked for, and Istio makes {gets} of it"
    ))
}

/// What is known, or what is assumed, and why.
fn known<T>(known: Result<T, Missing>, assume: impl FnOnce() -> T) -> (T, Option<Missing>) {
    match known {
        Ok(known) => (known, None),
        Err(missing) => (assume(), Some(missing)),
    }
}

/// What was assumed, as these are missing.
fn assumed(istio: Option<Missing>, namespace: Option<Missing>) -> Vec<String> {
    let what = |missing: Option<Missing>, what| missing.map(|missing| (what, missing));
    let each = [
        what(istio, "Istio as its profile ambient installs it"),
        what(namespace, "a namespace without labels"),
    ];
    let (none, missing): (Vec<_>, Vec<_>) = each
        .into_iter()
        .flatten()
        .partition(|(_, missing)| *missing == Missing::NoCluster);
    let none: Vec<_> = none.into_iter().map(|(what, _)| what).collect();
    let none = (!none.is_empty()).then(|| {
        let what = none.join(", and ");
        format!("{what}: no cluster was looked at (--cluster)")
    });
    let missing = missing.into_iter();
    let missing = missing.map(|(what, missing)| format!("{what}: {missing}"));
    none.into_iter().chain(missing).collect()
}
