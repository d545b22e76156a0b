//! Which Prometheus a cluster has, by the names and labels that people's charts give its Service.

use std::fmt;

use k8s_openapi::api::core::v1 as core;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

/// A Service that speaks Prometheus' API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// One of its ports.
    pub port: i32,
    /// How it speaks there.
    pub scheme: Scheme,
    /// What comes before `/api/v1`: `/prometheus` of Mimir.
    pub prefix: String,
}

/// How a port is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In plain text.
    Http,
    /// With TLS.
    Https,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The one that is taken.
    pub service: Service,
    /// Those that are not, in order: people should be told.
    pub others: Vec<Service>,
}

/// Why none was found.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// Services may not be listed, or there is no API server.
    #[error(
        "cannot look for a Prometheus among the Services of the cluster: give --prometheus-url (the right to list services in all \
         namespaces would do, too)"
    )]
    List(#[source] Box<kube::Error>),
    /// No Service looks like one.
    #[error(
        "none of the {services} Services of the cluster looks like a Prometheus (by name: {}; or by the label \
         app.kubernetes.io/name): give --prometheus-url",
        usual()
    )]
    None {
        /// How many there are.
        services: usize,
    },
}

/// The names, the first that is there is taken: one that scrapes before one that collects from others, whose data may
/// be of several clusters. `prometheus-operated` is a second name for what the operator runs.
const NAMES: [&str; 13] = [
    "prometheus-k8s",
    "kube-prometheus-stack-prometheus",
    "prometheus-kube-prometheus-prometheus",
    "prometheus-server",
    "prometheus",
    "prometheus-operated",
    "thanos-query-frontend",
    "thanos-query",
    "thanos-querier",
    "mimir-nginx",
    "mimir-gateway",
    "mimir-query-frontend",
    "vmsingle",
];
/// How charts end a name that begins with the release's.
const ENDINGS: [&str; 3] = [
    "-kube-prometheus-prometheus",
    "-prometheus-server",
    "-kube-prometheus-stack-prometheus",
];
/// What a port is called that speaks the API.
const PORTS: [&str; 6] = [
    "http-web",
    "web",
    "http",
    "http-metrics",
    "https",
    "https-web",
];
/// Else one of these numbers.
const NUMBERS: [i32; 5] = [9090, 80, 10902, 8080, 9091];

/// Looks for one, in all namespaces.
///
/// # Errors
/// There is none, or Services may not be listed.
pub async fn find(kube: &kube::Client) -> Result<Found, DiscoverError> {
    let services: Api<core::Service> = Api::all(kube.clone());
    let listed = services.list(&ListParams::default()).await;
    let listed = listed.map_err(|error| DiscoverError::List(Box::new(error)))?;
    choose(&listed.items)
}

/// Chooses one.
fn choose(all: &[core::Service]) -> Result<Found, DiscoverError> {
    let mut found: Vec<(usize, Service)> = all
        .iter()
        .filter_map(|service| Some((rank(service)?, as_service(service)?)))
        .collect();
    found.sort_by(|(one, a), (other, b)| {
        let by_name = || (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name));
        one.cmp(other).then_with(by_name)
    });
    let mut found = found.into_iter().map(|(_, service)| service);
    let service = found.next().ok_or(DiscoverError::None {
        services: all.len(),
    })?;
    let operated = |other: &Service| {
        other.name == "prometheus-operated" && other.namespace == service.namespace
    };
    let others = found.filter(|other| !operated(other)).collect();
    Ok(Found { service, others })
}

/// Its place in the order; `None` where it is no Prometheus.
fn rank(service: &core::Service) -> Option<usize> {
    let name = service.name_any();
    let by_name = NAMES.iter().position(|usual| *usual == name);
    let by_ending = || {
        let ends = ENDINGS.iter().any(|ending| name.ends_with(ending));
        ends.then_some(NAMES.len())
    };
    let by_label = || {
        let label = service.labels().get("app.kubernetes.io/name")?;
        // The operator, exporters and the like have other values, or another component.
        let component = service.labels().get("app.kubernetes.io/component");
        let is_server = component.is_none_or(|component| {
            ["prometheus", "server", "query", "query-frontend"].contains(&component.as_str())
        });
        let known = ["prometheus", "thanos-query", "thanos-query-frontend"];
        (known.contains(&label.as_str()) && is_server).then_some(NAMES.len() + 1)
    };
    by_name.or_else(by_ending).or_else(by_label)
}

fn as_service(service: &core::Service) -> Option<Service> {
    let ports = service.spec.as_ref()?.ports.as_ref()?;
    let named = |usual: &&str| {
        let mut those = ports.iter();
        those.find(|port| port.name.as_deref() == Some(*usual))
    };
    let numbered = |usual: &i32| ports.iter().find(|port| port.port == *usual);
    let port = PORTS
        .iter()
        .find_map(named)
        .or_else(|| NUMBERS.iter().find_map(numbered))?;
    let encrypted = port
        .name
        .as_deref()
        .is_some_and(|name| name.starts_with("https"))
        || port.app_protocol.as_deref() == Some("https");
    let name = service.name_any();
    let prefix = if name.starts_with("mimir-") {
        "/prometheus"
    } else {
        ""
    };
    Some(Service {
        namespace: service.namespace().unwrap_or_default(),
        name,
        port: port.port,
        scheme: if encrypted {
            Scheme::Https
        } else {
            Scheme::Http
        },
        prefix: prefix.to_owned(),
    })
}

fn usual() -> String {
    NAMES.join(", ")
}

// === impl Service ===

impl Service {
    /// The URL inside of the cluster.
    #[must_use]
    pub fn url(&self) -> String {
        let Self {
            namespace,
            name,
            port,
            prefix,
            ..
        } = self;
        format!("{}://{name}.{namespace}.svc:{port}{prefix}", self.scheme)
    }

    /// The path below the API server, `/` at its end left out.
    pub(super) fn proxy_path(&self) -> String {
        let Self {
            namespace,
            name,
            port,
            prefix,
            ..
        } = self;
        let scheme = self.scheme;
        format!("/api/v1/namespaces/{namespace}/services/{scheme}:{name}:{port}/proxy{prefix}")
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the Service {}/{} port {}",
            self.namespace, self.name, self.port
        )
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

#[cfg(test)]
mod tests;
