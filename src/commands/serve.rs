//! `meshmode serve`: settings, listeners, tasks, and their end.

mod certificates;
mod checks;
mod known;
mod limits;
mod plain;
mod reload;
mod settings;

use std::convert::Infallible;
use std::iter::once;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::certificates::Certificates;
use self::checks::{Bundles, Checks, Told};
use self::known::Known;
use self::plain::Plain;
use self::reload::reload_configuration;
pub use self::settings::Args;
use super::{Outcome, complain_of};
use crate::config::watch::ContentWatch;
use crate::config::{DEFAULT, Problems, read_bytes};
use crate::telemetry::logs;
use crate::telemetry::metrics::Metrics;
use crate::tls::{sha256, warm};
use crate::webhook::active::{Active, Origin};
use crate::webhook::load::Load;
use crate::webhook::router::{App, router};
use crate::webhook::server::worker::{Worker, Workers};
use crate::webhook::server::{Served, serve};
use crate::webhook::status::{self, Readiness, State};

/// More threads would only cost memory: a review takes microseconds.
const MAX_THREADS: NonZero<usize> = NonZero::new(4).unwrap();

/// What accepts connections has few calls in one another.
const STACK: usize = 1 << 20;

/// Serves until it is asked to end.
///
/// # Errors
/// Something that is needed to start is not there, or a task ended that should not.
pub fn run(args: Args) -> anyhow::Result<Outcome> {
    logs::start(args.log_format, &args.log_level)?;
    // Watched from its first reading on: what changes while the rest starts is news too.
    let mut watch = args.config.clone().map(|file| ContentWatch::new([file]));
    let active = match first(watch.as_mut())? {
        Ok(active) => active,
        Err(problems) => {
            complain_of(args.config.as_deref(), &problems);
            return Ok(Outcome::Invalid);
        }
    };
    let threads = std::thread::available_parallelism()
        .unwrap_or(NonZero::<usize>::MIN)
        .min(MAX_THREADS);
    // Reviews have threads of their own: here is what goes on beside them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let workers = Workers::start(threads).context("cannot start the threads for reviews")?;
        let server = Server::bind(args, active, workers).await?;
        let (running, checks) = server.start(watch)?;
        running.until_the_end(checks).await
    })?;
    Ok(Outcome::Done)
}

fn first(watch: Option<&mut ContentWatch<1>>) -> anyhow::Result<Result<Active, Problems>> {
    let Some(watch) = watch else {
        return Ok(active(DEFAULT.as_bytes(), Origin::EmbeddedDefault));
    };
    let [content] = watch.read().context("cannot read the configuration")?;
    Ok(active(&content, Origin::File))
}

/// The configuration with this content, to be put in service.
pub(super) fn active(content: &[u8], origin: Origin) -> Result<Active, Problems> {
    Ok(Active {
        configuration: read_bytes(content)?,
        hash: sha256(content),
        origin,
    })
}

/// All that is needed, in place: nothing below can fail any more.
struct Server {
    args: Args,
    webhook: TcpListener,
    status: TcpListener,
    certificates: Certificates,
    tls: Arc<rustls::ServerConfig>,
    app: App,
    workers: Workers,
    known: Known,
    readiness: Readiness,
}

/// All tasks at work.
struct Running {
    server: JoinSet<()>,
    /// The thread of `server`: what watches bring, and take the main thread for, must not keep a connection waiting.
    _accepting: Worker,
    background: JoinSet<Infallible>,
    /// It serves until the last: whether the process is alive is what is asked while it ends.
    plain: Plain,
    known: Known,
    configuration: Arc<ArcSwap<Active>>,
    stop: watch::Sender<()>,
    readiness: Readiness,
    signals: Signals,
}

