//! Webhook configurations as facts about who calls a server, and by which CAs it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use kube::core::DynamicObject;
use serde::Deserialize;

/// One entry of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Webhook {
    /// The name of the configuration.
    pub configuration: String,
    /// The name of the entry.
    pub name: String,
    /// Who is called.
    pub target: Target,
    /// By which CAs it is believed, PEM.
    pub ca_bundle: CaBundle,
}

/// Whom a webhook calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// A Service.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A host.
    Url {
        /// A DNS name or an address.
        host: String,
        /// 443 where the URL says none.
        port: u16,
    },
}

/// By which CAs a server is believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CaBundle {
    /// These, PEM.
    Pem(Vec<u8>),
    /// None are given, so those of the API server's own machine.
    OfTheMachine,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    webhooks: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    client_config: ClientConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientConfig {
    url: Option<String>,
    service: Option<Service>,
    #[serde(default)]
    ca_bundle: String,
}

#[derive(Deserialize)]
struct Service {
    namespace: String,
    name: String,
}

/// The entries of a webhook configuration; none where it cannot be read, which the API server does not store.
pub fn webhooks(object: &DynamicObject) -> Vec<Webhook> {
    let configuration = object.metadata.name.clone().unwrap_or_default();
    let Ok(read) = Configuration::deserialize(&object.data) else {
        return Vec::new();
    };
    let entries = read.webhooks.into_iter();
    entries
        .filter_map(|entry| webhook(&configuration, entry))
        .collect()
}

fn webhook(configuration: &str, entry: Entry) -> Option<Webhook> {
    let ClientConfig {
        url,
        service,
        ca_bundle,
    } = entry.client_config;
    let target = match (service, url) {
        (Some(Service { namespace, name }), _) => Target::Service { namespace, name },
        (None, Some(url)) => url_target(&url)?,
        (None, None) => return None,
    };
    let ca_bundle = if ca_bundle.is_empty() {
        CaBundle::OfTheMachine
    } else {
        CaBundle::Pem(STANDARD.decode(ca_bundle).ok()?)
    };
    Some(Webhook {
        configuration: configuration.to_owned(),
        name: entry.name,
        target,
        ca_bundle,
    })
}

fn url_target(url: &str) -> Option<Target> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(443);
    Some(Target::Url { host, port })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(client_config: &serde_json::Value) -> Option<(Target, CaBundle)> {
        let object = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "aa-meshmode"},
            "webhooks": [{"name": "pods.meshmode.io", "clientConfig": client_config}],
        });
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let webhook = webhooks(&object).pop()?;
        assert_eq!(webhook.configuration, "aa-meshmode");
        assert_eq!(webhook.name, "pods.meshmode.io");
        Some((webhook.target, webhook.ca_bundle))
    }

    #[test]
    fn a_webhook_calls_a_service_or_a_host() {
        let url = |host: &str, port| Target::Url {
            host: host.to_owned(),
            port,
        };
        let service = Target::Service {
            namespace: "mesh".to_owned(),
            name: "meshmode".to_owned(),
        };
        let pem = CaBundle::Pem(b"PEM".to_vec());
        let rows = [
            (
                "a Service",
                json!({"service": {"namespace": "mesh", "name": "meshmode", "port": 8443}, "caBundle": "UEVN"}),
                Some((service.clone(), pem.clone())),
            ),
            (
                "a Service that nobody gave a caBundle",
                json!({"service": {"namespace": "mesh", "name": "meshmode"}}),
                Some((service, CaBundle::OfTheMachine)),
            ),
            (
                "a host with a port",
                json!({"url": "https://127.0.0.1:8443/mutate/pods", "caBundle": "UEVN"}),
                Some((url("127.0.0.1", 8443), pem)),
            ),
            (
                "a host of IPv6 without one",
                json!({"url": "https://[fd00::7]/mutate/pods"}),
                Some((url("fd00::7", 443), CaBundle::OfTheMachine)),
            ),
            ("neither", json!({}), None),
        ];
        for (name, client_config, expected) in rows {
            assert_eq!(read(&client_config), expected, "{name}");
        }
    }
}
