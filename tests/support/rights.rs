//! What the API server saw an account ask for, beside what manifests let it ask for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{AuditEvents, ControlPlane};

/// A verb on objects of a group's resource, those of one name where there is one.
pub(crate) type Right = (String, String, String, Option<String>);

/// What `user` has asked for, as far as the audit log has it.
pub(crate) fn used(cluster: &ControlPlane, user: &str) -> BTreeSet<Right> {
    let AuditEvents::Recorded(events) = cluster.audit_events() else {
        panic!("the cluster is ours");
    };
    let of_user = events
        .iter()
        .filter(|event| event["user"]["username"] == user);
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
    of_user.map(right).collect()
}

/// What the ClusterRoles and Roles of `objects` give.
pub(crate) fn given(objects: &[Value]) -> BTreeSet<Right> {
    let mut given = BTreeSet::new();
    let roles = objects
        .iter()
        .filter(|object| object["kind"] == "ClusterRole" || object["kind"] == "Role");
    for rule in roles.flat_map(|role| role["rules"].as_array().unwrap()) {
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
