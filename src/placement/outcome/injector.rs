//! What is known of Istio's injectors: which Pods they are asked about, and what they do with them.

use std::collections::BTreeMap;

use crate::placement::selector::Selector;

/// All injectors of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Injectors {
    /// In the order in which the API server calls them.
    configurations: Vec<Configuration>,
    /// By revision.
    policies: BTreeMap<String, Policy>,
    /// Where the revision's is not known: what Istio's chart sets.
    usual: Policy,
}

/// A MutatingWebhookConfiguration of an injector: of a revision, or of a tag that points to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Its name, which decides when it is called.
    pub name: String,
    /// The revision whose istiod answers: its label `istio.io/rev`.
    pub revision: String,
    /// In the order of the list.
    pub webhooks: Vec<Webhook>,
}

/// One webhook of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Such as `rev.namespace.sidecar-injector.istio.io`.
    pub name: String,
    /// `namespaceSelector`: looks at the labels that the namespace has now.
    pub namespaces: Selector,
    /// `objectSelector`: looks at the Pod as earlier webhooks have left it.
    pub objects: Selector,
}

/// What an injector does with the Pods it is asked about: ConfigMap `istio-sidecar-injector[-REVISION]`,
/// key `config` (`pkg/kube/inject/webhook.go`, `Config`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `policy`: for Pods that say nothing themselves.
    pub auto_inject: AutoInject,
    /// `neverInjectSelector`.
    pub never: Vec<Selector>,
    /// `alwaysInjectSelector`.
    pub always: Vec<Selector>,
    /// `templates`, `defaultTemplates` and `aliases`.
    pub templates: Templates,
}

/// Whether Pods that say nothing are injected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AutoInject {
    /// They are.
    Enabled,
    /// They are not.
    Disabled,
    /// Not a policy: then nothing is injected at all.
    Illegal(String),
}

/// What a Pod may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates {
    /// By name.
    pub known: BTreeMap<String, Template>,
    /// For Pods that name none.
    pub default: Vec<String>,
    /// Names that stand for others.
    pub aliases: BTreeMap<String, Vec<String>>,
}

/// Whether a template brings a container `istio-proxy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// A proxy: a sidecar, or a gateway.
    Proxy,
    /// None: proxyless gRPC, or another gateway.
    Proxyless,
}

// === impl Injectors ===

impl Injectors {
    /// The injectors with these configurations, and the policies that are known, by revision. Where one is
    /// not known, Istio's default holds.
    pub fn new(mut configurations: Vec<Configuration>, policies: BTreeMap<String, Policy>) -> Self {
        // Kubernetes, configuration/mutating_webhook_manager.go: by name, bytewise.
        configurations.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            configurations,
            policies,
            usual: Policy::default(),
        }
    }

    /// In the order in which the API server calls them.
    pub fn configurations(&self) -> &[Configuration] {
        &self.configurations
    }

    pub(super) fn policy(&self, revision: &str) -> &Policy {
        self.policies.get(revision).unwrap_or(&self.usual)
    }
}

// === impl Policy ===

impl Default for Policy {
    /// What Istio's chart sets (`istio-discovery`, `values.yaml` and `files/`).
    fn default() -> Self {
        Self {
            auto_inject: AutoInject::Enabled,
            never: Vec::new(),
            always: Vec::new(),
            templates: Templates::default(),
        }
    }
}

// === impl AutoInject ===

impl From<&str> for AutoInject {
    fn from(policy: &str) -> Self {
        match policy {
            "enabled" => Self::Enabled,
            "disabled" => Self::Disabled,
            other => Self::Illegal(other.to_owned()),
        }
    }
}

// === impl Templates ===

impl Templates {
    /// Where a Pod names none and the ConfigMap none either (`inject.go`, `SidecarTemplateName`).
    pub const SIDECAR: &str = "sidecar";

    /// The names that `named` (an annotation's list, separated by commas) stand for; the default ones where a
    /// Pod names none (`inject.go`, `selectTemplates`).
    pub(super) fn chosen<'f>(&'f self, named: Option<&'f str>) -> Vec<&'f str> {
        let names: Vec<&str> = named.map_or_else(
            || self.default.iter().map(String::as_str).collect(),
            |named| named.split(',').map(str::trim).collect(),
        );
        let mut chosen = Vec::new();
        for name in names {
            match self.aliases.get(name) {
                Some(others) => chosen.extend(others.iter().map(String::as_str)),
                None => chosen.push(name),
            }
        }
        chosen
    }
}

impl Default for Templates {
    fn default() -> Self {
        let known = [
            (Self::SIDECAR, Template::Proxy),
            ("gateway", Template::Proxy),
            ("grpc-simple", Template::Proxyless),
            ("grpc-agent", Template::Proxy),
            ("waypoint", Template::Proxy),
            ("kube-gateway", Template::Proxy),
            ("agentgateway", Template::Proxyless),
            ("agentgateway-waypoint", Template::Proxyless),
        ];
        Self {
            known: known
                .map(|(name, template)| (name.to_owned(), template))
                .into(),
            default: vec![Self::SIDECAR.to_owned()],
            aliases: BTreeMap::new(),
        }
    }
}
