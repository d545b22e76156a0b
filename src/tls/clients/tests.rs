//! Who is let in, who is not, and what is said of him.

use std::sync::Mutex;

use rcgen::{CertificateParams, DnType, PKCS_ECDSA_P256_SHA256};
use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

use super::*;
use crate::config::watch::kubelet::Volume;
use crate::tls::testing::{
    TestCa, client_config, client_config_with, handshake, issued, key, pair, pem_section,
};
use crate::tls::{Issued, Probe, ReloadingPair, server_config};

/// Which names are let in, and the common name and DNS names that are shown.
type Shown<'a> = (
    &'a str,
    &'a [&'a str],
    &'static str,
    &'static [&'static str],
    Result<(), &'a str>,
);

/// What the volume holds, and the outcome of that.
type Content<'a> = (&'a str, &'a [(&'a str, &'a [u8])], &'a str);

/// A listener that asks for certificates, and whom it refused.
struct Guarded {
    issue: Issued,
    clients: Arc<Clients>,
    server: Arc<ServerConfig>,
    refused: Arc<Mutex<Vec<String>>>,
}

impl Guarded {
    fn new(ca_pem: &str, names: &[&str]) -> Self {
        let refused = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&refused);
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let tell = move |client: &RefusedClient| {
            let said = format!("{}: {}", client.why.as_str(), client.names.join(", "));
            told.lock().unwrap().push(said);
        };
        let probe = Probe::new().unwrap().certificate();
        let clients = Arc::new(Clients::new(ca_pem.as_bytes(), names, probe, tell).unwrap());
        let issue = issued();
        let pair = Arc::new(ReloadingPair::new(pair(&issue)));
        let server = server_config(pair, Some(Arc::clone(&clients))).unwrap();
        Self {
            issue,
            clients,
            server: Arc::new(server),
            refused,
        }
    }

    /// Whether a client of `ca` is let in, by both versions, and else what was said of it.
    async fn lets_in(
        &self,
        ca: &TestCa,
        bend: impl Fn(&mut CertificateParams),
    ) -> Result<(), String> {
        let key = key(&PKCS_ECDSA_P256_SHA256);
        let certificate = ca.bent_leaf(&key, bend);
        let mut results = Vec::new();
        for version in [&TLS12, &TLS13] {
            let ca_pem = &self.issue.authority.cert_pem;
            let client = client_config_with(ca_pem, version, &certificate, &key.serialize_pem());
            let shaken = handshake(Arc::clone(&self.server), client).await;
            let said = self.refused.lock().unwrap().pop();
            results.push(match (shaken.is_ok(), said) {
                (true, None) => Ok(()),
                (false, Some(said)) => Err(said),
                (shaken, said) => panic!("let in: {shaken}, and told: {said:?}"),
            });
        }
        assert_eq!(results[0], results[1], "both versions");
        results.remove(0)
    }
}

