//! `meshmode serve`: settings, listeners, tasks, and their end.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Outcome, complain_of, configuration};
use crate::config::watch::{ContentWatch, ReadError};
use crate::config::{Configuration, Problems, read};
use crate::telemetry::logs::{self, LogFormat};
use crate::telemetry::metrics::{Metrics, Reload, Reloaded};
use crate::tls::{ReloadOutcome, ReloadingPair, server_config, warm, watch_pair};
use crate::webhook::router::{App, router};
use crate::webhook::server::{IDLE, Patience, serve};
use crate::webhook::status::{self, Readiness, State};

/// The settings of the server. Each flag has a twin in the environment.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The configuration, read again when it changes; without it the embedded default
    #[arg(long, env = "MESHMODE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the webhook is served, over HTTPS
    #[arg(
        long,
        env = "MESHMODE_LISTEN",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8443"
    )]
    listen: SocketAddr,
    /// Where /livez, /readyz, /metrics and /version are served, over plain HTTP
    #[arg(
        long,
        env = "MESHMODE_STATUS_LISTEN",
        value_name = "ADDRESS",
        default_value = "0.0.0.0:8080"
    )]
    status_listen: SocketAddr,
    /// The serving certificate (PEM, a chain begins with the leaf), read again when it changes
    #[arg(
        long,
        env = "MESHMODE_TLS_CERT",
        value_name = "FILE",
        default_value = "certs/tls.crt"
    )]
    tls_cert: PathBuf,
    /// The key of the certificate (PEM), read again when it changes
    #[arg(
        long,
        env = "MESHMODE_TLS_KEY",
        value_name = "FILE",
        default_value = "certs/tls.key"
    )]
    tls_key: PathBuf,
    /// CAs (PEM) of which every client must show a certificate; without it clients show none
    #[arg(long, env = "MESHMODE_TLS_CLIENT_CA", value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// How long a TLS handshake may take
    #[arg(long, env = "MESHMODE_HANDSHAKE_TIMEOUT", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    handshake_timeout: Duration,
    /// How long reviews in flight may take when the server is asked to end
    #[arg(long, env = "MESHMODE_SHUTDOWN_TIMEOUT", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    shutdown_timeout: Duration,
    /// How often the files are looked at
    #[arg(long, env = "MESHMODE_RELOAD_INTERVAL", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "2s")]
    reload_interval: Duration,
    /// The form of log lines
    #[arg(long, env = "MESHMODE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// The level of the log (error, warn, info, debug, trace) or a filter such as meshmode=debug
    #[arg(
        long,
        env = "MESHMODE_LOG_LEVEL",
        value_name = "FILTER",
        value_parser = logs::filter,
        default_value = "info"
    )]
    log_level: String,
}

/// More threads would only cost memory: a review takes microseconds.
const MAX_THREADS: usize = 4;

/// Serves until it is asked to end.
///
/// # Errors
/// Something that is needed to start is not there, or a task ended that should not.
pub fn run(args: Args) -> anyhow::Result<Outcome> {
    logs::start(args.log_format, &args.log_level)?;
    // Watched from its first reading on: what changes while the rest starts is news too.
    let mut watch = args.config.clone().map(|file| ContentWatch::new([file]));
    let configuration = match first(watch.as_mut())? {
        Ok(configuration) => configuration,
        Err(problems) => {
            complain_of(args.config.as_deref(), &problems);
            return Ok(Outcome::Invalid);
        }
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()?;
    runtime.block_on(async { Server::bind(args, configuration).await?.run(watch).await })?;
    Ok(Outcome::Done)
}

fn first(watch: Option<&mut ContentWatch<1>>) -> anyhow::Result<Result<Configuration, Problems>> {
    let Some(watch) = watch else {
        return configuration(None);
    };
    let [content] = watch.read().context("cannot read the configuration")?;
    let text = std::str::from_utf8(&content).context("the configuration is not UTF-8")?;
    Ok(read(text))
}

/// All that is needed, in place: nothing below can fail any more.
struct Server {
    args: Args,
    webhook: TcpListener,
    status: TcpListener,
    pair: Arc<ReloadingPair>,
    tls: Arc<rustls::ServerConfig>,
    app: App,
    readiness: Readiness,
}

impl Server {
    async fn bind(args: Args, configuration: Configuration) -> anyhow::Result<Self> {
        let pair = ReloadingPair::load(args.tls_cert.clone(), args.tls_key.clone()).context(
            "there is no certificate to serve with; `meshmode certs` makes one for development",
        )?;
        let pair = Arc::new(pair);
        let client_ca = args.tls_client_ca.as_ref().map(|path| {
            std::fs::read(path)
                .with_context(|| format!("cannot read the client CA {}", path.display()))
        });
        let tls = Arc::new(server_config(
            Arc::clone(&pair),
            client_ca.transpose()?.as_deref(),
        )?);
        // A cold aws-lc takes tens of milliseconds for its first handshake: nobody should wait for it.
        let warmed = warm(&tls)?;
        let metrics = Arc::new(Metrics::default());
        metrics.certificate_ends(pair.current().not_after());
        let app = App {
            configuration: Arc::new(ArcSwap::from_pointee(configuration)),
            metrics,
        };
        let webhook = listen(args.listen, "--listen").await?;
        let status = listen(args.status_listen, "--status-listen").await?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            listen = %webhook.local_addr()?,
            status_listen = %status.local_addr()?,
            certificate = pair.current().fingerprint(),
            not_after = %pair.current().not_after(),
            first_handshake = ?warmed,
            settings = %args,
            "starting"
        );
        say_what_is_off(&app.configuration.load());
        Ok(Self {
            args,
            webhook,
            status,
            pair,
            tls,
            app,
            readiness: Readiness::default(),
        })
    }

    async fn run(self, watch: Option<ContentWatch<1>>) -> anyhow::Result<()> {
        let Self {
            args,
            webhook,
            status,
            pair,
            tls,
            app,
            readiness,
        } = self;
        let (stop, stopped) = watch::channel(());
        let metrics = Arc::clone(&app.metrics);
        let configuration = Arc::clone(&app.configuration);
        let mut tasks = JoinSet::new();
        let patience = args.patience();
        tasks.spawn(serve(
            webhook,
            tls,
            router(app),
            Arc::clone(&metrics),
            patience,
            told(stopped),
        ));
        let plain = axum::serve(
            status,
            status::router(readiness.clone(), Arc::clone(&metrics)),
        );
        // Answers to the last: whether it is still alive is what is asked while it ends.
        let mut background = JoinSet::new();
        background.spawn(async move { plain.await.err() });
        background.spawn(reload_pair(pair, args.clone(), Arc::clone(&metrics)));
        if let Some((file, watch)) = args.config.zip(watch) {
            background.spawn(reload_configuration(
                configuration,
                file,
                watch,
                args.reload_interval,
                metrics,
            ));
        }
        let mut signals = Signals::listen()?;
        readiness.set(State::Ready);
        tracing::info!("ready");
        tokio::select! {
            () = signals.asked_to_end() => {}
            _ = tasks.join_next() => anyhow::bail!("the webhook's server ended by itself"),
            Some(ended) = background.join_next() => anyhow::bail!("a task ended by itself: {ended:?}"),
        }
        readiness.set(State::Stopping);
        tracing::info!(
            "asked to end: reviews in flight are answered, then this ends; ask again to end at once"
        );
        drop(stop);
        tokio::select! {
            _ = tasks.join_next() => tracing::info!("ended"),
            () = signals.asked_to_end() => tracing::warn!("ended at once: reviews in flight got no answer"),
        }
        Ok(())
    }
}

