//! MutatingWebhookConfigurations and the injector's ConfigMaps as facts about the injectors.

use std::collections::BTreeMap;

use kube::core::DynamicObject;
use serde::Deserialize;

use super::selector::LabelSelector;
use super::{ConfigMap, Metadata, Unreadable, json};
use crate::placement::explicit::REVISION;
use crate::placement::outcome::{AutoInject, Configuration, Policy, Template, Templates, Webhook};

#[derive(Debug, Deserialize)]
struct MutatingWebhookConfiguration {
    metadata: Metadata,
    #[serde(default)]
    webhooks: Vec<MutatingWebhook>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MutatingWebhook {
    name: String,
    #[serde(default)]
    namespace_selector: LabelSelector,
    #[serde(default)]
    object_selector: LabelSelector,
}

/// `pkg/kube/inject/inject.go`, `Config`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    policy: String,
    never_inject_selector: Option<Vec<LabelSelector>>,
    always_inject_selector: Option<Vec<LabelSelector>>,
    templates: Option<BTreeMap<String, String>>,
    default_templates: Option<Vec<String>>,
    aliases: Option<BTreeMap<String, Vec<String>>>,
}

/// What the webhooks of an injector are called, after a prefix (`istioctl/pkg/tag/generate.go`).
const SUFFIX: &str = "sidecar-injector.istio.io";
/// Of installations without a revision (`istio-discovery`, `mutatingwebhook.yaml`).
const DEFAULT_REVISION: &str = "default";
/// How a template names the container that makes a sidecar.
const PROXY_CONTAINER: &str = "name: istio-proxy";

/// The injector's webhooks in a MutatingWebhookConfiguration, given as JSON; nothing where it has none.
/// `matchConditions` are not looked at: Istio sets none.
///
/// # Errors
/// It is not such an object, or a selector is none.
pub fn configuration(text: &str) -> Result<Option<Configuration>, Unreadable> {
    let read: MutatingWebhookConfiguration = json("MutatingWebhookConfiguration", text)?;
    let injecting = |webhook: &MutatingWebhook| webhook.name.ends_with(SUFFIX);
    let webhooks: Result<Vec<_>, _> = read
        .webhooks
        .into_iter()
        .filter(injecting)
        .map(Webhook::try_from)
        .collect();
    let webhooks = webhooks?;
    Ok((!webhooks.is_empty()).then(|| Configuration {
        revision: revision(&read.metadata),
        name: read.metadata.name,
        webhooks,
    }))
}

/// The same of an object that is watched, with its name; nothing where it cannot be read either, which the API
/// server does not store.
pub fn watched(object: &DynamicObject) -> Option<(Box<str>, Option<Configuration>)> {
    let name = object.metadata.name.as_deref()?.into();
    let text = serde_json::to_string(object).ok()?;
    Some((name, configuration(&text).ok().flatten()))
}

/// The revision and policy of an injector, from its ConfigMap `istio-sidecar-injector[-REVISION]`, as JSON.
///
/// # Errors
/// It is not such an object.
pub fn policy(text: &str) -> Result<(String, Policy), Unreadable> {
    let read: ConfigMap = json("ConfigMap istio-sidecar-injector", text)?;
    let config: Config = read.yaml("config")?;
    Ok((revision(&read.metadata), Policy::from(config)))
}

fn revision(metadata: &Metadata) -> String {
    let revision = metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(REVISION));
    revision.map_or_else(|| DEFAULT_REVISION.to_owned(), Clone::clone)
}

// === impl Webhook ===

impl TryFrom<MutatingWebhook> for Webhook {
    type Error = Unreadable;

    fn try_from(webhook: MutatingWebhook) -> Result<Self, Unreadable> {
        let MutatingWebhook {
            name,
            namespace_selector,
            object_selector,
        } = webhook;
        Ok(Self {
            namespaces: namespace_selector.at(|| format!("namespaceSelector of webhook {name}"))?,
            objects: object_selector.at(|| format!("objectSelector of webhook {name}"))?,
            name,
        })
    }
}

// === impl Policy ===

impl From<Config> for Policy {
    fn from(config: Config) -> Self {
        // A selector that is none is only logged by Istio.
        let selectors = |written: Option<Vec<LabelSelector>>| {
            let written = written.unwrap_or_default().into_iter();
            written
                .filter_map(|selector| selector.try_into().ok())
                .collect()
        };
        Self {
            auto_inject: AutoInject::from(config.policy.as_str()),
            never: selectors(config.never_inject_selector),
            always: selectors(config.always_inject_selector),
            templates: templates(
                config.templates.unwrap_or_default(),
                config.default_templates.unwrap_or_default(),
                config.aliases.unwrap_or_default(),
            ),
        }
    }
}

fn templates(
    texts: BTreeMap<String, String>,
    mut default: Vec<String>,
    aliases: BTreeMap<String, Vec<String>>,
) -> Templates {
    if default.is_empty() {
        default.push(Templates::SIDECAR.to_owned());
    }
    let known = texts.into_iter().map(|(name, text)| {
        let template = if text.contains(PROXY_CONTAINER) {
            Template::Proxy
        } else {
            Template::Proxyless
        };
        (name, template)
    });
    Templates {
        known: known.collect(),
        default,
        aliases,
    }
}

#[cfg(test)]
mod tests;
