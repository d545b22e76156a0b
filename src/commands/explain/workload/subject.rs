//! A Pod, or the template of a workload: what is decided about.

use serde_json::{Value, json};

use super::fresh;
use crate::cluster::convert::template::{Template, template};
use crate::placement::Rules;

/// What is decided about.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) kind: String,
    pub(super) name: String,
    /// Empty where nobody says it.
    pub(super) namespace: String,
    /// With the Pod as its author or its controller sends it.
    pub(super) template: Template,
    pub(super) stage: Stage,
    /// The review that the API server would send, without the Pod.
    pub(super) review: String,
}

/// How far the Pod is.
#[derive(Debug)]
pub(super) enum Stage {
    /// It is to be created.
    ToCome,
    /// It is there, with this record.
    There(Option<[String; 3]>),
}

// === impl Subject ===

impl Subject {
    /// The object in `json`, which has a template; in `namespace` where it says none.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn of(json: &str, namespace: &str, rules: &Rules) -> Result<Self, String> {
        let mut object: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let kind = said(&object, "/kind");
        let there = kind == "Pod" && object.pointer("/metadata/uid").is_some();
        let stage = if there {
            let record = fresh::record(&object);
            fresh::freshen(&mut object, rules);
            Stage::There(record)
        } else {
            Stage::ToCome
        };
        let namespace = Some(said(&object, "/metadata/namespace"))
            .filter(|namespace| !namespace.is_empty())
            .unwrap_or_else(|| namespace.to_owned());
        let found = template(&object).map_err(|error| error.to_string())?;
        let mut template = found.ok_or("it has no Pod template")?;
        template.workload.namespace = namespace.clone().into();
        let name = Some(said(&object, "/metadata/name")).filter(|name| !name.is_empty());
        Ok(Self {
            name: name.unwrap_or_else(|| said(&object, "/metadata/generateName")),
            review: review(&namespace).to_string(),
            kind,
            namespace,
            template,
            stage,
        })
    }

    /// Whether the object is the workload itself, and so says the facts about it.
    pub(super) fn is_workload(&self) -> bool {
        let workload = &self.template.workload;
        workload.kind == self.kind && workload.name == self.name
    }

    /// Whether it is a Pod, not something that makes Pods.
    pub(super) fn is_pod(&self) -> bool {
        self.kind == "Pod"
    }
}

fn said(object: &Value, pointer: &str) -> String {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn review(namespace: &str) -> Value {
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let resource = json!({"group": "", "version": "v1", "resource": "pods"});
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "", "operation": "CREATE", "namespace": namespace, "kind": kind, "requestKind": kind,
            "resource": resource, "requestResource": resource, "dryRun": false, "object": null,
        },
    })
}