async fn listen(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; {flag} says where"))
}

/// Ends when the other side of `stop` is dropped.
async fn told(mut stop: watch::Receiver<()>) {
    while stop.changed().await.is_ok() {}
}

/// SIGTERM and SIGINT, listened for before the server says that it is ready, so that none is missed.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn asked_to_end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn say_what_is_off(configuration: &Configuration) {
    for rule in configuration.placement.off() {
        tracing::warn!(
            rule,
            "a rule is off: it reads facts that only a connection to a cluster gives"
        );
    }
}

async fn reload_pair(
    pair: Arc<ReloadingPair>,
    args: Args,
    metrics: Arc<Metrics>,
) -> Option<std::io::Error> {
    let never = watch_pair(
        pair,
        args.tls_cert,
        args.tls_key,
        args.reload_interval,
        |outcome| match outcome {
            ReloadOutcome::Swapped { current, .. } => {
                metrics.reloaded(Reloaded::Certificate, Reload::Done);
                metrics.certificate_ends(current.not_after());
                let (certificate, not_after) = (current.fingerprint(), current.not_after());
                tracing::info!(certificate, %not_after, "serving with a new certificate");
            }
            ReloadOutcome::Unchanged => {}
            ReloadOutcome::KeptLastGood(error) => {
                metrics.reloaded(Reloaded::Certificate, Reload::KeptLastGood);
                let error = logs::chain(error);
                tracing::error!(
                    error,
                    "the certificate on disk cannot be served: the last good one stays in service"
                );
            }
        },
    );
    match never.await {}
}

async fn reload_configuration(
    current: Arc<ArcSwap<Configuration>>,
    file: PathBuf,
    watch: ContentWatch<1>,
    interval: Duration,
    metrics: Arc<Metrics>,
) -> Option<std::io::Error> {
    let never = watch.run(interval, |content| match reread(content) {
        Ok(configuration) => {
            metrics.reloaded(Reloaded::Configuration, Reload::Done);
            tracing::info!(file = %file.display(), "a new configuration is in service");
            say_what_is_off(&configuration);
            current.store(Arc::new(configuration));
        }
        Err(problems) => {
            metrics.reloaded(Reloaded::Configuration, Reload::KeptLastGood);
            let problems = logs::chain(&*problems);
            tracing::error!(file = %file.display(), problems, "the configuration on disk has mistakes: the last good one stays in service");
        }
    });
    match never.await {}
}

fn reread(content: Result<[Vec<u8>; 1], ReadError>) -> anyhow::Result<Configuration> {
    let [content] = content?;
    Ok(read(std::str::from_utf8(&content)?)?)
}

impl Args {
    fn patience(&self) -> Patience {
        Patience {
            handshake: self.handshake_timeout,
            idle: IDLE,
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
        write!(
            f,
            "{}--listen {} --status-listen {} --tls-cert {} --tls-key {} {}--handshake-timeout {} \
             --shutdown-timeout {} --reload-interval {} --log-format {} --log-level {}",
            optional("--config", &self.config),
            self.listen,
            self.status_listen,
            self.tls_cert.display(),
            self.tls_key.display(),
            optional("--tls-client-ca", &self.tls_client_ca),
            duration(self.handshake_timeout),
            duration(self.shutdown_timeout),
            duration(self.reload_interval),
            self.log_format,
            self.log_level,
        )
    }
}
