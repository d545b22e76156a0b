//! What a Pod's author has chosen: such a choice wins over every rule.
//!
//! What Istio makes of the parts: the label `sidecar.istio.io/inject` wins over the annotation
//! (`pkg/kube/inject/inject.go`, `injectRequired`), a sidecar wins over capture
//! (`cni/pkg/util/enablement_selector.go`, `Matches`), and `istio.io/dataplane-mode` knows `ambient` and
//! `none` only.

use std::collections::BTreeMap;
use std::fmt;

use super::facts::Pod;
use super::mode::Mode;

/// The label that asks ztunnel to capture a Pod, or not to.
pub const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";
/// The label (and older annotation) that asks the injector for a sidecar, or for none.
pub const INJECT: &str = "sidecar.istio.io/inject";
/// The label of the revision that is to inject.
pub const REVISION: &str = "istio.io/rev";
/// The annotation of what is to be injected in place of the sidecar.
pub const TEMPLATES: &str = "inject.istio.io/templates";
const PROXY_CONTAINER: &str = "istio-proxy";

/// All that a Pod's author has chosen; empty when nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Choices<'p> {
    dataplane_mode: Option<&'p str>,
    inject_label: Option<&'p str>,
    inject_annotation: Option<&'p str>,
    revision: Option<&'p str>,
    templates: Option<&'p str>,
    proxy: Option<Proxy>,
}

/// A container of the author's own that the injector completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Proxy;

/// What the choices ask of the injector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Injection {
    Wanted,
    Refused,
    Open,
}

// === impl Choices ===

impl<'p> Choices<'p> {
    /// The choices of `pod`; none where they are labels that `ours` would set too and that say `mode`: then
    /// they count as ours. `sidecar.istio.io/inject: "false"` alone does not say `ambient`: it is how people
    /// stay out of a mesh.
    pub fn of(pod: &'p Pod<'_>, mode: Mode, ours: &BTreeMap<String, String>) -> Self {
        let choices = Self::all(pod);
        if choices.are_among(ours) && choices.mode() == Some(mode) {
            return Self::default();
        }
        choices
    }

    /// All choices of `pod`, whoever made them.
    pub fn all(pod: &'p Pod<'_>) -> Self {
        let (labels, annotations) = (pod.labels(), pod.annotations());
        Self {
            dataplane_mode: labels.get(DATAPLANE_MODE),
            inject_label: labels.get(INJECT),
            inject_annotation: annotations.get(INJECT),
            revision: labels.get(REVISION),
            templates: annotations.get(TEMPLATES),
            proxy: pod.has_container(PROXY_CONTAINER).then_some(Proxy),
        }
    }

