//! What two configurations say about the same workloads, with the same facts. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::cluster::convert::Opened;
use crate::cluster::convert::template::{NoTemplate, Template, WithWorkload, template};
use crate::placement::decide::RECORD;
use crate::placement::facts::{Owner, Source};
use crate::placement::json::Depth;
use crate::placement::rules::Use;
use crate::placement::{Facts, Mode, Placement, Pod, Rules, decide};

/// A workload, once, with the Pod that it would make.
#[derive(Debug)]
pub struct Subject {
    template: Template,
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

/// A workload that changes.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Its namespace; empty where nothing says it.
    pub namespace: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its name; of a Pod perhaps what that begins with.
    pub name: String,
    /// By the running configuration.
    pub now: Decided,
    /// By the new one.
    pub new: Decided,
}

/// What a configuration decides.
#[derive(Debug, Serialize)]
pub struct Decided {
    /// The mode.
    pub mode: &'static str,
    /// The rule that decides.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// What the author would be told.
    pub warnings: Vec<String>,
}

/// What two configurations say.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// How many workloads were looked at.
    pub workloads: usize,
    /// How many would change their mode.
    pub changed: usize,
    /// How many would keep their mode, by another rule.
    pub same_mode_other_rule: usize,
    /// How many change from which mode to which.
    pub transitions: Vec<Transition>,
    /// Each that changes, by namespace, kind and name.
    pub changes: Vec<Change>,
}

/// How many change from one mode to another.
#[derive(Debug, Serialize)]
pub struct Transition {
    /// The mode now.
    pub now: &'static str,
    /// The mode by the new configuration.
    pub new: &'static str,
    /// How many.
    pub workloads: usize,
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

/// Decides for each of `subjects` by both configurations, with the facts of `cluster`.
///
/// # Errors
/// A Pod is none, which [`subjects`] lets nobody through with.
pub fn compare(
    subjects: &[Subject],
    running: &Rules,
    new: &Rules,
    cluster: &dyn Source,
) -> serde_json::Result<Comparison> {
    let mut comparison = Comparison::default();
    let mut transitions: BTreeMap<(Mode, Mode), usize> = BTreeMap::new();
    for subject in subjects {
        comparison.workloads += 1;
        let request = subject.request([running, new]);
        let request = Depth::SHALLOW.parse(&request)?.into_object();
        let opened: Opened<'_> = serde_json::from_str(&subject.template.pod)?;
        // Both look at the same Pod: what one has parsed of it the other finds parsed.
        let Ok(pod) = opened.into_pod() else { continue };
        let request = request.unwrap_or_default();
        let with_workload = WithWorkload {
            template: &subject.template,
            cluster,
        };
        let facts = subject.facts(&pod, &request, &with_workload, cluster);
        let (now, then) = (decide(running, &facts), decide(new, &facts));
        if now.mode == then.mode {
            comparison.same_mode_other_rule += usize::from(now.rule != then.rule);
            continue;
        }
        comparison.changed += 1;
        *transitions.entry((now.mode, then.mode)).or_default() += 1;
        comparison.changes.push(subject.change(now, then));
    }
    let transitions = transitions.into_iter();
    comparison.transitions = transitions.map(Transition::of).collect();
    Ok(comparison)
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
    fn request(&self, rules: [&Rules; 2]) -> String {
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

    fn facts<'f, 'a, 'r>(
        &'f self,
        pod: &'f Pod<'a>,
        request: &'f crate::placement::json::Object<'r>,
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

    fn change(&self, now: Placement<'_>, new: Placement<'_>) -> Change {
        let workload = &self.template.workload;
        Change {
            namespace: workload.namespace.to_string(),
            kind: workload.kind.to_string(),
            name: workload.name.to_string(),
            now: Decided::of(now),
            new: Decided::of(new),
        }
    }
}

// === impl Decided ===

impl Decided {
    fn of(placement: Placement<'_>) -> Self {
        Self {
            mode: placement.mode.as_str(),
            rule: placement.rule.to_owned(),
            reason: placement.reason.into_owned(),
            warnings: placement.warnings,
        }
    }
}

// === impl Comparison ===

impl Comparison {
    /// The namespaces in which something changes.
    pub fn namespaces(&self) -> usize {
        let namespaces = self.changes.iter().map(|change| &change.namespace);
        namespaces.collect::<BTreeSet<_>>().len()
    }
}

// === impl Transition ===

impl Transition {
    fn of(((now, new), workloads): ((Mode, Mode), usize)) -> Self {
        Self {
            now: now.as_str(),
            new: new.as_str(),
            workloads,
        }
    }
}
