//! Whether an injector takes a Pod: the API server asks those whose selectors match, in their order, and each
//! makes up its mind by its policy.

mod required;
mod unselected;

use std::fmt;

use self::required::declines;
use self::unselected::unselected;
use super::injector::{Configuration, Injectors, Policy, Template, Webhook};
use super::pod::{Label, Namespace, Seen, listed};
use crate::placement::explicit::{INJECT, TEMPLATES};

pub use self::required::SYSTEM_NAMESPACES;

/// What the injectors make of a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injection<'f> {
    /// It is given the containers of templates.
    Injected(Injected<'f>),
    /// It is not touched.
    NotInjected(NotInjected<'f>),
    /// It is not admitted.
    Refused(Refusal<'f>),
}

/// A Pod that was injected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injected<'f> {
    /// Who did it first.
    pub by: Asked<'f>,
    /// Who did it again: two injectors whose selectors overlap.
    pub again: Vec<Asked<'f>>,
    /// The labels by which the webhook selected it.
    pub because: Vec<Label<'f>>,
    /// With what.
    pub templates: Vec<&'f str>,
    /// Whether a container `istio-proxy` is among that.
    pub proxy: Template,
}

/// A webhook of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'f> {
    /// The configuration's name.
    pub configuration: &'f str,
    /// The webhook's name.
    pub webhook: &'f str,
}

/// Why no injector touches a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotInjected<'f> {
    /// There are no injectors.
    NoInjectors,
    /// This label keeps all webhooks away: without it one would select the Pod.
    KeptAway(Label<'f>),
    /// A label of a revision that no webhook is for.
    UnknownRevision(Label<'f>),
    /// Nothing asks for it.
    Unselected,
    /// A webhook was asked, and its injector declines.
    Declined(Asked<'f>, Declined<'f>),
}

/// Why an injector that is asked does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declined<'f> {
    /// Redirecting the node's network would break the node.
    HostNetwork,
    /// One of [`SYSTEM_NAMESPACES`].
    SystemNamespace(&'f str),
    /// The label `sidecar.istio.io/inject`.
    Label(&'f str),
    /// The annotation `sidecar.istio.io/inject`, where there is no such label.
    Annotation(&'f str),
    /// A selector of `neverInjectSelector` matches.
    NeverInject,
    /// The policy is `disabled`, and the Pod asks for nothing.
    Disabled,
    /// The policy is none.
    IllegalPolicy(&'f str),
}

/// An injector that cannot do what is asked of it, which the API server takes for a no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal<'f> {
    /// Who refuses.
    pub by: Asked<'f>,
    /// The template that does not exist.
    pub template: &'f str,
}

// === impl Injection ===

impl<'f> Injection<'f> {
    /// What `injectors` make of a Pod.
    ///
    /// Told from selectors and policies alone: that the injector answers, and that no annotation has a value
    /// it does not take (`pkg/kube/inject/validate.go`), is taken for granted.
    pub(super) fn of(
        injectors: &'f Injectors,
        pod: &'f Seen<'_>,
        namespace: Namespace<'f>,
    ) -> Self {
        let mut injected: Option<Injected<'f>> = None;
        let mut declined = None;
        for (configuration, webhook) in asked(injectors, pod, namespace) {
            let by = Asked::new(configuration, webhook);
            let policy = injectors.policy(&configuration.revision);
            if let Some(why) = declines(policy, pod, namespace) {
                declined.get_or_insert(NotInjected::Declined(by, why));
                continue;
            }
            let templates = policy
                .templates
                .chosen(pod.annotations.get(TEMPLATES).copied());
            let proxy = match proxy_of(policy, &templates) {
                Ok(proxy) => proxy,
                Err(template) => return Self::Refused(Refusal { by, template }),
            };
            match &mut injected {
                Some(first) => first.again.push(by),
                None => {
                    injected = Some(Injected {
                        by,
                        again: Vec::new(),
                        because: because(webhook, pod, namespace),
                        templates,
                        proxy,
                    });
                }
            }
        }
        match (injected, declined) {
            (Some(injected), _) => Self::Injected(injected),
            (None, Some(declined)) => Self::NotInjected(declined),
            (None, None) => Self::NotInjected(unselected(injectors, pod, namespace)),
        }
    }
}

/// The webhooks whose selectors match, in the order in which they are called.
fn asked<'f>(
    injectors: &'f Injectors,
    pod: &Seen<'_>,
    namespace: Namespace<'_>,
) -> impl Iterator<Item = (&'f Configuration, &'f Webhook)> {
    let webhooks = injectors.configurations().iter().flat_map(|configuration| {
        let webhooks = configuration.webhooks.iter();
        webhooks.map(move |webhook| (configuration, webhook))
    });
    webhooks.filter(move |(_, webhook)| {
        webhook.namespaces.matches(namespace.labels) && webhook.objects.matches(&pod.labels)
    })
}

/// Whether `templates` bring a proxy; the error is one that does not exist.
fn proxy_of<'f>(policy: &Policy, templates: &[&'f str]) -> Result<Template, &'f str> {
    let mut proxy = Template::Proxyless;
    for name in templates {
        match policy.templates.known.get(*name) {
            Some(Template::Proxy) => proxy = Template::Proxy,
            Some(Template::Proxyless) => {}
            None => return Err(name),
        }
    }
    Ok(proxy)
}

