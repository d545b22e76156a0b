//! Objects of a cluster, by name or all of them.

use anyhow::Context;
use kube::api::ListParams;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};

use super::documents::{Document, Found};
use super::named::{Kind, Named};

/// Which policies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which<'a> {
    /// None: they are in files.
    None,
    /// These of a namespace.
    Named(&'a [String]),
    /// All of a namespace.
    Namespace,
    /// All.
    Everywhere,
}

const POLICY: Kind = Kind {
    group: "security.istio.io",
    version: "v1",
    kind: "AuthorizationPolicy",
    words: &[],
};

/// The policies. What is not there is a mistake of who asked for it.
///
/// # Errors
/// They cannot be read.
pub(super) async fn policies(
    client: &Client,
    which: Which<'_>,
    namespace: &str,
) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let cannot = || format!("cannot read the AuthorizationPolicies of {namespace}");
    let list = match which {
        Which::None => return Ok(found),
        Which::Named(names) => {
            for name in names {
                found.extend(one(client, &POLICY, namespace, name).await?);
            }
            return Ok(found);
        }
        Which::Namespace => {
            let of_namespace = of_namespace(client, &POLICY, namespace);
            of_namespace.list(&ListParams::default()).await
        }
        Which::Everywhere => {
            let everywhere: Api<DynamicObject> = Api::all_with(client.clone(), &POLICY.resource());
            everywhere.list(&ListParams::default()).await
        }
    };
    for object in list.with_context(cannot)? {
        found.objects.push(document(&object)?);
    }
    Ok(found)
}

/// Pods and workloads by name. What is not there is a mistake of who asked for it.
///
/// # Errors
/// They cannot be read.
pub(super) async fn workloads(
    client: &Client,
    names: &[Named],
    namespace: &str,
) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for Named { kind, name } in names {
        let mut one = one(client, kind, namespace, name).await?;
        if Kind::of_word(name).is_some() {
            let hint = format!("; {name} is a kind: write {name}/NAME");
            one.mistakes
                .iter_mut()
                .for_each(|mistake| mistake.push_str(&hint));
        }
        found.extend(one);
    }
    Ok(found)
}

async fn one(client: &Client, kind: &Kind, namespace: &str, name: &str) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let object = of_namespace(client, kind, namespace).get_opt(name).await;
    let what = kind.kind;
    let cannot = || format!("cannot read {what} {name} of namespace {namespace}");
    match object.with_context(cannot)? {
        Some(object) => found.objects.push(document(&object)?),
        None => found.mistakes.push(format!(
            "there is no {what} {name} in namespace {namespace} (-n names another)"
        )),
    }
    Ok(found)
}

fn of_namespace(client: &Client, kind: &Kind, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &kind.resource())
}

fn document(object: &DynamicObject) -> anyhow::Result<Document> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let metadata = &object.metadata;
    Ok(Document {
        place: format!("{}/{}", text(&metadata.namespace), text(&metadata.name)),
        json: serde_json::to_string(object)?,
    })
}

// === impl Kind ===

impl Kind {
    fn resource(&self) -> ApiResource {
        let kind = GroupVersionKind::gvk(self.group, self.version, self.kind);
        ApiResource::from_gvk(&kind)
    }
}
