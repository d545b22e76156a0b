//! Whether ztunnel captures a Pod: istio-cni's enablement selectors decide
//! (`cni/pkg/util/enablement_selector.go`, `Matches`).

use std::collections::BTreeSet;
use std::fmt;

use super::pod::{Label, Namespace, Network, Seen, listed};
use crate::placement::explicit::DATAPLANE_MODE;
use crate::placement::selector::{Labels, Requirement, Selector};

/// What is known of istio-cni.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capture {
    /// There is no istio-cni.
    NotInstalled,
    /// It serves sidecars only (`AMBIENT_ENABLED` is not true).
    Disabled,
    /// It captures Pods.
    Enabled(Enablement),
}

/// Which Pods istio-cni captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enablement {
    /// A Pod that one of these matches is captured.
    pub selectors: Vec<EnablementSelector>,
    /// Namespaces where none is (`EXCLUDE_NAMESPACES`).
    pub excluded: BTreeSet<String>,
}

/// Labels of a Pod, and of its namespace; both must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnablementSelector {
    /// `podSelector`.
    pub pods: Selector,
    /// `namespaceSelector`.
    pub namespaces: Selector,
}

/// A Pod that istio-cni claims for ztunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<'f> {
    /// The labels that made a selector match.
    pub because: Vec<Label<'f>>,
}

/// Why istio-cni does not claim a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unclaimed<'f> {
    /// There is no istio-cni.
    NotInstalled,
    /// It serves sidecars only.
    Disabled,
    /// The Pod has no network of its own to redirect. (istio-cni 1.27.0 to 1.30.3 did not look.)
    HostNetwork,
    /// The annotation `sidecar.istio.io/status`: the injector has been there.
    HasSidecar,
    /// The namespace is excluded.
    ExcludedNamespace(&'f str),
    /// This label keeps it out: without it the Pod would be captured.
    OptedOut(Label<'f>),
    /// No selector matches.
    Unselected,
}

/// The annotation by which the injector says that it was there.
pub(super) const STATUS: &str = "sidecar.istio.io/status";

// === impl Capture ===

impl Capture {
    /// Whether a Pod is claimed for ztunnel, as its labels and annotations are now.
    ///
    /// # Errors
    /// It is not, for this reason.
    pub fn claim<'f>(
        &'f self,
        pod: &Seen<'f>,
        namespace: Namespace<'f>,
    ) -> Result<Claim<'f>, Unclaimed<'f>> {
        match self {
            Self::NotInstalled => Err(Unclaimed::NotInstalled),
            Self::Disabled => Err(Unclaimed::Disabled),
            Self::Enabled(enablement) => enablement.claim(pod, namespace),
        }
    }
}

impl Default for Capture {
    /// As the profile ambient installs it.
    fn default() -> Self {
        Self::Enabled(Enablement::default())
    }
}

// === impl Enablement ===

impl Enablement {
    /// Whether a Pod with these labels is captured, as far as labels decide: what only the Pod itself
    /// shows may keep it out.
    pub fn selects(&self, pod: &impl Labels, namespace: &str, of_namespace: &impl Labels) -> bool {
        let excluded = self.excluded.contains(namespace);
        !excluded && self.matching(pod, of_namespace).is_some()
    }

    fn claim<'f>(
        &'f self,
        pod: &Seen<'f>,
        namespace: Namespace<'f>,
    ) -> Result<Claim<'f>, Unclaimed<'f>> {
        match pod.network {
            Network::OfTheNode => return Err(Unclaimed::HostNetwork),
            Network::Own => {}
        }
        if pod.annotations.contains_key(STATUS) {
            return Err(Unclaimed::HasSidecar);
        }
        if self.excluded.contains(namespace.name) {
            return Err(Unclaimed::ExcludedNamespace(namespace.name));
        }
        if let Some(selector) = self.matching(&pod.labels, namespace.labels) {
            return Ok(selector.claim(pod, namespace));
        }
        let without = pod.without(DATAPLANE_MODE);
        let label = self
            .matching(&without.labels, namespace.labels)
            .and_then(|_| pod.label(DATAPLANE_MODE));
        Err(label.map_or(Unclaimed::Unselected, Unclaimed::OptedOut))
    }

    fn matching(&self, pod: &impl Labels, namespace: &impl Labels) -> Option<&EnablementSelector> {
        self.selectors
            .iter()
            .find(|selector| selector.pods.matches(pod) && selector.namespaces.matches(namespace))
    }
}

impl Default for Enablement {
    /// What the chart istio-cni sets (`values.yaml`: `ambient.enablementSelectors`, `excludeNamespaces`).
    fn default() -> Self {
        let ambient = || Selector::new(vec![Requirement::equal(DATAPLANE_MODE, "ambient")]);
        let not_none = Requirement::differs(DATAPLANE_MODE, "none");
        Self {
            selectors: vec![
                EnablementSelector {
                    pods: ambient(),
                    namespaces: Selector::default(),
                },
                EnablementSelector {
                    pods: Selector::new(vec![not_none]),
                    namespaces: ambient(),
                },
            ],
            excluded: BTreeSet::from(["kube-system".to_owned()]),
        }
    }
}

// === impl EnablementSelector ===

impl EnablementSelector {
    fn claim<'f>(&'f self, pod: &Seen<'f>, namespace: Namespace<'f>) -> Claim<'f> {
        let pods = self.pods.wanted().filter_map(|key| pod.label(key));
        let namespaces = self.namespaces.wanted();
        Claim {
            because: pods
                .chain(namespaces.filter_map(|key| namespace.label(key)))
                .collect(),
        }
    }
}

impl fmt::Display for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.because.is_empty() {
            return f.write_str("istio-cni selects every Pod");
        }
        write!(f, "istio-cni selects it by {}", listed(&self.because))
    }
}

impl fmt::Display for Unclaimed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => f.write_str("istio-cni is not installed"),
            Self::Disabled => f.write_str("istio-cni does not capture for ztunnel"),
            Self::HostNetwork => f.write_str("the Pod uses the network of its node"),
            Self::HasSidecar => write!(f, "annotation {STATUS} says that it has a sidecar"),
            Self::ExcludedNamespace(name) => write!(f, "istio-cni excludes namespace {name}"),
            Self::OptedOut(label) => write!(f, "{label} keeps it out"),
            Self::Unselected => f.write_str("no label asks for ambient"),
        }
    }
}
