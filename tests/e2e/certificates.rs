//! Certificates swapped while Pods are created without pause: none fails, also where a failed call
//! would be a refused Pod.
//!
//! `MESHMODE_E2E_LONG` asks for a new leaf every second for a minute, in place of a few.

use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::steps::{Cluster, LOCAL_ONLY, Program, Shown};
use crate::support::manifests::{Endpoint, list};
use crate::support::meshmode::{Meshmode, certs, run, sample};
use crate::support::request::{pod, pods};
use crate::support::wait_for;

const NAMESPACE: &str = "swapped";
const WRITERS: usize = 4;
const RENEWALS: u32 = 5;
const LONG_RENEWALS: u32 = 60;
const EVERY: Duration = Duration::from_secs(1);
const AUTHORITIES: usize = 5;
/// As few as there may be between two swaps, for the swaps to have happened meanwhile.
const BETWEEN: usize = 20;

const RELOADS: &str = "meshmode_reloads_total{file=\"certificate\",outcome=\"done\"}";
/// What the writers saw by now.
#[derive(Debug, Default)]
struct Seen {
    created: usize,
    failures: Vec<String>,
}

/// Renewals of the leaf, then CAs of which nobody has heard.
pub(crate) async fn swapped(cluster: &mut Cluster) -> Shown {
    let Program::Ours(program) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    cluster.namespace(NAMESPACE, Some("enabled")).await;
    register(cluster, &program.endpoint()).await;
    let (seen, _) = watch::channel(Seen::default());
    let seen = Arc::new(seen);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let create = pods(NAMESPACE);
        let control_plane = cluster.control_plane.another_client();
        let seen = Arc::clone(&seen);
        writers.spawn(async move {
            let pod = pod(&format!("writer-{writer}"), &json!({}));
            loop {
                let reply = control_plane
                    .post(&format!("{create}?dryRun=All"), &pod)
                    .await;
                let placed =
                    reply.body["metadata"]["labels"]["istio.io/dataplane-mode"] == "ambient";
                seen.send_modify(|seen| match (reply.code, placed) {
                    (201, true) => seen.created += 1,
                    _ => seen.failures.push(format!("{reply:?}")),
                });
            }
        });
    }
    renewals(cluster, program, &seen).await;
    keep_in_secrets(cluster, program).await;
    for _ in 0..AUTHORITIES {
        another_ca(cluster, program, &seen).await;
    }
    more(&seen).await;
    writers.shutdown().await;
    let seen = seen.borrow();
    assert!(
        seen.failures.is_empty(),
        "{} failed: {:?}",
        seen.failures.len(),
        seen.failures.first()
    );
    let created = seen.created;
    cluster.register_base().await;
    Shown::Cases(created)
}

async fn renewals(cluster: &Cluster, program: &Meshmode, seen: &watch::Sender<Seen>) {
    let long = env::var_os("MESHMODE_E2E_LONG").is_some();
    let (renewals, between) = if long {
        (LONG_RENEWALS, LONG_RENEWALS / RENEWALS)
    } else {
        (RENEWALS, 1)
    };
    let folder = program.certificates();
    let mut seconds = tokio::time::interval(EVERY);
    for renewal in 1..=renewals {
        if long {
            seconds.tick().await;
        } else {
            more(seen).await;
        }
        let before = sample(&program.metrics().await, RELOADS);
        certs(&folder, &["--renew"]);
        until_served(program, &folder).await;
        let after = sample(&program.metrics().await, RELOADS);
        assert!(
            after > before,
            "reloads are counted: {before}, then {after}"
        );
        if renewal % between == 0 {
            // Another text of the same CA: the API server drops its connections, and shakes hands anew.
            let mut endpoint = program.endpoint();
            endpoint.ca.push_str(&"\n".repeat(renewal as usize));
            register(cluster, &endpoint).await;
            more(seen).await;
        }
    }
}

/// As somebody does who has made CA and certificate in another way.
async fn keep_in_secrets(cluster: &Cluster, program: &Meshmode) {
    let folder = program.certificates();
    let file = |name: &str| STANDARD.encode(fs::read(folder.join(name)).unwrap());
    let secret = |name: &str, certificate: &str, key: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "data": {"ca.crt": file("ca.crt"), "tls.crt": file(certificate), "tls.key": file(key)},
        })
    };
    let secrets = [
        secret("meshmode-ca", "ca.crt", "ca.key"),
        secret("meshmode-tls", "tls.crt", "tls.key"),
    ];
    apply(cluster, &list(&secrets)).await;
}