fn because<'f>(webhook: &'f Webhook, pod: &Seen<'f>, namespace: Namespace<'f>) -> Vec<Label<'f>> {
    let namespaces = webhook.namespaces.wanted();
    let objects = webhook.objects.wanted();
    namespaces
        .filter_map(|key| namespace.label(key))
        .chain(objects.filter_map(|key| pod.label(key)))
        .collect()
}

// === impl Asked ===

impl<'f> Asked<'f> {
    fn new(configuration: &'f Configuration, webhook: &'f Webhook) -> Self {
        Self {
            configuration: &configuration.name,
            webhook: &webhook.name,
        }
    }
}

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            configuration,
            webhook,
        } = self;
        write!(f, "webhook {webhook} of {configuration}")
    }
}

impl fmt::Display for Injected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let templates = self.templates.join(", ");
        write!(f, "{} injects template {templates}", self.by)?;
        match self.proxy {
            Template::Proxy => {}
            Template::Proxyless => f.write_str(" (no proxy)")?,
        }
        for again in &self.again {
            write!(f, ", then {again} does")?;
        }
        if self.because.is_empty() {
            return f.write_str(", whatever the labels");
        }
        write!(f, " because of {}", listed(&self.because))
    }
}

impl fmt::Display for NotInjected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInjectors => f.write_str("no injector is registered"),
            Self::KeptAway(label) => write!(f, "{label} keeps the injector away"),
            Self::UnknownRevision(label) => {
                write!(f, "{label} names a revision that no injector has")
            }
            Self::Unselected => f.write_str("no label asks the injector for a sidecar"),
            Self::Declined(asked, why) => write!(f, "{asked} declines: {why}"),
        }
    }
}

impl fmt::Display for Declined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostNetwork => f.write_str("the Pod uses the network of its node"),
            Self::SystemNamespace(name) => write!(f, "namespace {name} is never injected"),
            Self::Label(value) => write!(f, "label {INJECT}={value} on the Pod"),
            Self::Annotation(value) => write!(f, "annotation {INJECT}={value} on the Pod"),
            Self::NeverInject => f.write_str("a selector of neverInjectSelector matches the Pod"),
            Self::Disabled => f.write_str("its policy is disabled, and the Pod does not ask"),
            Self::IllegalPolicy(policy) => write!(f, "its policy {policy:?} is none"),
        }
    }
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, template } = self;
        write!(
            f,
            "{by} knows no template {template:?} (annotation {TEMPLATES})"
        )
    }
}
