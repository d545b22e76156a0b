//! The settings of `meshmode serve`: flags, each with a twin in the environment.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::checks::Service;
use super::limits::Limits;
use crate::cluster::connect::Choice;
use crate::telemetry::logs::{self, LogFormat};
use crate::webhook::server::{HEAD, IDLE, Patience};

/// The settings of the server. Each flag has a twin in the environment.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The configuration, read again when it changes; without it the embedded default
    #[arg(long, env = "MESHMODE_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where the webhook is served, over HTTPS
    #[arg(
        long,
        env = "MESHMODE_LISTEN",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8443"
    )]
    pub(super) listen: SocketAddr,
    /// Where /livez, /readyz, /metrics and /version are served, over plain HTTP
    #[arg(
        long,
        env = "MESHMODE_STATUS_LISTEN",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8080"
    )]
    pub(super) status_listen: SocketAddr,
    /// The serving certificate (PEM, a chain begins with the leaf), read again when it changes
    #[arg(
        long,
        env = "MESHMODE_TLS_CERT",
        value_name = "FILE",
        default_value = "certs/tls.crt"
    )]
    pub(super) tls_cert: PathBuf,
    /// The key of the certificate (PEM), read again when it changes
    #[arg(
        long,
        env = "MESHMODE_TLS_KEY",
        value_name = "FILE",
        default_value = "certs/tls.key"
    )]
    pub(super) tls_key: PathBuf,
    /// CAs (PEM) of which every client must show a certificate, read again when they change; without it clients show none
    #[arg(long, env = "MESHMODE_TLS_CLIENT_CA", value_name = "FILE")]
    pub(super) tls_client_ca: Option<PathBuf>,
    /// A name that a client's certificate must have, as common name or DNS name; may be given several times
    #[arg(
        long,
        env = "MESHMODE_TLS_CLIENT_NAME",
        value_name = "NAME",
        value_delimiter = ',',
        requires = "tls_client_ca"
    )]
    pub(super) tls_client_name: Vec<String>,
    /// The Service that the webhook configurations call: their caBundles are compared with the certificate
    #[arg(
        long,
        env = "MESHMODE_SERVICE",
        value_name = "NAMESPACE/NAME",
        default_value = "meshmode-system/meshmode"
    )]
    pub(super) service: Service,
    /// How often the server looks at its certificate, its listener and its caBundles
    #[arg(long, env = "MESHMODE_SELF_CHECK_INTERVAL", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    pub(super) self_check_interval: Duration,
    /// How long a TLS handshake may take
    #[arg(long, env = "MESHMODE_HANDSHAKE_TIMEOUT", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    pub(super) handshake_timeout: Duration,
    /// How long the server answers on when it is asked to end: its clients need time to learn that it does
    #[arg(long, env = "MESHMODE_SHUTDOWN_DELAY", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    pub(super) shutdown_delay: Duration,
    /// How long reviews in flight may take after that
    #[arg(long, env = "MESHMODE_SHUTDOWN_TIMEOUT", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    pub(super) shutdown_timeout: Duration,
    #[command(flatten)]
    pub(super) limits: Limits,
    /// How often the files are looked at
    #[arg(long, env = "MESHMODE_RELOAD_INTERVAL", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "2s")]
    pub(super) reload_interval: Duration,
    /// Whether facts about the cluster are asked for: auto does where --kubeconfig is given or a ServiceAccount is mounted
    #[arg(long, env = "MESHMODE_CLUSTER", value_enum, default_value_t = Choice::Auto)]
    pub(super) cluster: Choice,
    /// The cluster to ask, where meshmode does not run in it; its current context is used
    #[arg(long, env = "MESHMODE_KUBECONFIG", value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The namespace that Istio is installed in, with ConfigMap `istio`
    #[arg(
        long,
        env = "MESHMODE_ISTIO_NAMESPACE",
        value_name = "NAMESPACE",
        default_value = "istio-system"
    )]
    pub(super) istio_namespace: String,
    /// The form of log lines
    #[arg(long, env = "MESHMODE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
    /// The level of the log (error, warn, info, debug, trace) or a filter such as meshmode=debug
    #[arg(
        long,
        env = "MESHMODE_LOG_LEVEL",
        value_name = "FILTER",
        value_parser = logs::filter,
        default_value = "info"
    )]
    pub(super) log_level: String,
}

impl Args {
    pub(super) fn patience(&self) -> Patience {
        Patience {
            handshake: self.handshake_timeout,
            head: HEAD,
            idle: IDLE,
            delay: self.shutdown_delay,
            shutdown: self.shutdown_timeout,
        }
    }
}

impl fmt::Display for Args {
    /// All settings, as they would be written on a command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = |duration: Duration| humantime::format_duration(duration).to_string();
        let optional = |name: &str, path: &Option<PathBuf>| {
            path.as_ref()
                .map(|path| format!("{name} {} ", path.display()))
                .unwrap_or_default()
        };
        let names = self.tls_client_name.iter();
        let names: String = names
            .map(|name| format!("--tls-client-name {name} "))
            .collect();
        write!(
            f,
            "{}--listen {} --status-listen {} --tls-cert {} --tls-key {} {}{}--service {} \
             --self-check-interval {} --handshake-timeout {} --shutdown-delay {} \
             --shutdown-timeout {} {} --reload-interval {} --cluster {} {}--istio-namespace {} \
             --log-format {} --log-level {}",
            optional("--config", &self.config),
            self.listen,
            self.status_listen,
            self.tls_cert.display(),
            self.tls_key.display(),
            optional("--tls-client-ca", &self.tls_client_ca),
            names,
            self.service,
            duration(self.self_check_interval),
            duration(self.handshake_timeout),
            duration(self.shutdown_delay),
            duration(self.shutdown_timeout),
            self.limits,
            duration(self.reload_interval),
            self.cluster,
            optional("--kubeconfig", &self.kubeconfig),
            self.istio_namespace,
            self.log_format,
            self.log_level,
        )
    }
}
