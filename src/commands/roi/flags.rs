//! Flags of `meshmode roi` that say how Prometheus is reached, and what is assumed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::prometheus::settings::{Manner, Settings, Verify};
use crate::savings::Resources;
use crate::savings::assumptions::NeededWaypoint;
use crate::savings::candidates::Keep;

/// How Prometheus is reached.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Prometheus")]
#[group(skip)]
pub(super) struct Prometheus {
    /// Its URL, such as https://prometheus.example.com (or https://mimir.example.com/prometheus); without it one is
    /// looked for in the cluster, by the names of its Services
    #[arg(long, value_name = "URL", env = "MESHMODE_PROMETHEUS_URL")]
    pub(super) prometheus_url: Option<String>,
    /// A file with a token
    #[arg(long, value_name = "FILE", conflicts_with = "basic_auth_file")]
    bearer_token_file: Option<PathBuf>,
    /// A file with USER:PASSWORD
    #[arg(long, value_name = "FILE")]
    basic_auth_file: Option<PathBuf>,
    /// PEM of the CAs that may have signed its certificate; without it those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// PEM of a client certificate
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// PEM of its key
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// The name that its certificate must have, where it is not that of the URL
    #[arg(long, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// Do not look at its certificate; the report says so
    #[arg(long, conflicts_with = "ca_file")]
    insecure_skip_verify: bool,
    /// A header of each request, such as X-Scope-OrgID=TENANT for Mimir; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    header: Vec<(String, String)>,
    /// A parameter of each query, such as dedup=true for Thanos; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    query_param: Vec<(String, String)>,
    /// How long one query, or the cluster, may take to answer
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "1m")]
    pub(super) timeout: Duration,
    /// Take an answer that Prometheus itself calls partial; the report says so
    #[arg(long)]
    pub(super) allow_partial: bool,
    /// Also write what was asked and answered into this folder, for --replay. It holds names of the cluster, and no
    /// token or password
    #[arg(long, value_name = "DIR", conflicts_with = "replay")]
    pub(super) record: Option<PathBuf>,
    /// Answer from the folder of --record, without any connection
    #[arg(long, value_name = "DIR", conflicts_with_all = ["prometheus_url", "cluster", "kubeconfig", "context"])]
    pub(super) replay: Option<PathBuf>,
}

/// What is assumed where nothing is measured.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is possible")]
#[group(skip)]
pub(super) struct Possible {
    /// These keep their sidecars; may be repeated. Without a cluster all others are taken to be fit for ambient
    #[arg(long, value_name = "NAMESPACE[/WORKLOAD]")]
    pub(super) keep_sidecar: Vec<Keep>,
    /// A waypoint that would be needed in this namespace and is not there; may be repeated
    #[arg(long = "waypoint", value_name = "NAMESPACE")]
    waypoints: Vec<String>,
    /// Pods of each of these waypoints
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    waypoint_replicas: u32,
    /// What each of them requests
    #[arg(long, value_name = "cpu=Q,memory=Q", value_parser = resources, default_value = "cpu=100m,memory=128Mi")]
    waypoint_request: Resources,
    /// What ztunnel requests on a node, where none is there to be measured
    #[arg(long, value_name = "cpu=Q,memory=Q", value_parser = resources, default_value = "cpu=200m,memory=512Mi")]
    pub(super) ztunnel_request: Resources,
    /// What a sidecar requests, where none is there to be measured
    #[arg(long, value_name = "cpu=Q,memory=Q", value_parser = resources, default_value = "cpu=100m,memory=128Mi")]
    pub(super) sidecar_request: Resources,
    /// How many nodes there are, where no metric says it
    #[arg(long, value_name = "NUMBER")]
    pub(super) nodes: Option<u32>,
}

// === impl Prometheus ===

impl Prometheus {
    /// How it is asked, wherever it is.
    pub(super) fn manner(&self) -> Manner {
        Manner {
            headers: self.header.clone(),
            query_params: self.query_param.clone(),
            timeout: self.timeout,
            ..Manner::default()
        }
    }

