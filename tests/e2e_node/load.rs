//! Pods created, or reviews sent, at a fixed rate whatever happens to earlier ones, and what became of each.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use kube::Client;
use kube::config::Config;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::site::{LOAD, Site};
use crate::support::request::{Requests, merge, pod, pods};
use crate::support::wait_for;

/// One every 20 ms: 50 a second.
const EVERY: Duration = Duration::from_millis(20);
/// Every so manieth Pod is stored; the others are dry runs.
const STORED: u64 = 10;

/// What became of one.
pub(crate) enum Outcome {
    /// It has a placement.
    Placed,
    /// It was created as if meshmode were not there: its name.
    Unplaced(String),
    /// It was not created, for this reason.
    Failed(String),
}

/// What became of all.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    /// Their names.
    pub(crate) unplaced: Vec<String>,
    pub(crate) failures: Vec<String>,
    /// How long the answers took.
    took: Vec<Duration>,
}

/// A load that runs until [`Load::stop`].
pub(crate) struct Load {
    tally: Arc<watch::Sender<Tally>>,
    /// The one that sends; it gives those that wait for answers.
    sending: JoinSet<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

// === impl Load ===

impl Load {
    /// Creates Pods that no scheduler takes, through the API server.
    pub(crate) fn of_pods(site: &Site) -> Self {
        static LOADS: AtomicUsize = AtomicUsize::new(0);
        let load = LOADS.fetch_add(1, Ordering::Relaxed);
        let client = site.cluster.client_that_tries_once();
        Self::start(move |number| create(client.clone(), format!("load-{load}-{number}"), number))
    }

    /// Sends recorded reviews of Pods in the namespace `shop` to the Service, in the API server's place.
    pub(crate) async fn of_reviews(site: &Site) -> Self {
        let client = reviewer(site).await;
        Self::start(move |_| review(client.clone()))
    }

    fn start<F>(send: impl Fn(u64) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let tally = Arc::new(watch::Sender::new(Tally::default()));
        let (stop, stopped) = watch::channel(false);
        let into = Arc::clone(&tally);
        let mut sending = JoinSet::new();
        sending.spawn(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut sent = JoinSet::new();
            for number in 0.. {
                ticks.tick().await;
                if *stopped.borrow() {
                    break;
                }
                let (answer, into) = (send(number), Arc::clone(&into));
                sent.spawn(async move {
                    let start = Instant::now();
                    let outcome = answer.await;
                    into.send_modify(|tally| tally.add(outcome, start.elapsed()));
                });
            }
            sent
        });
        Self {
            tally,
            sending,
            stop,
        }
    }

    /// Waits until so many more were answered.
    pub(crate) async fn more(&self, count: usize) {
        let enough = self.tally.borrow().sent + count;
        wait_for("more answers", Duration::from_secs(60), async || {
            let seen = self.tally.borrow();
            (seen.sent >= enough)
                .then_some(())
                .ok_or_else(|| seen.to_string())
        })
        .await;
    }

    /// Sends no more, waits for the answers to what was sent, and gives what became of all.
    pub(crate) async fn stop(self) -> Tally {
        self.stop.send_replace(true);
        for waiting in self.sending.join_all().await {
            waiting.join_all().await;
        }
        self.tally.send_replace(Tally::default())
    }
}

async fn create(client: Requests, name: String, number: u64) -> Outcome {
    let mut pod = pod(&name, &json!({}));
    merge(&mut pod["spec"], &json!({"schedulerName": "none"}));
    let dry_run = if number.is_multiple_of(STORED) {
        ""
    } else {
        "?dryRun=All"
    };
    let path = format!("{}{dry_run}", pods(LOAD));
    let reply = client
        .try_send(Method::POST, &path, "application/json", &pod)
        .await;
    match reply {
        Ok(reply) if reply.code != 201 => Outcome::Failed(reply.body["message"].to_string()),
        Ok(reply) if reply.labels()["istio.io/dataplane-mode"] == "ambient" => Outcome::Placed,
        Ok(_) => Outcome::Unplaced(name),
        Err(error) => Outcome::Failed(format!("{error:?}")),
    }
}

/// A client of the Service's address that believes the deployed certificate.
async fn reviewer(site: &Site) -> Client {
    let path = "/api/v1/namespaces/meshmode-system/services/meshmode";
    let service = site.cluster.get(path).await;
    let address = service.created()["spec"]["clusterIP"].as_str().unwrap();
    let mut config = Config::new(format!("https://{address}").parse().unwrap());
    let ca = CertificateDer::from_pem_slice(site.ca().as_bytes()).unwrap();
    config.root_cert = Some(vec![ca.to_vec()]);
    config.tls_server_name = Some("meshmode.meshmode-system.svc".to_owned());
    config.default_retry = false;
    config.proxy_url = None;
    Client::try_from(config).unwrap()
}

async fn review(client: Client) -> Outcome {
    let body = include_bytes!("../data/reviews/pod-usual.json").to_vec();
    let request = http::Request::post("/mutate/pods?timeout=3s")
        .header("content-type", "application/json")
        .body(body);
    match client.request::<Value>(request.unwrap()).await {
        Ok(answer) if answer["response"]["patch"].is_string() => Outcome::Placed,
        Ok(answer) if answer["response"]["allowed"] == true => {
            Outcome::Unplaced(answer.to_string())
        }
        Ok(answer) => Outcome::Failed(answer.to_string()),
        Err(error) => Outcome::Failed(format!("{error:?}")),
    }
}

// === impl Tally ===

impl Tally {
    fn add(&mut self, outcome: Outcome, took: Duration) {
        self.sent += 1;
        self.took.push(took);
        match outcome {
            Outcome::Placed => {}
            Outcome::Unplaced(name) => self.unplaced.push(name),
            Outcome::Failed(why) => self.failures.push(why),
        }
    }

    /// How long the answer took that is the slowest but for `beyond` in 1000.
    fn quantile(&self, beyond: usize) -> f64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        let place = (took.len() * (1000 - beyond) / 1000).min(took.len().saturating_sub(1));
        took.get(place).map_or(f64::NAN, Duration::as_secs_f64) * 1000.0
    }

    /// None failed, and all have a placement.
    #[track_caller]
    pub(crate) fn is_whole(&self) {
        assert!(
            self.failures.is_empty() && self.unplaced.is_empty(),
            "{self}"
        );
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sent, {} failed, {} without placement; median {:.1} ms, 99 % {:.1} ms, all {:.1} ms",
            self.sent,
            self.failures.len(),
            self.unplaced.len(),
            self.quantile(500),
            self.quantile(10),
            self.quantile(0),
        )
    }
}
