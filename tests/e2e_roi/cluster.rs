//! What the steps with a real API server share.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::ControlPlane;

pub(crate) async fn apply(cluster: &ControlPlane, manifest: &str) {
    let output = cluster
        .kubectl_with_input(&["apply", "--server-side", "-f", "-"], manifest)
        .await;
    assert!(output.status.success(), "{output:?}");
}

/// A kubeconfig in `folder` with the token of a ServiceAccount, as a Pod would have it.
pub(crate) async fn as_account(
    cluster: &ControlPlane,
    namespace: &str,
    name: &str,
    folder: &Path,
) -> String {
    let token = cluster
        .kubectl(&["create", "token", name, "-n", namespace])
        .await;
    assert!(token.status.success(), "{token:?}");
    let token = String::from_utf8(token.stdout).unwrap();
    let kubeconfig = fs::read_to_string(cluster.kubeconfig()).unwrap();
    let mut kubeconfig: Value = serde_saphyr::from_str(&kubeconfig).unwrap();
    kubeconfig["users"][0]["user"] = json!({"token": token.trim()});
    let file = folder.join(name);
    fs::write(&file, kubeconfig.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}
