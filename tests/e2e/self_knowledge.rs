//! The program compares its certificate with the caBundles that are registered for it, with the rights of the manifests.

use std::time::Duration;

use crate::support::meshmode::{Meshmode, run, sample};
use crate::support::wait_for;

use super::facts::Reader;
use super::steps::{Cluster, LOCAL_ONLY, Program, Shown};

const DEADLINE: Duration = Duration::from_secs(20);
const MISMATCHES: &str = "meshmode_ca_bundle_mismatches";
const UNTRUSTED: &str = "meshmode_self_check{check=\"ca-bundle\",reason=\"untrusted\"}";

/// Registered rightly, with the CA of somebody else, and rightly again.
pub(crate) async fn ca_bundles(cluster: &Cluster) -> Shown {
    let Program::Ours(_) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    let reader = Reader::new(cluster, "self-knowledge", |_| true).await;
    drop(reader.client().await);
    let folder = tempfile::tempdir().unwrap();
    let mut flags = reader.flags(folder.path()).to_vec();
    flags.push("--self-check-interval=100ms".to_owned());
    let mut program = Meshmode::start_with(&flags).await;
    until(&program, 200, "[+]ca-bundle ok: no webhook configuration").await;

    let webhooks = cluster.base.reaching(&program.endpoint());
    webhooks.register(&cluster.control_plane, "in-force").await;
    until(&program, 200, "[+]ca-bundle ok\n").await;
    let metrics = program.metrics().await;
    assert!(sample(&metrics, MISMATCHES) < 0.5, "{metrics}");

    let other = run(&["certs", "--secret", "--namespace", "in-force"]);
    let other = String::from_utf8(other.stdout).unwrap();
    let apply = [
        "apply",
        "--server-side",
        "--field-manager=meshmode-certs",
        "--force-conflicts",
        "-f",
        "-",
    ];
    let applied = cluster
        .control_plane
        .kubectl_with_input(&apply, &other)
        .await;
    assert!(applied.status.success(), "{applied:?}");
    until(&program, 503, "[-]ca-bundle failed: no webhook").await;
    let metrics = program.metrics().await;
    assert!(
        (sample(&metrics, MISMATCHES) - 6.0).abs() < 0.5,
        "{metrics}"
    );
    assert!((sample(&metrics, UNTRUSTED) - 1.0).abs() < 0.5, "{metrics}");

    webhooks.register(&cluster.control_plane, "in-force").await;
    until(&program, 200, "[+]ca-bundle ok\n").await;
    cluster.register_base().await;
    program.stop().await;
    Shown::Cases(4)
}

/// Waits for this answer of `/readyz?verbose`.
async fn until(program: &Meshmode, code: u16, line: &str) {
    wait_for(line, DEADLINE, async || {
        let (seen, text) = program.readiness().await;
        if seen == code && text.contains(line) {
            return Ok(());
        }
        Err(format!("{seen}: {text}"))
    })
    .await;
}
