//! What the API server saw meshmode ask for, beside what `manifests/base/rbac.yaml` lets it ask for.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::site::Site;
use crate::support::manifests::render;
use crate::support::report::Shown;
use crate::support::{AuditEvents, ControlPlane, wait_for};

/// A verb on objects of a group's resource, those of one name where there is one.
type Right = (String, String, String, Option<String>);

const USER: &str = "system:serviceaccount:meshmode-system:meshmode";

/// All that is used is given, and all that is given is used.
pub(crate) async fn as_granted(site: &Site) -> Shown {
    let given = given(&render(&site.cluster, "overlays/kind").await);
    let deadline = Duration::from_secs(10);
    let used = wait_for("the use of all rights", deadline, async || {
        let used = used(&site.cluster);
        let unused: Vec<_> = given.difference(&used).collect();
        let unused = format!("given and not used: {unused:?}");
        unused.ends_with(": []").then_some(used).ok_or(unused)
    })
    .await;
    let beyond: Vec<_> = used.difference(&given).collect();
    assert_eq!(beyond, [] as [&Right; 0], "used and not given");
    Shown::Cases(used.len())
}

fn used(cluster: &ControlPlane) -> BTreeSet<Right> {
    let AuditEvents::Recorded(events) = cluster.audit_events() else {
        panic!("the cluster is ours");
    };
    let of_meshmode = events
        .iter()
        .filter(|event| event["user"]["username"] == USER);
    let right = |event: &Value| {
        let object = &event["objectRef"];
        assert!(
            object.is_object(),
            "meshmode asks for {}",
            event["requestURI"]
        );
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = object["name"].as_str().map(str::to_owned);
        (
            text(&event["verb"]),
            text(&object["apiGroup"]),
            text(&object["resource"]),
            name,
        )
    };
    of_meshmode.map(right).collect()
}

fn given(objects: &[Value]) -> BTreeSet<Right> {
    let mut given = BTreeSet::new();
    let mut roles = objects
        .iter()
        .filter(|object| object["kind"] == "ClusterRole");
    let rules = roles.next().unwrap()["rules"].as_array().unwrap();
    assert!(roles.next().is_none(), "one ClusterRole");
    for rule in rules {
        let texts = |field: &str| {
            let values = rule[field].as_array().into_iter().flatten();
            values.map(|value| value.as_str().unwrap().to_owned())
        };
        let names: Vec<_> = texts("resourceNames").map(Some).collect();
        let names = if names.is_empty() { vec![None] } else { names };
        for verb in texts("verbs") {
            for group in texts("apiGroups") {
                for resource in texts("resources") {
                    let right = |name: &Option<String>| {
                        (verb.clone(), group.clone(), resource.clone(), name.clone())
                    };
                    given.extend(names.iter().map(right));
                }
            }
        }
    }
    given
}
