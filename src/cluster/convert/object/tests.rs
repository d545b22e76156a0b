//! What is read of an object, and what is not.

use serde_json::json;

use super::*;
use crate::cluster::convert::workload::Scaled;

#[test]
fn what_nobody_looks_at_is_not_kept() {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7", "generation": 3,
            "labels": {"app": "web"},
            "annotations": {LAST_APPLIED: "{\"spec\":{}}", "team": "a"},
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {}}}],
            "finalizers": ["x"],
        },
        "spec": {"replicas": 3, "template": {"spec": {"containers": []}}},
        "status": {"replicas": 3},
    });
    let read: Watched<Scaled> = serde_json::from_value(object).unwrap();
    let annotations = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
    let expected = ObjectMeta {
        name: Some("web".to_owned()),
        namespace: Some("shop".to_owned()),
        uid: Some("u".to_owned()),
        resource_version: Some("7".to_owned()),
        labels: Some(BTreeMap::from([("app".to_owned(), "web".to_owned())])),
        annotations: Some(annotations),
        ..ObjectMeta::default()
    };
    assert_eq!(read.metadata, expected);
    assert_eq!(read.spec.replicas, Some(3));
}

#[test]
fn an_object_may_lack_everything() {
    for json in [
        json!({}),
        json!({"metadata": {}, "spec": null}),
        json!({"metadata": {"annotations": null, "labels": null, "ownerReferences": null}}),
    ] {
        let read: Watched<Scaled> = serde_json::from_value(json).unwrap();
        assert_eq!(read.metadata, ObjectMeta::default());
    }
}

#[test]
fn kinds_are_those_of_the_api_server() {
    for resource in Resource::ALL {
        let kind = kind(resource);
        let inferred = ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(
            &kind.group,
            &kind.version,
            &kind.kind,
        ));
        assert_eq!(kind, inferred, "{resource}");
    }
}
