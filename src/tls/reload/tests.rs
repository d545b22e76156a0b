//! Rotation as the kubelet, cert-manager and a person with two `cp`s do it, seen by real handshakes.

use std::fs;

use rustls::version::TLS13;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::config::watch::kubelet::Volume;
use crate::tls::testing::{client_config, handshake, issued, pair};
use crate::tls::{Issued, server_config};

const INTERVAL: Duration = Duration::from_secs(10);

/// A watched pair: its files are under the test's control, its outcomes come one by one.
struct Watched {
    pair: Arc<ReloadingPair>,
    outcomes: UnboundedReceiver<String>,
    _task: JoinSet<Infallible>,
}

impl Watched {
    fn new(certificate: PathBuf, key: PathBuf) -> Self {
        let pair = Arc::new(ReloadingPair::load(certificate.clone(), key.clone()).unwrap());
        let (send, outcomes) = unbounded_channel();
        let mut task = JoinSet::new();
        let watch = watch_pair(
            Arc::clone(&pair),
            certificate,
            key,
            INTERVAL,
            move |outcome| {
                send.send(told(outcome)).unwrap();
            },
        );
        task.spawn(watch);
        Self {
            pair,
            outcomes,
            _task: task,
        }
    }

    /// The next outcome, which must come with the next tick (the clock is paused: no waiting).
    async fn outcome(&mut self) -> String {
        let outcome = timeout(INTERVAL * 2, self.outcomes.recv()).await;
        outcome
            .unwrap_or_else(|_| panic!("no outcome in time"))
            .unwrap()
    }

    async fn assert_quiet(&mut self) {
        let outcome = timeout(INTERVAL * 6, self.outcomes.recv()).await;
        assert!(outcome.is_err(), "nothing happened, yet: {outcome:?}");
    }

    /// A new handshake is served, with the leaf of this issue.
    async fn assert_serves(&self, issue: &Issued) {
        let server = Arc::new(server_config(Arc::clone(&self.pair), None).unwrap());
        let client = client_config(&issue.authority.cert_pem, &TLS13, &["http/1.1"]);
        let (_, client) = handshake(server, client).await.unwrap();
        let served = client.get_ref().1.peer_certificates().unwrap();
        assert_eq!(served, pair(issue).chain());
    }
}

fn told(outcome: &ReloadOutcome) -> String {
    match outcome {
        ReloadOutcome::Swapped { .. } => "swapped".to_owned(),
        ReloadOutcome::Unchanged => "unchanged".to_owned(),
        ReloadOutcome::KeptLastGood(ReloadError::Unusable(error)) => format!("unusable: {error:?}"),
        ReloadOutcome::KeptLastGood(ReloadError::Unreadable(_)) => "unreadable".to_owned(),
    }
}

