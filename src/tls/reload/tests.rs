//! Rotation as the kubelet, cert-manager and a person with two `cp`s do it, seen by real handshakes.

use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};

use rustls::version::TLS13;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::config::watch::kubelet::Volume;
use crate::tls::testing::{NAME, client_config, handshake, issued, pair};
use crate::tls::{Issued, Subjects, Validity, issue, server_config};

const INTERVAL: Duration = Duration::from_secs(10);

/// A watched pair: its files are under the test's control, its outcomes come one by one.
struct Watched {
    pair: Arc<ReloadingPair>,
    outcomes: UnboundedReceiver<String>,
    _task: JoinSet<Infallible>,
}

impl Watched {
    fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self::at(certificate, key, Timestamp::now)
    }

    fn at(
        certificate: PathBuf,
        key: PathBuf,
        clock: impl Fn() -> Timestamp + Send + 'static,
    ) -> Self {
        let pair = Arc::new(ReloadingPair::load(certificate.clone(), key.clone()).unwrap());
        let (send, outcomes) = unbounded_channel();
        let mut task = JoinSet::new();
        let watch = watch_pair(
            Arc::clone(&pair),
            [certificate, key],
            INTERVAL,
            clock,
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
        ReloadOutcome::KeptLastGood(ReloadError::Over { .. }) => "over".to_owned(),
        ReloadOutcome::KeptLastGood(ReloadError::NotYet { .. }) => "not yet".to_owned(),
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
        Timestamp::now(),
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

/// What a step does to the volume, to the clock, and what is said and served after it.
struct Step<'a> {
    name: &'a str,
    volume: Option<&'a [(&'a str, &'a [u8])]>,
    now: &'a str,
    said: Option<&'a str>,
    serves: &'a Issued,
}

#[tokio::test(start_paused = true)]
#[expect(clippy::too_many_lines, reason = "a table has a row each")]
async fn the_last_good_one_serves_as_long_as_it_is_valid() {
    let at = |day: &str| format!("{day}T12:00:00Z").parse::<Timestamp>().unwrap();
    // Each is valid for ten days.
    let (first, older) = (issued_at(at("2030-01-01")), issued_at(at("2029-12-01")));
    let (later, last) = (issued_at(at("2030-01-05")), issued_at(at("2030-01-08")));
    let (of_first, of_older, of_later) = (files(&first), files(&older), files(&later));
    let of_last = files(&last);
    let mixed = [of_later[0], of_first[1]];
    let cut = [("tls.crt", &of_later[0].1[..400]), of_later[1]];
    let garbage: [(&str, &[u8]); 2] = [("tls.crt", b"\0\xff"), ("tls.key", b"")];
    let step = |name, volume, now, said, serves| Step {
        name,
        volume,
        now,
        said,
        serves,
    };
    let steps = [
        step("as it began", None, "2030-01-02", Some("unchanged"), &first),
        step(
            "garbage",
            Some(&garbage),
            "2030-01-02",
            Some("unusable: Pem(NoCertificate)"),
            &first,
        ),
        step(
            "certificate and key of different ages",
            Some(&mixed),
            "2030-01-02",
            Some("unusable: KeyMismatch"),
            &first,
        ),
        step(
            "a certificate that is cut off",
            Some(&cut),
            "2030-01-02",
            Some("unusable: Pem("),
            &first,
        ),
        step(
            "deleted",
            Some(&[]),
            "2030-01-02",
            Some("unreadable"),
            &first,
        ),
        step("it lasts", None, "2030-01-02", None, &first),
        step(
            "back",
            Some(&of_first),
            "2030-01-02",
            Some("unchanged"),
            &first,
        ),
        step(
            "one that is over",
            Some(&of_older),
            "2030-01-02",
            Some("over"),
            &first,
        ),
        step(
            "one of the future",
            Some(&of_later),
            "2030-01-02",
            Some("not yet"),
            &first,
        ),
        step("its time has not come", None, "2030-01-03", None, &first),
        step(
            "its time has come",
            None,
            "2030-01-06",
            Some("swapped"),
            &later,
        ),
        step("the clock jumps back", None, "1970-01-02", None, &later),
        step(
            "and an old one comes, where none is valid",
            Some(&of_first),
            "1970-01-02",
            Some("swapped"),
            &first,
        ),
        step("the clock is right again", None, "2030-01-06", None, &first),
        step(
            "one that is over, once more",
            Some(&of_older),
            "2030-01-06",
            Some("over"),
            &first,
        ),
        step(
            "the one in service ends too",
            None,
            "2030-02-01",
            Some("swapped"),
            &older,
        ),
        step(
            "a good one, while the clock is ahead",
            Some(&of_last),
            "2030-02-01",
            Some("swapped"),
            &last,
        ),
        step(
            "the clock is right again, and the good one serves",
            None,
            "2030-01-09",
            None,
            &last,
        ),
    ];
    let clock = Arc::new(AtomicI64::new(at(steps[0].now).as_second()));
    let seen = Arc::clone(&clock);
    let mut volume = Volume::new(&of_first);
    let now = move || Timestamp::from_second(seen.load(Ordering::SeqCst)).unwrap();
    let mut watched = Watched::at(volume.path("tls.crt"), volume.path("tls.key"), now);
    for step in steps {
        clock.store(at(step.now).as_second(), Ordering::SeqCst);
        if let Some(files) = step.volume {
            volume.swap(files);
        }
        match step.said {
            None => watched.assert_quiet().await,
            Some(expected) => {
                let said = watched.outcome().await;
                assert!(said.starts_with(expected), "{}: {said}", step.name);
            }
        }
        let serves = watched.pair.current();
        assert!(serves.is_same_as(&pair(step.serves)), "{}", step.name);
    }
}

fn issued_at(now: Timestamp) -> Issued {
    let subjects = Subjects::parse([NAME]).unwrap();
    let leaf = Duration::from_hours(240);
    let validity = Validity {
        leaf,
        ..Validity::default()
    };
    issue(&subjects, validity, now).unwrap()
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
fn no_debug_output_and_no_error_shows_a_key() {
    let (one, two) = (issued(), issued());
    let reloading = ReloadingPair::new(pair(&one));
    let outcome = reload(&reloading, &two, &two);
    let watch = ContentWatch::new([PathBuf::new()]);
    let mut debug = format!("{reloading:?} {outcome:?} {two:?} {watch:?}");
    // What the errors say of files in which the key stands where it should not.
    let (cert_pem, key_pem) = (&two.leaf.cert_pem, &two.leaf.key_pem);
    let (cut, twice) = (&key_pem[..key_pem.len() / 2], format!("{key_pem}{key_pem}"));
    for (certificate, key) in [
        (key_pem.as_str(), key_pem.as_str()),
        (key_pem, cert_pem),
        (cert_pem, cut),
        (cert_pem, &twice),
        (cert_pem, &two.authority.key_pem),
    ] {
        let outcome = reloading.reload(certificate.as_bytes(), key.as_bytes(), Timestamp::now());
        let ReloadOutcome::KeptLastGood(error) = &outcome else {
            panic!("{outcome:?}");
        };
        debug.push_str(&format!("{error:?} {error} {outcome:?}"));
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            debug.push_str(&format!("{cause:?} {cause}"));
            source = cause.source();
        }
    }
    assert!(!debug.contains("PRIVATE KEY-----\\n"), "{debug}");
    let mut secrets = two
        .leaf
        .key_pem
        .lines()
        .chain(two.authority.key_pem.lines());
    let is_shown = |line: &str| !line.starts_with("-----") && debug.contains(line);
    assert!(!secrets.any(is_shown), "{debug}");
}