    /// How the one at `url` is reached.
    pub(super) fn settings(&self, url: &str) -> Settings {
        Settings {
            url: url.to_owned(),
            bearer_token_file: self.bearer_token_file.clone(),
            basic_auth_file: self.basic_auth_file.clone(),
            ca_file: self.ca_file.clone(),
            client_cert_file: self.client_cert.clone(),
            client_key_file: self.client_key.clone(),
            tls_server_name: self.tls_server_name.clone(),
            verify: if self.insecure_skip_verify {
                Verify::No
            } else {
                Verify::Yes
            },
            manner: self.manner(),
        }
    }
}

// === impl Possible ===

impl Possible {
    /// The waypoints that would come.
    pub(super) fn waypoints(&self) -> Vec<NeededWaypoint> {
        let waypoints = self.waypoints.iter().map(|namespace| NeededWaypoint {
            namespace: namespace.clone(),
            reason: "named with --waypoint".to_owned(),
            replicas: f64::from(self.waypoint_replicas),
            request: self.waypoint_request,
        });
        waypoints.collect()
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("allowed: NAME=VALUE".to_owned()),
    }
}

/// `cpu=100m,memory=128Mi`, each in a form of Kubernetes' quantities.
fn resources(text: &str) -> Result<Resources, String> {
    let allowed = "allowed: cpu=QUANTITY,memory=QUANTITY, such as cpu=100m,memory=128Mi";
    let (mut vcpu, mut bytes) = (None, None);
    for part in text.split(',') {
        let (name, value) = part.split_once('=').ok_or(allowed)?;
        let value =
            quantity(value).ok_or_else(|| format!("`{value}` is no quantity; {allowed}"))?;
        let slot = match name {
            "cpu" => &mut vcpu,
            "memory" => &mut bytes,
            other => return Err(format!("`{other}` is not known; {allowed}")),
        };
        if slot.replace(value).is_some() {
            return Err(format!("{name} is given twice; {allowed}"));
        }
    }
    let (vcpu, bytes) = vcpu.zip(bytes).ok_or(allowed)?;
    let gib = bytes / f64::from(1 << 30);
    Ok(Resources { vcpu, gib })
}

/// A quantity in cores or bytes (`k8s.io/apimachinery/pkg/api/resource`), of those that a request would have.
fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 10] = [
        ("Ki", 1_024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("", 1.0),
    ];
    let (number, scale) = SUFFIXES
        .into_iter()
        .find_map(|(suffix, scale)| Some((text.strip_suffix(suffix)?, scale)))?;
    let is_plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let number: f64 = number.parse().ok().filter(|_| is_plain)?;
    Some(number * scale)
}

/// Whether a path is that of a file, and not the word of a preset.
pub(super) fn is_file(value: &str) -> bool {
    value.contains(['/', '.']) || Path::new(value).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        let rows = [
            ("100m", Some(0.1)),
            ("2", Some(2.0)),
            ("0.5", Some(0.5)),
            ("128Mi", Some(134_217_728.0)),
            ("1Gi", Some(1_073_741_824.0)),
            ("1G", Some(1e9)),
            ("", None),
            ("m", None),
            ("-1", None),
            ("1e3", None),
            ("inf", None),
            ("NaN", None),
            ("1Mib", None),
        ];
        for (text, expected) in rows {
            assert_eq!(quantity(text), expected, "{text:?}");
        }
    }

    #[test]
    fn requests() {
        let rows = [
            (
                "cpu=100m,memory=128Mi",
                Ok(Resources {
                    vcpu: 0.1,
                    gib: 0.125,
                }),
            ),
            (
                "memory=1Gi,cpu=2",
                Ok(Resources {
                    vcpu: 2.0,
                    gib: 1.0,
                }),
            ),
            (
                "cpu=100m",
                Err("allowed: cpu=QUANTITY,memory=QUANTITY, such as cpu=100m,memory=128Mi"),
            ),
            ("cpu=1,cpu=2", Err("cpu is given twice")),
            ("cpu=x,memory=1", Err("`x` is no quantity")),
            ("disk=1", Err("`disk` is not known")),
            ("", Err("allowed: ")),
        ];
        for (text, expected) in rows {
            match (resources(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(found), Err(expected)) => {
                    assert!(found.starts_with(expected), "{text}: {found}");
                }
                (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
            }
        }
    }
}
