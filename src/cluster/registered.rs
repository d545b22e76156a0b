//! Asks which webhooks are registered under meshmode's name.
//!
//! Asked for now and then, not watched: what is decided by it takes a server out of service, so it must not be old, and
//! it is two lists of an object each.

use kube::api::ListParams;
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};

use super::convert::registered::{Webhook, webhooks};

/// What all of meshmode's objects are labelled with (`manifests/base`).
const LABEL: &str = "app.kubernetes.io/name=meshmode";

const GROUP: &str = "admissionregistration.k8s.io";

/// The entries of all webhook configurations that have meshmode's label.
///
/// # Errors
/// One of the two kinds cannot be listed.
pub async fn registered(client: &Client) -> Result<Vec<Webhook>, kube::Error> {
    let (mutating, validating) = tokio::join!(
        of_kind(client, "MutatingWebhookConfiguration"),
        of_kind(client, "ValidatingWebhookConfiguration")
    );
    let mut all = mutating?;
    all.extend(validating?);
    Ok(all)
}

async fn of_kind(client: &Client, kind: &str) -> Result<Vec<Webhook>, kube::Error> {
    let kind = ApiResource {
        group: GROUP.to_owned(),
        version: "v1".to_owned(),
        api_version: format!("{GROUP}/v1"),
        kind: kind.to_owned(),
        plural: format!("{}s", kind.to_ascii_lowercase()),
    };
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
    let found = api.list(&ListParams::default().labels(LABEL)).await?;
    Ok(found.items.iter().flat_map(webhooks).collect())
}
