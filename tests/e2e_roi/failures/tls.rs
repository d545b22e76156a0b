//! Certificates that do not fit.

use std::path::Path;

use tempfile::TempDir;

use super::super::command::roi_of_window;
use super::{Said, works};
use crate::support::meshmode::certs;
use crate::support::prometheus::{Blocks, Prometheus};
use crate::support::report::Shown;

/// TLS, with certificates that do not fit.
pub(crate) async fn of_tls(blocks: &Blocks) -> Shown {
    let mut said = Said::default();
    let folder = TempDir::new().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    certs(
        &ours,
        &["--dns=prometheus.monitoring.svc", "--ip=127.0.0.1"],
    );
    certs(&theirs, &["--dns=localhost", "--ip=::1"]);
    let path = |folder: &Path, name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (ca, other_ca) = (path(&ours, "ca.crt"), path(&theirs, "ca.crt"));
    let web = |folder: &Path, more: &str| {
        let (cert, key) = (path(folder, "tls.crt"), path(folder, "tls.key"));
        format!("tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n{more}")
    };
    let secure = Prometheus::start(blocks, "60s", &[], &web(&ours, "")).await;
    let url = secure.url().replace("http://", "https://");
    let roi = |flags: &[&str]| roi_of_window(&url, flags);
    said.fails("a CA that is not known", &roi(&[]), &["--ca-file"]);
    said.fails(
        "another CA",
        &roi(&["--ca-file", &other_ca]),
        &["--ca-file"],
    );
    works(&roi(&["--ca-file", &ca]));
    let named = ["--ca-file", &ca, "--tls-server-name"];
    works(&roi(&[&named[..], &["prometheus.monitoring.svc"]].concat()));
    let other = roi(&[&named[..], &["prometheus.elsewhere.svc"]].concat());
    said.fails("another name", &other, &["name", "--tls-server-name"]);
    said.fails(
        "HTTP to a TLS port",
        &roi_of_window(&secure.url(), &[]),
        &["http"],
    );
    let plain = Prometheus::start(blocks, "60s", &[], "").await;
    let to_plain = plain.url().replace("http://", "https://");
    said.fails(
        "TLS to a plain port",
        &roi_of_window(&to_plain, &[]),
        &["TLS"],
    );
    let asks = format!("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {ca}\n");
    let mutual = Prometheus::start(blocks, "60s", &[], &web(&ours, &asks)).await;
    let url = mutual.url().replace("http://", "https://");
    let without = roi_of_window(&url, &["--ca-file", &ca]);
    said.fails("no client certificate", &without, &["--client-cert"]);
    said.differ(&["a CA that is not known", "another CA"]);
    said.shown()
}
