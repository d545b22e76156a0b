//! The AuthorizationPolicy of `security.istio.io/v1` and `v1beta1`, as people write it.
//!
//! Text is borrowed from the JSON where it has no escapes. What Istio tells apart stays apart:
//! an absent selector, an empty one and one with empty labels; absent, null and empty rules.
//! A field we do not know is never an error, it is kept by name ([`AuthorizationPolicy::unknown_fields`]):
//! a newer Istio may have it.

mod action;
mod change;
mod fields;
mod place;
mod rules;
mod text;
mod unknown;

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

pub use action::Action;
pub use change::{Change, changes, changes_of_raw};
pub use fields::{Field, Fields, Layer, OperationField, SourceField, Test};
pub use rules::{Condition, Rule, RuleFrom, RuleTo, Rules};
pub use text::{Text, Unknown};

/// One policy, borrowed from its JSON.
#[derive(Clone, Debug)]
pub struct AuthorizationPolicy<'a> {
    /// What of its metadata a verdict may look at.
    pub metadata: Metadata<'a>,
    /// What it says.
    pub spec: Spec<'a>,
    /// Fields beside `spec` that no Kubernetes object has.
    unknown: Unknown<'a>,
    /// The spec as it was written, to see whether an UPDATE changes it.
    spec_json: &'a str,
}

/// Why a JSON document is no AuthorizationPolicy that we can read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Malformed {
    /// The field, such as `spec.rules[0].from`; `the policy` for the document itself.
    pub field: String,
    /// What is there, and what is allowed.
    pub problem: String,
}

/// Name, namespace, labels and annotations. All else in the metadata is skipped.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with a name")]
pub struct Metadata<'a> {
    /// Absent while the API server still has to generate it.
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    /// What the API server makes a name from.
    #[serde(borrow)]
    pub generate_name: Option<Text<'a>>,
    /// May be absent in a file.
    #[serde(borrow)]
    pub namespace: Option<Text<'a>>,
    /// `istio.io/rev` says which control plane reads the policy.
    #[serde(borrow)]
    pub labels: Option<BTreeMap<Text<'a>, Text<'a>>>,
    /// `istio.io/waypoint-for`, `istio.io/dry-run`.
    #[serde(borrow)]
    pub annotations: Option<BTreeMap<Text<'a>, Text<'a>>>,
}

/// What a policy says: whom it selects, what it tests, and what it does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with rules")]
pub struct Spec<'a> {
    /// Which Pods; absent: all of the namespace, or of the mesh.
    #[serde(borrow)]
    pub selector: Option<Selector<'a>>,
    /// Which waypoints, gateways or Services.
    #[serde(borrow)]
    pub target_refs: Option<Vec<TargetRef<'a>>>,
    /// The older form of one target; Istio reads it where `targetRefs` is empty.
    #[serde(borrow)]
    pub target_ref: Option<TargetRef<'a>>,
    /// What the policy tests.
    #[serde(borrow, default)]
    pub rules: Rules<'a>,
    /// What it does.
    #[serde(borrow, default)]
    pub action: Action<'a>,
    /// Who decides for action CUSTOM.
    #[serde(borrow)]
    pub provider: Option<Provider<'a>>,
    /// Fields we do not know.
    #[serde(borrow, flatten)]
    pub unknown: Unknown<'a>,
}

/// Which Pods a policy selects.
///
/// Without `matchLabels` ztunnel never enforces the policy; with empty ones it selects every Pod.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with matchLabels")]
pub struct Selector<'a> {
    /// All of these labels a selected Pod has.
    #[serde(borrow)]
    pub match_labels: Option<BTreeMap<Text<'a>, Text<'a>>>,
    /// Fields we do not know.
    #[serde(borrow, flatten)]
    pub unknown: Unknown<'a>,
}