    /// The choices of a Pod that has these labels, and nothing else that is one.
    pub(super) fn of_labels(labels: &[(&str, &'p str)]) -> Self {
        let value = |key| {
            let found = labels.iter().find(|(known, _)| *known == key);
            found.map(|(_, value)| *value)
        };
        Self {
            dataplane_mode: value(DATAPLANE_MODE),
            inject_label: value(INJECT),
            revision: value(REVISION),
            ..Self::default()
        }
    }

    /// Whether they are labels that `ours` would set too and that say `mode`, or nothing at all.
    pub(super) fn are_ours(&self, mode: Mode, ours: &BTreeMap<String, String>) -> bool {
        self.is_empty() || self.are_among(ours) && self.mode() == Some(mode)
    }

    /// Whether they are labels only, and each is one of `ours`.
    fn are_among(&self, ours: &BTreeMap<String, String>) -> bool {
        let labels = [
            (DATAPLANE_MODE, self.dataplane_mode),
            (INJECT, self.inject_label),
            (REVISION, self.revision),
        ];
        self.inject_annotation.is_none()
            && self.templates.is_none()
            && self.proxy.is_none()
            && labels.into_iter().all(|(key, value)| {
                value.is_none_or(|value| ours.get(key).map(String::as_str) == Some(value))
            })
    }

    /// The mode that Istio makes of them, in any namespace; nothing where that depends on the namespace.
    fn mode(&self) -> Option<Mode> {
        match (self.dataplane_mode, self.injection()) {
            (_, Injection::Wanted) => Some(Mode::Sidecar),
            (Some("ambient"), Injection::Refused | Injection::Open) => Some(Mode::Ambient),
            (Some("none"), Injection::Refused) => Some(Mode::None),
            (Some(_) | None, Injection::Refused | Injection::Open) => None,
        }
    }

    /// Whether a label of this key is a choice.
    pub fn is_label(key: &str) -> bool {
        [DATAPLANE_MODE, INJECT, REVISION].contains(&key)
    }

    /// Whether nothing was chosen.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What the author should know: parts that contradict each other or mean nothing to Istio, and that
    /// `rule` would have given another mode.
    pub fn warnings(&self, mode: Mode, rule: &str) -> Vec<String> {
        let mut warnings: Vec<String> = [
            self.unknown_dataplane_mode(),
            self.unknown_injection(),
            self.both_injections(),
            self.both_dataplanes(),
            self.refused_revision(),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !self.agrees_with(mode) {
            warnings.push(format!(
                "{self} wins over rule {rule}, which gives {mode}: nothing is changed"
            ));
        }
        warnings
    }

    fn unknown_dataplane_mode(&self) -> Option<String> {
        let value = self
            .dataplane_mode
            .filter(|value| !matches!(*value, "ambient" | "none"))?;
        Some(format!(
            "label {DATAPLANE_MODE}={value}: Istio knows ambient and none only"
        ))
    }

    fn unknown_injection(&self) -> Option<String> {
        let value = self
            .inject()
            .filter(|value| !matches!(*value, "true" | "false" | ""))?;
        Some(format!("{INJECT}={value}: Istio knows true and false only"))
    }

    fn both_injections(&self) -> Option<String> {
        let (label, annotation) = (self.inject_label?, self.inject_annotation?);
        let text = format!("label {INJECT}={label} wins over the annotation's {annotation}");
        (label != annotation).then_some(text)
    }

    fn both_dataplanes(&self) -> Option<String> {
        let both = self.dataplane_mode == Some("ambient") && self.injection() == Injection::Wanted;
        both.then(|| format!("{self} asks for ambient and for a sidecar: the sidecar wins"))
    }

    fn refused_revision(&self) -> Option<String> {
        let revision = self.revision?;
        let refused = self.inject() == Some("false");
        refused.then(|| format!("label {REVISION}={revision} does nothing beside {INJECT}=false"))
    }

    fn agrees_with(&self, mode: Mode) -> bool {
        let captured = self.dataplane_mode == Some("ambient");
        match mode {
            Mode::Ambient => {
                self.injection() != Injection::Wanted
                    && self.dataplane_mode.is_none_or(|v| v == "ambient")
            }
            Mode::Sidecar => self.injection() != Injection::Refused && !captured,
            Mode::None => self.injection() != Injection::Wanted && !captured,
            Mode::Leave => true,
        }
    }

    fn inject(&self) -> Option<&'p str> {
        self.inject_label.or(self.inject_annotation)
    }

    fn injection(&self) -> Injection {
        let asked = self.revision.is_some() || self.templates.is_some() || self.proxy.is_some();
        match self.inject() {
            Some("true") => Injection::Wanted,
            Some("false") => Injection::Refused,
            Some(_) | None if asked => Injection::Wanted,
            Some(_) | None => Injection::Open,
        }
    }
}

impl fmt::Display for Choices<'_> {
    /// The parts, as they stand on the Pod.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = [
            ("label", DATAPLANE_MODE, self.dataplane_mode),
            ("label", INJECT, self.inject_label),
            ("annotation", INJECT, self.inject_annotation),
            ("label", REVISION, self.revision),
            ("annotation", TEMPLATES, self.templates),
        ];
        let mut separator = "";
        for (kind, key, value) in labels {
            if let Some(value) = value {
                write!(f, "{separator}{kind} {key}={value}")?;
                separator = ", ";
            }
        }
        self.proxy.map_or(Ok(()), |Proxy| {
            write!(f, "{separator}container {PROXY_CONTAINER}")
        })
    }
}
