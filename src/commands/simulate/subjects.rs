//! Each workload once, with the Pod that it would make. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cluster::convert::Opened;
use crate::cluster::convert::template::{NoTemplate, Template, WithWorkload, template};
use crate::placement::decide::RECORD;
use crate::placement::facts::{Owner, Source};
use crate::placement::json::{Depth, Object};
use crate::placement::rules::Use;
use crate::placement::workload::WorkloadRef;
use crate::placement::{Facts, Mode, Pod, Rules};

/// A workload, once, with the Pod that it would make.
#[derive(Debug)]
pub struct Subject {
    pub(super) template: Template,
    speaks: Speaks,
}

/// Whether an object is its own workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Speaks {
    /// It is: what it says about itself are facts.
    ForItself,
    /// Another controls it, about which it says nothing.
    ForAnother,
}

/// The workloads of `objects`, each once, in order: of a workload and what it controls, itself. Pods lose what
/// `running` gave them, as a new one comes without it. What makes no Pods is not there, nor what has ended.
///
/// `namespace` is that of objects that say none.
///
/// # Errors
/// By the number of the object, what is wrong with it.
pub fn subjects(
    objects: impl IntoIterator<Item = Value>,
    namespace: &str,
    running: &Rules,
) -> Result<Vec<Subject>, Vec<(usize, NoTemplate)>> {
    let mut found = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (index, mut object) in objects.into_iter().enumerate() {
        if has_ended(&object) {
            continue;
        }
        as_created(&mut object, running);
        match template(&object) {
            Ok(Some(made)) => Subject::new(made, &object, namespace).add(&mut found),
            Ok(None) => {}
            Err(error) => mistakes.push((index, error)),
        }
    }
    if mistakes.is_empty() {
        Ok(found.into_values().collect())
    } else {
        Err(mistakes)
    }
}

/// A Pod that is over makes no other.
fn has_ended(object: &Value) -> bool {
    let phase = object.pointer("/status/phase").and_then(Value::as_str);
    object["kind"] == "Pod" && phase.is_some_and(|phase| ["Succeeded", "Failed"].contains(&phase))
}

/// Takes from a Pod that has been placed what the placement added.
fn as_created(object: &mut Value, running: &Rules) {
    let mode = object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(RECORD[0])?.as_str()?.parse::<Mode>().ok());
    let Some(mode) = mode.filter(|_| object["kind"] == "Pod") else {
        return;
    };
    let mut remove = |map: &str, is_ours: &dyn Fn(&str, &Value) -> bool| {
        let map = object.pointer_mut(map).and_then(Value::as_object_mut);
        if let Some(map) = map {
            map.retain(|key, value| !is_ours(key, value));
        }
    };
    remove("/metadata/annotations", &|key, _| RECORD.contains(&key));
    let set = running.labels.of(mode);
    let is_set = |key: &str, value: &Value| {
        let set = set.and_then(|labels| labels.get(key));
        set.is_some_and(|set| value == set.as_str())
    };
    remove("/metadata/labels", &is_set);
}

// === impl Subject ===

/// Namespace, kind and name.
type Key = (String, String, String);

impl Subject {
    fn new(template: Template, object: &Value, namespace: &str) -> Self {
        let mut template = template;
        let named = object.pointer("/metadata/name").and_then(Value::as_str);
        let kind = object["kind"].as_str();
        let workload = &mut template.workload;
        let is_itself = Some(&*workload.kind) == kind
            && (workload.kind == "Pod" || Some(&*workload.name) == named);
        if workload.namespace.is_empty() {
            workload.namespace = namespace.to_owned().into();
        }
        let speaks = if is_itself {
            Speaks::ForItself
        } else {
            Speaks::ForAnother
        };
        Self { template, speaks }
    }

    /// The workload itself wins over what it controls, and the first over the next.
    fn add(self, found: &mut BTreeMap<Key, Self>) {
        let workload = &self.template.workload;
        let key = (
            workload.namespace.to_string(),
            workload.kind.to_string(),
            workload.name.to_string(),
        );
        let known = found.get(&key).map(|known| known.speaks);
        match (known, self.speaks) {
            (None, _) | (Some(Speaks::ForAnother), Speaks::ForItself) => {
                found.insert(key, self);
            }
            (Some(_), Speaks::ForAnother) | (Some(Speaks::ForItself), Speaks::ForItself) => {}
        }
    }

    /// JSON of the attributes of the request by which a controller creates the Pod, where rules read them.
    fn request(&self, rules: &[&Rules]) -> String {
        if rules.iter().all(|rules| rules.request() == Use::Unread) {
            return "{}".to_owned();
        }
        json!({
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "operation": "CREATE", "name": "", "namespace": self.template.workload.namespace,
            "subResource": "", "dryRun": false, "userInfo": {"username": "", "groups": []},
        })
        .to_string()
    }

    /// Whose Pods they would be.
    pub(in crate::commands) fn workload(&self) -> &WorkloadRef<'static> {
        &self.template.workload
    }

    /// Calls `look` with the facts of the Pod that it would make, of which all of `rules` look at the same.
    ///
    /// # Errors
    /// The Pod is none, which [`subjects`] lets nobody through with.
    pub(in crate::commands) fn look<T>(
        &self,
        rules: &[&Rules],
        cluster: &dyn Source,
        look: impl FnOnce(&Facts<'_, '_, '_>) -> T,
    ) -> serde_json::Result<Option<T>> {
        let request = self.request(rules);
        let request = Depth::SHALLOW.parse(&request)?.into_object();
        let opened: Opened<'_> = serde_json::from_str(&self.template.pod)?;
        let Ok(pod) = opened.into_pod() else {
            return Ok(None);
        };
        let request = request.unwrap_or_default();
        let with_workload = WithWorkload {
            template: &self.template,
            cluster,
        };
        let facts = self.facts(&pod, &request, &with_workload, cluster);
        Ok(Some(look(&facts)))
    }

    fn facts<'f, 'a, 'r>(
        &'f self,
        pod: &'f Pod<'a>,
        request: &'f Object<'r>,
        with_workload: &'f WithWorkload<'f>,
        cluster: &'f dyn Source,
    ) -> Facts<'f, 'a, 'r> {
        let workload = &self.template.workload;
        Facts {
            pod,
            request,
            namespace: &workload.namespace,
            // A Pod to come: those that are there keep their mode, whatever the configuration.
            owner: match &*workload.kind {
                "Pod" => Owner::OfPod,
                _ => Owner::Template(workload),
            },
            cluster: match self.speaks {
                Speaks::ForItself => with_workload,
                Speaks::ForAnother => cluster,
            },
        }
    }
}