fn named(common: &'static str, dns: &'static [&'static str]) -> impl Fn(&mut CertificateParams) {
    move |params| {
        *params =
            CertificateParams::new(dns.iter().copied().map(str::to_owned).collect::<Vec<_>>())
                .unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
    }
}

#[tokio::test]
async fn the_name_must_be_one_of_those_that_are_given() {
    let ca = TestCa::new();
    let allowed = ["kube-apiserver", "apiserver.example.com"];
    let rows: [Shown<'_>; 7] = [
        ("any name where none is given", &[], "anybody", &[], Ok(())),
        ("the common name", &allowed, "kube-apiserver", &[], Ok(())),
        (
            "a DNS name",
            &allowed,
            "somebody",
            &["a.example.com", "apiserver.example.com"],
            Ok(()),
        ),
        (
            "another common name",
            &allowed,
            "kubelet",
            &[],
            Err("other-name: kubelet"),
        ),
        (
            "other names",
            &allowed,
            "kubelet",
            &["node-1"],
            Err("other-name: kubelet, node-1"),
        ),
        (
            "a part of a name",
            &allowed,
            "kube-apiserver.evil",
            &["evil.apiserver.example.com"],
            Err("other-name: kube-apiserver.evil, evil.apiserver.example.com"),
        ),
        (
            "another case",
            &allowed,
            "Kube-Apiserver",
            &[],
            Err("other-name: Kube-Apiserver"),
        ),
    ];
    for (name, names, common, dns, expected) in rows {
        let guarded = Guarded::new(&ca.pem(), names);
        let seen = guarded.lets_in(&ca, named(common, dns)).await;
        assert_eq!(seen, expected.map_err(str::to_owned), "{name}");
    }
}

#[tokio::test]
async fn the_certificate_must_be_of_the_cas_and_valid() {
    let (ca, other) = (TestCa::new(), TestCa::new());
    let both = format!("{}{}", TestCa::new().pem(), ca.pem());
    let guarded = Guarded::new(&both, &["a"]);
    assert_eq!(guarded.lets_in(&ca, named("a", &[])).await, Ok(()));
    let refused = guarded.lets_in(&other, named("a", &[])).await;
    assert_eq!(refused, Err("untrusted: a".to_owned()));
    let old = |params: &mut CertificateParams| {
        named("a", &[])(params);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    };
    let refused = guarded.lets_in(&ca, old).await;
    assert_eq!(refused, Err("out-of-time: a".to_owned()));
    let early = |params: &mut CertificateParams| {
        named("a", &[])(params);
        params.not_before = rcgen::date_time_ymd(2999, 1, 1);
    };
    let refused = guarded.lets_in(&ca, early).await;
    assert_eq!(refused, Err("out-of-time: a".to_owned()));
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let guarded = Guarded::new(&TestCa::new().pem(), &[]);
    for version in [&TLS12, &TLS13] {
        let nobody = client_config(&guarded.issue.authority.cert_pem, version, &[]);
        let failed = handshake(Arc::clone(&guarded.server), nobody).await;
        let text = failed.unwrap_err().text();
        assert!(text.contains("no certificates"), "{text}");
    }
}

#[tokio::test]
async fn other_cas_decide_from_the_next_handshake_on() {
    let (old, new) = (TestCa::new(), TestCa::new());
    let guarded = Guarded::new(&old.pem(), &[]);
    assert_eq!(guarded.lets_in(&old, |_| {}).await, Ok(()));
    let swapped = guarded.clients.reload(new.pem().as_bytes());
    assert!(matches!(swapped, ClientsOutcome::Swapped), "{swapped:?}");
    assert!(guarded.lets_in(&old, |_| {}).await.is_err());
    assert_eq!(guarded.lets_in(&new, |_| {}).await, Ok(()));
    let unchanged = guarded.clients.reload(new.pem().as_bytes());
    assert!(
        matches!(unchanged, ClientsOutcome::Unchanged),
        "{unchanged:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_used_lets_the_cas_before_decide() {
    const INTERVAL: Duration = Duration::from_secs(10);
    let (one, two) = (TestCa::new(), TestCa::new());
    let guarded = Guarded::new(&one.pem(), &[]);
    let mut volume = Volume::new(&[("ca.crt", one.pem().as_bytes())]);
    let (send, mut outcomes) = unbounded_channel();
    let mut task = JoinSet::new();
    task.spawn(watch_clients(
        Arc::clone(&guarded.clients),
        volume.path("ca.crt"),
        INTERVAL,
        move |outcome| send.send(format!("{outcome:?}")).unwrap(),
    ));
    let two_pem = two.pem();
    let junk = pem_section("CERTIFICATE", b"junk");
    let second_is_none = format!("{}{junk}", one.pem());
    let rows: [Content<'_>; 5] = [
        ("as it was", &[], "Unchanged"),
        ("no PEM", &[("ca.crt", b"garbage")], "KeptLastGood(Pem("),
        (
            "no CA",
            &[("ca.crt", second_is_none.as_bytes())],
            "KeptLastGood(Authority { position: 2",
        ),
        ("gone", &[("other", b"")], "KeptLastGood(Unreadable("),
        ("another CA", &[("ca.crt", two_pem.as_bytes())], "Swapped"),
    ];
    for (name, files, expected) in rows {
        if !files.is_empty() {
            volume.swap(files);
        }
        let seen = outcomes.recv().await.unwrap();
        assert!(seen.starts_with(expected), "{name}: {seen}");
        let decides = if expected == "Swapped" { &two } else { &one };
        assert_eq!(guarded.lets_in(decides, |_| {}).await, Ok(()), "{name}");
    }
}