fn files(issue: &Issued) -> [(&'static str, &[u8]); 2] {
    [
        ("tls.crt", issue.leaf.cert_pem.as_bytes()),
        ("tls.key", issue.leaf.key_pem.as_bytes()),
    ]
}

fn reload(pair: &ReloadingPair, certificate: &Issued, key: &Issued) -> ReloadOutcome {
    pair.reload(
        certificate.leaf.cert_pem.as_bytes(),
        key.leaf.key_pem.as_bytes(),
    )
}

#[test]
fn a_reload_swaps_only_for_another_pair_that_can_be_served() {
    let (one, two) = (issued(), issued());
    let reloading = ReloadingPair::new(pair(&one));
    assert!(matches!(
        reload(&reloading, &one, &one),
        ReloadOutcome::Unchanged
    ));
    let ReloadOutcome::KeptLastGood(error) = reload(&reloading, &two, &one) else {
        panic!("a mismatch was served");
    };
    assert!(matches!(
        error,
        ReloadError::Unusable(PairError::KeyMismatch)
    ));
    assert!(reloading.current().is_same_as(&pair(&one)));
    let ReloadOutcome::Swapped { previous, current } = reload(&reloading, &two, &two) else {
        panic!("a new pair was not served");
    };
    assert!(previous.is_same_as(&pair(&one)) && current.is_same_as(&pair(&two)));
    assert!(reloading.current().is_same_as(&pair(&two)));
}

#[tokio::test(start_paused = true)]
async fn every_swap_of_the_kubelet_is_served_and_garbage_is_not() {
    let (one, two, three) = (issued(), issued(), issued());
    let mut volume = Volume::new(&files(&one));
    let mut watched = Watched::new(volume.path("tls.crt"), volume.path("tls.key"));
    assert_eq!(
        watched.outcome().await,
        "unchanged",
        "the first reading is said"
    );
    watched.assert_serves(&one).await;

    volume.swap(&files(&two));
    assert_eq!(watched.outcome().await, "swapped");
    watched.assert_serves(&two).await;

    volume.swap(&[("tls.crt", b"garbage"), ("tls.key", b"garbage")]);
    assert_eq!(watched.outcome().await, "unusable: Pem(NoCertificate)");
    watched.assert_serves(&two).await;
    watched.assert_quiet().await;

    volume.swap(&files(&three));
    assert_eq!(watched.outcome().await, "swapped");
    watched.assert_serves(&three).await;

    volume.swap(&files(&three));
    watched.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_goes_and_comes_back_is_said_once_each() {
    let one = issued();
    let mut volume = Volume::new(&files(&one));
    let mut watched = Watched::new(volume.path("tls.crt"), volume.path("tls.key"));
    assert_eq!(watched.outcome().await, "unchanged");
    volume.swap(&[]);
    assert_eq!(watched.outcome().await, "unreadable");
    watched.assert_quiet().await;
    watched.assert_serves(&one).await;
    volume.swap(&files(&one));
    assert_eq!(watched.outcome().await, "unchanged", "clears the alarm");
    watched.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_before_its_certificate_is_served_once_both_are_there() {
    let (one, two) = (issued(), issued());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let copy = |(name, content): (&str, &[u8])| fs::write(path(name), content).unwrap();
    files(&one).into_iter().for_each(copy);
    let mut watched = Watched::new(path("tls.crt"), path("tls.key"));
    assert_eq!(watched.outcome().await, "unchanged");

    let [certificate, key] = files(&two);
    copy(key);
    assert_eq!(watched.outcome().await, "unusable: KeyMismatch");
    watched.assert_serves(&one).await;
    copy(certificate);
    assert_eq!(watched.outcome().await, "swapped");
    watched.assert_serves(&two).await;
}

#[tokio::test]
async fn a_connection_outlives_the_pair_that_it_began_with() {
    let (one, two) = (issued(), issued());
    let reloading = Arc::new(ReloadingPair::new(pair(&one)));
    let server = Arc::new(server_config(Arc::clone(&reloading), None).unwrap());
    let client = client_config(&one.authority.cert_pem, &TLS13, &[]);
    let (mut server, mut client) = handshake(server, client).await.unwrap();
    assert!(matches!(
        reload(&reloading, &two, &two),
        ReloadOutcome::Swapped { .. }
    ));
    client.write_all(b"still here").await.unwrap();
    client.flush().await.unwrap();
    let mut heard = [0; 10];
    server.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"still here");
}

#[test]
fn a_first_pair_that_cannot_be_served_is_an_error_with_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let missing = ReloadingPair::load(certificate.clone(), key.clone()).unwrap_err();
    assert!(matches!(missing, LoadError::Unreadable(_)), "{missing:?}");
    fs::write(&certificate, "garbage").unwrap();
    fs::write(&key, "garbage").unwrap();
    let garbage = ReloadingPair::load(certificate.clone(), key).unwrap_err();
    assert!(
        garbage.to_string().contains(certificate.to_str().unwrap()),
        "{garbage}"
    );
    let cause = std::error::Error::source(&garbage).unwrap().to_string();
    assert!(cause.contains("BEGIN CERTIFICATE"), "{cause}");
}

#[test]
fn no_debug_output_shows_a_key() {
    let (one, two) = (issued(), issued());
    let reloading = ReloadingPair::new(pair(&one));
    let outcome = reload(&reloading, &two, &two);
    let debug = format!("{reloading:?} {outcome:?} {two:?}");
    assert!(!debug.contains("PRIVATE"), "{debug}");
    let mut secrets = two
        .leaf
        .key_pem
        .lines()
        .chain(two.authority.key_pem.lines());
    assert!(!secrets.any(|line| debug.contains(line)), "{debug}");
}