/// The three steps of `docs/certificates.md`, by the commands that stand there.
async fn another_ca(cluster: &Cluster, program: &Meshmode, seen: &watch::Sender<Seen>) {
    let folder = program.certificates();
    let old = fs::read(folder.join("ca.crt")).unwrap();
    renew(cluster, &["--rotate-ca"]).await;
    more(seen).await;
    let served = renew(cluster, &[]).await;
    for file in ["ca.crt", "tls.key", "tls.crt"] {
        fs::write(folder.join(file), part(&served, file)).unwrap();
    }
    until_served(program, &folder).await;
    more(seen).await;
    let served = renew(cluster, &["--drop-old-ca"]).await;
    let new = part(&served, "ca.crt");
    assert_ne!(new, old);
    fs::write(folder.join("ca.crt"), new).unwrap();
    more(seen).await;
}

/// What the Secrets hold, renewed and applied; gives the Secret that is served from.
async fn renew(cluster: &Cluster, how: &[&str]) -> Value {
    let kept = get(cluster, &["meshmode-ca", "meshmode-tls"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.yaml");
    fs::write(&file, kept).unwrap();
    let file = file.to_str().unwrap();
    let command = [
        "certs",
        "--secret",
        "--namespace",
        NAMESPACE,
        "--renew-from",
        file,
    ];
    let output = run(&[&command, how].concat());
    assert!(output.status.success(), "{output:?}");
    apply(cluster, &String::from_utf8(output.stdout).unwrap()).await;
    serde_saphyr::from_str(&get(cluster, &["meshmode-tls"]).await).unwrap()
}

async fn get(cluster: &Cluster, secrets: &[&str]) -> String {
    let get = ["-n", NAMESPACE, "get", "secret", "-o", "yaml"];
    let output = cluster
        .control_plane
        .kubectl(&[&get, secrets].concat())
        .await;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn apply(cluster: &Cluster, documents: &str) {
    let apply = [
        "apply",
        "--server-side",
        "--field-manager=meshmode-certs",
        "--force-conflicts",
        "-f",
        "-",
    ];
    let control_plane = &cluster.control_plane;
    let output = control_plane.kubectl_with_input(&apply, documents).await;
    assert!(output.status.success(), "{output:?}");
}

fn part(secret: &Value, name: &str) -> Vec<u8> {
    STANDARD
        .decode(secret["data"][name].as_str().unwrap())
        .unwrap()
}

/// Registers the webhooks with `Fail`: a call that fails is a Pod that is refused.
async fn register(cluster: &Cluster, endpoint: &Endpoint) {
    let webhooks = cluster.base.reaching(endpoint);
    let strict = webhooks.with_each(|webhook| webhook["failurePolicy"] = json!("Fail"));
    strict.register(&cluster.control_plane, NAMESPACE).await;
}

/// Waits for more Pods to be created.
async fn more(seen: &watch::Sender<Seen>) {
    let enough = seen.borrow().created + BETWEEN;
    wait_for("more Pods", Duration::from_secs(20), async || {
        let seen = seen.borrow();
        if seen.created >= enough {
            return Ok(());
        }
        Err(format!(
            "{} Pods, of {enough}; failed: {:?}",
            seen.created,
            seen.failures.first()
        ))
    })
    .await;
}

/// Waits until a new connection is shown the certificate in `folder`, which the CA there has signed.
async fn until_served(program: &Meshmode, folder: &Path) {
    let on_disk = CertificateDer::from_pem_file(folder.join("tls.crt")).unwrap();
    wait_for("the new certificate", Duration::from_secs(10), async || {
        let served = served(program.port, &folder.join("ca.crt")).await?;
        (served == on_disk)
            .then_some(())
            .ok_or_else(|| "the old one".to_owned())
    })
    .await;
}

async fn served(port: u16, ca: &Path) -> Result<CertificateDer<'static>, String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .map_err(|e| e.to_string())?;
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    let connection = connection.map_err(|error| error.to_string())?;
    let shown = connection.get_ref().1.peer_certificates().unwrap();
    Ok(shown[0].clone().into_owned())
}