impl Server {
    async fn bind(args: Args, active: Active, workers: Workers) -> anyhow::Result<Self> {
        let metrics = Arc::new(Metrics::default());
        let runtimes = once(Handle::current()).chain(workers.handles().cloned());
        metrics.runtimes_are(runtimes.collect());
        let certificates = Certificates::load(&args, &metrics)?;
        let tls = Arc::new(certificates.server_config()?);
        // A cold aws-lc takes tens of milliseconds for its first handshake: nobody should wait for it.
        let warmed = warm(&tls)?;
        metrics.configuration_in_service(&active.hash, active.origin.as_str(), Timestamp::now());
        let known = Known::by(&args).await?;
        let app = App {
            configuration: Arc::new(ArcSwap::from_pointee(active)),
            facts: known.facts(),
            cluster: known.cluster(),
            load: Arc::new(Load::new(args.limits.load(), Arc::clone(&metrics))),
            metrics,
        };
        let webhook = listen(args.listen, "--listen").await?;
        let status = listen(args.status_listen, "--status-listen").await?;
        let (active, pair) = (app.configuration.load_full(), certificates.pair.current());
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            configuration = active.hash,
            source = active.origin.as_str(),
            listen = %webhook.local_addr()?,
            status_listen = %status.local_addr()?,
            certificate = pair.fingerprint(),
            not_after = %pair.not_after(),
            first_handshake = ?warmed,
            settings = %args,
            "starting"
        );
        known.say();
        known.say_what_is_off(&active.configuration);
        Ok(Self {
            args,
            webhook,
            status,
            certificates,
            tls,
            app,
            workers,
            known,
            readiness: Readiness::default(),
        })
    }

    /// Starts all tasks; `watch` has read the configuration in service.
    fn start(self, watch: Option<ContentWatch<1>>) -> anyhow::Result<(Running, Checks)> {
        let (stop, stopped) = watch::channel(());
        let metrics = Arc::clone(&self.app.metrics);
        let configuration = Arc::clone(&self.app.configuration);
        let (patience, interval) = (self.args.patience(), self.args.reload_interval);
        let limits = self.args.limits.or_what_files_allow().server();
        let address = self.webhook.local_addr()?;
        let served = Served {
            tls: self.tls,
            app: router(self.app),
            metrics: Arc::clone(&metrics),
            workers: self.workers,
        };
        let (accepting, webhook) = Worker::of("accept", STACK, self.webhook)
            .context("cannot start the thread that accepts")?;
        let serving = serve(webhook, served, patience, limits, told(stopped));
        let mut server = JoinSet::new();
        server.spawn_on(serving, accepting.handle());
        let plain = status::router(
            self.readiness.clone(),
            Arc::clone(&metrics),
            Arc::clone(&configuration),
        );
        let plain = Plain::start(self.status, plain)?;
        let first = configuration.load().configuration.placement.fields();
        self.known.follow(first);
        let mut background = self.known.watch(&self.args.istio_namespace, &metrics);
        let told = Told::new(self.readiness.clone(), Arc::clone(&metrics));
        let checks = Checks {
            pair: Arc::clone(&self.certificates.pair),
            probe: Arc::clone(&self.certificates.probe),
            address,
            service: self.args.service,
            cluster: self.known.client(),
            interval: self.args.self_check_interval,
            changed: self.certificates.follow(interval, &told, &mut background),
            bundles: Bundles::NotSeen,
            told,
        };
        if let Some(watched) = self.args.config.zip(watch) {
            let known = self.known.clone();
            background.spawn(reload_configuration(
                Arc::clone(&configuration),
                watched,
                interval,
                metrics,
                known,
            ));
        }
        let running = Running {
            server,
            _accepting: accepting,
            background,
            plain,
            known: self.known,
            configuration,
            stop,
            readiness: self.readiness,
            signals: Signals::listen()?,
        };
        Ok((running, checks))
    }
}

impl Running {
    async fn until_the_end(mut self, mut checks: Checks) -> anyhow::Result<()> {
        let known = self.known.clone();
        let filled = async {
            known.filled().await;
            // Nobody is to be sent here before it is known that he would be served.
            checks.look().await;
        };
        let ended = tokio::select! {
            ended = self.ended() => Some(ended),
            () = filled => None,
        };
        match ended {
            Some(ended) => ended?,
            None => {
                let active = self.configuration.load_full();
                self.known.say_what_is_refused(&active.configuration);
                self.background.spawn(checks.run());
                self.readiness.set(State::Ready);
                tracing::info!("ready");
                self.ended().await?;
            }
        }
        self.end().await;
        Ok(())
    }

    /// Ends when it is asked to; an error is the end of a task that should not end.
    async fn ended(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            () = self.signals.asked_to_end() => Ok(()),
            _ = self.server.join_next() => anyhow::bail!("the webhook's server ended by itself"),
            Some(ended) = self.background.join_next() => {
                anyhow::bail!("a task ended by itself: {ended:?}")
            }
            why = self.plain.ended() => {
                anyhow::bail!("the server of the second port ended by itself: {why}")
            }
        }
    }

    async fn end(mut self) {
        self.readiness.set(State::Stopping);
        tracing::info!(
            "asked to end: whoever comes is answered for --shutdown-delay, then this ends; ask again to end at once"
        );
        drop(self.stop);
        tokio::select! {
            _ = self.server.join_next() => tracing::info!("ended"),
            () = self.signals.asked_to_end() => {
                tracing::warn!("ended at once: reviews in flight got no answer");
            }
        }
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