/// One target of a policy: a Service, ServiceEntry, Gateway or GatewayClass.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    expecting = "an object with group, kind and name"
)]
pub struct TargetRef<'a> {
    /// Absent or empty for the core group.
    #[serde(borrow)]
    pub group: Option<Text<'a>>,
    /// Such as `Gateway`.
    #[serde(borrow)]
    pub kind: Option<Text<'a>>,
    /// The target's name.
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    /// Istio allows none: a target is in the namespace of its policy.
    #[serde(borrow)]
    pub namespace: Option<Text<'a>>,
    /// Fields we do not know.
    #[serde(borrow, flatten)]
    pub unknown: Unknown<'a>,
}

/// Who decides for action CUSTOM.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with a name")]
pub struct Provider<'a> {
    /// The extension provider of the mesh configuration.
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    /// Fields we do not know.
    #[serde(borrow, flatten)]
    pub unknown: Unknown<'a>,
}

/// The document before its spec is read.
#[derive(Deserialize)]
#[serde(expecting = "an AuthorizationPolicy, an object with metadata and spec")]
struct Envelope<'a> {
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
    #[serde(rename = "apiVersion")]
    _api_version: Option<IgnoredAny>,
    #[serde(rename = "kind")]
    _kind: Option<IgnoredAny>,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
    #[serde(borrow, flatten)]
    unknown: Unknown<'a>,
}

// === impl AuthorizationPolicy ===

impl<'a> AuthorizationPolicy<'a> {
    /// Reads a policy from its JSON. Its kind is the caller's to check.
    pub fn parse(json: &'a str) -> Result<Self, Malformed> {
        let envelope: Envelope<'a> =
            serde_json::from_str(json).map_err(|error| Malformed::new(&error, json, ""))?;
        let spec_json = envelope.spec.map_or("{}", RawValue::get);
        let spec = serde_json::from_str(spec_json)
            .map_err(|error| Malformed::new(&error, spec_json, "spec"))?;
        Ok(Self {
            metadata: envelope.metadata.unwrap_or_default(),
            spec,
            unknown: envelope.unknown,
            spec_json,
        })
    }

    /// Puts the policy into a namespace, unless it names one itself: an admission review carries
    /// the namespace beside the object.
    #[must_use]
    pub fn in_namespace(mut self, namespace: &'a str) -> Self {
        if self.namespace().is_none() && !namespace.is_empty() {
            self.metadata.namespace = Some(Text::from(namespace));
        }
        self
    }

    /// The namespace, when there is one.
    pub fn namespace(&self) -> Option<&str> {
        self.metadata
            .namespace
            .as_deref()
            .filter(|namespace| !namespace.is_empty())
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        let annotations = self.metadata.annotations.as_ref()?;
        annotations.get(key).map(|value| &**value)
    }

    /// The names of the fields we do not know, each with its path: `spec.rules[0].from[0].source.foo`.
    pub fn unknown_fields(&self) -> Vec<String> {
        unknown::fields(self)
    }
}

// === impl Malformed ===

impl Malformed {
    /// Characters of a problem, which may quote what was written.
    const PROBLEM: usize = 240;

    fn new(error: &serde_json::Error, json: &str, root: &str) -> Self {
        let path = place::path_at(json, error.line(), error.column());
        let field = match (root, path.as_str()) {
            ("", "") => "the policy".to_owned(),
            ("", path) => path.to_owned(),
            (root, "") => root.to_owned(),
            (root, path) => format!("{root}.{path}"),
        };
        let text = error.to_string();
        let problem = text
            .rsplit_once(" at line ")
            .map_or(text.as_str(), |(problem, _)| problem);
        let problem = match problem {
            "recursion limit exceeded" => "it is nested deeper than 128 levels".to_owned(),
            problem => place::cut(problem, Self::PROBLEM),
        };
        Self { field, problem }
    }
}

// === impl Spec ===

impl<'a> Spec<'a> {
    /// The targets as Istio counts them: `targetRef` where `targetRefs` is empty.
    pub fn targets(&self) -> &[TargetRef<'a>] {
        match self.target_refs.as_deref() {
            Some([]) | None => self.target_ref.as_slice(),
            Some(targets) => targets,
        }
    }
}

#[cfg(test)]
mod tests;
