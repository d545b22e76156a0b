//! The Secrets that certificates are kept in, and the webhook configurations that are to believe them, as YAML documents.
//!
//! Must not: issue, or read files.

use std::collections::BTreeMap;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::tls::{Authority, Kept};

/// Where the certificates are kept, and who is to believe them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The namespace of the Secrets.
    pub(super) namespace: &'a str,
    /// Whether the key of the CA has a Secret too.
    pub(super) authority: KeyIn<'a>,
    /// The webhooks that there are.
    pub(super) webhooks: Webhooks,
}

/// Where the key of the CA is.
#[derive(Clone, Copy, Debug)]
pub(super) enum KeyIn<'a> {
    /// In a Secret of its own, which no Pod mounts.
    Secret,
    /// In a file that holds this.
    File(&'a str),
}

/// Which webhooks there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Webhooks {
    /// Those of `manifests/base`.
    Base,
    /// Those of `manifests/components/cluster-wide`, too.
    ClusterWide,
}

/// What is mounted into the Pods; `manifests/base/deployment.yaml` names it.
const SERVED: &str = "meshmode-tls";
/// The CA with its key, as an Issuer of cert-manager has them.
const AUTHORITY: &str = "meshmode-ca";
/// The name of both configurations.
const CONFIGURATION: &str = "aa-meshmode";

/// The kinds of configurations, with the webhooks of the base and those that come with `cluster-wide`.
const WEBHOOKS: [(&str, &[&str], &[&str]); 2] = [
    (
        "MutatingWebhookConfiguration",
        &["pods.enabled.meshmode.io", "pods.observe.meshmode.io"],
        &["pods.cluster.meshmode.io"],
    ),
    (
        "ValidatingWebhookConfiguration",
        &[
            "authorizationpolicies.enabled.meshmode.io",
            "authorizationpolicies.observe.meshmode.io",
            "authorizationpolicies.rootnamespace.meshmode.io",
            "workloads.enabled.meshmode.io",
        ],
        &[
            "authorizationpolicies.cluster.meshmode.io",
            "workloads.cluster.meshmode.io",
        ],
    ),
];

const HEAD: &str = "\
# Holds private keys: hand it to kubectl, and do not keep it. The name of the manager matters: whoever else applies these
# configurations keeps all fields but caBundle.
#   kubectl apply --server-side --field-manager=meshmode-certs --force-conflicts -f -
";

/// An object, with its fields in the order in which people read them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Secret<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Value,
    r#type: &'a str,
    data: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Configuration<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Value,
    webhooks: Vec<Value>,
}

/// What is read of an object: a Secret, or a List of them.
#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[serde(default)]
    items: Vec<Self>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
}

/// All documents: first who believes, then what is served, so that whoever applies them in their order is never late.
pub(super) fn write(kept: &Kept, place: Place<'_>) -> anyhow::Result<String> {
    let mut text = HEAD.to_owned();
    for (kind, base, cluster_wide) in WEBHOOKS {
        let names = base.iter().chain(match place.webhooks {
            Webhooks::Base => &[],
            Webhooks::ClusterWide => cluster_wide,
        });
        let bundle = STANDARD.encode(&kept.bundle_pem);
        let entry =
            |name: &&str| json!({"name": name, "clientConfig": {"caBundle": bundle.clone()}});
        document(
            &mut text,
            &Configuration {
                api_version: "admissionregistration.k8s.io/v1",
                kind,
                metadata: json!({"name": CONFIGURATION}),
                webhooks: names.map(entry).collect(),
            },
        )?;
    }
    let authority = &kept.authority;
    match place.authority {
        KeyIn::File(_) => {}
        KeyIn::Secret => {
            let parts = [&authority.cert_pem, &authority.cert_pem, &authority.key_pem];
            document(&mut text, &secret(AUTHORITY, place.namespace, parts))?;
        }
    }
    let parts = [&kept.bundle_pem, &kept.cert_pem, &kept.key_pem];
    document(&mut text, &secret(SERVED, place.namespace, parts))?;
    Ok(text)
}

fn document(text: &mut String, object: &impl Serialize) -> anyhow::Result<()> {
    text.push_str("---\n");
    text.push_str(&serde_saphyr::to_string(object)?);
    Ok(())
}

fn secret<'a>(name: &'a str, namespace: &str, parts: [&String; 3]) -> Secret<'a> {
    let names = ["ca.crt", "tls.crt", "tls.key"];
    let encoded = parts.map(|pem| STANDARD.encode(pem));
    Secret {
        api_version: "v1",
        kind: "Secret",
        metadata: json!({
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "meshmode"},
        }),
        r#type: "kubernetes.io/tls",
        data: names.into_iter().zip(encoded).collect(),
    }
}

/// What the Secrets in `text` keep: YAML documents, or what `kubectl get secret -o yaml` prints.
///
/// # Errors
/// A Secret or a part of it is not there. No error shows what is in one.
pub(super) fn read(text: &str, authority: KeyIn<'_>) -> anyhow::Result<Kept> {
    // The error of the parser would show the place with what stands there.
    let documents: Vec<Read> = serde_saphyr::from_multiple(text)
        .map_err(|_| anyhow::anyhow!("this is no YAML of Secrets: give what `{GET}` prints"))?;
    let secrets: Vec<Read> = documents.into_iter().flat_map(Read::flat).collect();
    let served = find(&secrets, SERVED)?;
    let bundle_pem = part(served, "ca.crt")?;
    let authority = match authority {
        KeyIn::File(key) => Authority {
            cert_pem: bundle_pem.clone(),
            key_pem: key.to_owned(),
        },
        KeyIn::Secret => {
            let authority = find(&secrets, AUTHORITY).context(
                "the key of the CA is in it; give both Secrets, or --ca-key with the key in a file",
            )?;
            Authority {
                cert_pem: part(authority, "tls.crt")?,
                key_pem: part(authority, "tls.key")?,
            }
        }
    };
    Ok(Kept {
        authority,
        bundle_pem,
        cert_pem: part(served, "tls.crt")?,
        key_pem: part(served, "tls.key")?,
    })
}

/// What prints both.
const GET: &str = "kubectl -n meshmode-system get secret meshmode-ca meshmode-tls -o yaml";

fn find<'a>(secrets: &'a [Read], name: &str) -> anyhow::Result<&'a Read> {
    let mut named = secrets.iter();
    named
        .find(|secret| secret.kind == "Secret" && secret.metadata.name == name)
        .with_context(|| format!("Secret {name} is not there: give what `{GET}` prints"))
}

fn part(secret: &Read, key: &str) -> anyhow::Result<String> {
    let name = &secret.metadata.name;
    let encoded = secret.data.get(key).with_context(|| {
        format!("Secret {name} has no {key}: start anew, without --renew-from, or add it")
    })?;
    // Neither of the two errors is shown: it would quote what is in the Secret.
    let decoded = STANDARD.decode(encoded.trim()).ok();
    decoded
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .with_context(|| format!("{key} of Secret {name} is no base64 of PEM: issue it again"))
}

// === impl Read ===

impl Read {
    fn flat(self) -> Vec<Self> {
        if self.items.is_empty() {
            return vec![self];
        }
        self.items
    }
}

#[cfg(test)]
mod tests;
