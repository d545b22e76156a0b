//! The Pod that a workload's template makes, for those who decide before there is one: reviews of workloads, and
//! objects in files.

mod with_workload;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::placement::facts::source;
use crate::placement::labels::Labels;
use crate::placement::workload::{Controller, WorkloadRef};

pub use self::with_workload::WithWorkload;

/// A Pod that a workload would make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template {
    /// The workload; of an object that another controls, that other one. Its namespace is empty where the
    /// object says none.
    pub workload: WorkloadRef<'static>,
    /// JSON of the Pod as its controller would create it, without owner; a Pod's own JSON is as it was.
    pub pod: String,
    /// What the object says about itself: replicas are 1 where there are to be some and it says none, and
    /// are the most, too.
    pub facts: source::Workload,
}

/// A field that is not what it must be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}{key} must be {allowed}, and is {found}")]
pub struct NoTemplate {
    /// The path of the field.
    pub field: Path,
    /// In a map of texts, which is wrong.
    pub key: Key,
    /// What may stand there.
    pub allowed: &'static str,
    /// What stands there.
    pub found: &'static str,
}

/// A key of a map of texts, shown in brackets; empty for the map itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Key(pub String);

/// The path of a field, shown with dots.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Path {
    parent: &'static str,
    pointer: &'static str,
}

/// A kind with a template.
struct Kind {
    group: &'static str,
    kind: &'static str,
    /// A JSON pointer; empty for the object itself.
    template: &'static str,
    replicas: Replicas,
}

/// Whether a kind counts its Pods.
#[derive(Clone, Copy)]
enum Replicas {
    /// `spec.replicas`, 1 where it says none.
    Counted,
    /// It has no such field.
    Uncounted,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewPod<'v> {
    api_version: &'static str,
    kind: &'static str,
    metadata: NewMetadata<'v>,
    spec: &'v Value,
}

/// What `GetPodFromTemplate` of `pkg/controller/controller_utils.go` takes over, and the namespace.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMetadata<'v> {
    generate_name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'v Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'v Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finalizers: Option<&'v Value>,
}

const KINDS: [Kind; 9] = [
    Kind::new("", "Pod", "", Replicas::Uncounted),
    Kind::new("apps", "Deployment", TEMPLATE, Replicas::Counted),
    Kind::new("apps", "StatefulSet", TEMPLATE, Replicas::Counted),
    Kind::new("apps", "ReplicaSet", TEMPLATE, Replicas::Counted),
    Kind::new("apps", "DaemonSet", TEMPLATE, Replicas::Uncounted),
    Kind::new("batch", "Job", TEMPLATE, Replicas::Uncounted),
    Kind::new(
        "batch",
        "CronJob",
        "/spec/jobTemplate/spec/template",
        Replicas::Uncounted,
    ),
    Kind::new("", "ReplicationController", TEMPLATE, Replicas::Counted),
    Kind::new("argoproj.io", "Rollout", TEMPLATE, Replicas::Counted),
];

const TEMPLATE: &str = "/spec/template";
/// Of a Rollout: its template is that of another workload.
const ELSEWHERE: &str = "/spec/workloadRef";
/// What kubectl keeps for itself: the object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const AN_OBJECT: &str = "an object";
const A_QUOTED_TEXT: &str = "a text (put it in quotes)";

/// The Pod that `object` would make: a Pod itself, a workload of Kubernetes' own, or a Rollout of Argo's.
/// Nothing for other kinds, and for a Rollout whose template is that of another workload.
///
/// # Errors
/// Names the first field that is not what it must be.
pub fn template(object: &Value) -> Result<Option<Template>, NoTemplate> {
    let version = text(object, "/apiVersion")?;
    let kind = text(object, "/kind")?;
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let known = KINDS
        .iter()
        .find(|known| known.group == group && known.kind == kind);
    let Some(kind) = known else {
        return Ok(None);
    };
    if kind.group == "argoproj.io" && object.pointer(ELSEWHERE).is_some_and(Value::is_object) {
        return Ok(None);
    }
    map(object, Path::of("/metadata"))?;
    Ok(Some(Template {
        workload: workload(kind.kind, object),
        pod: kind.pod(object)?,
        facts: kind.facts(object)?,
    }))
}

/// The controller, where the object has one: of a Pod what its labels and its controller tell.
fn workload(kind: &str, object: &Value) -> WorkloadRef<'static> {
    let said = |pointer| said(object, pointer);
    let name = match said("/metadata/name") {
        "" => said("/metadata/generateName"),
        name => name,
    };
    let own = |kind: &str, name: &str| WorkloadRef {
        kind: Cow::Owned(kind.to_owned()),
        namespace: Cow::Owned(said("/metadata/namespace").to_owned()),
        name: Cow::Owned(name.to_owned()),
    };
    let owner = controller(object);
    if kind != "Pod" {
        return owner.map_or_else(|| own(kind, name), |owner| own(owner.kind, owner.name));
    }
    let label = |key: &str| object.pointer("/metadata/labels")?.get(key)?.as_str();
    let workload = WorkloadRef::of(owner, label, "", name);
    own(&workload.kind, &workload.name)
}

fn controller(object: &Value) -> Option<Controller<'_>> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let controls = |owner: &&Value| owner.get("controller") == Some(&Value::Bool(true));
    let owner = owners.iter().find(controls)?;
    Some(Controller {
        kind: owner.get("kind")?.as_str()?,
        name: owner.get("name")?.as_str()?,
        uid: said(owner, "/uid"),
    })
}

// === impl Kind ===

impl Kind {
    const fn new(
        group: &'static str,
        kind: &'static str,
        template: &'static str,
        replicas: Replicas,
    ) -> Self {
        Self {
            group,
            kind,
            template,
            replicas,
        }
    }

    fn pod(&self, object: &Value) -> Result<String, NoTemplate> {
        let at = |pointer| Path {
            parent: self.template,
            pointer,
        };
        let template = map(object, at(""))?;
        map(object, at("/spec"))?;
        let metadata = optional_map(object, at("/metadata"))?;
        let labels = texts(object, at("/metadata/labels"))?;
        let annotations = texts(object, at("/metadata/annotations"))?;
        if self.template.is_empty() {
            return Ok(object.to_string());
        }
        let of_metadata = |key| metadata.and_then(|metadata| metadata.get(key));
        let pod = NewPod {
            api_version: "v1",
            kind: "Pod",
            metadata: NewMetadata {
                generate_name: format!("{}-", said(object, "/metadata/name")),
                namespace: said(object, "/metadata/namespace"),
                labels: labels.and(of_metadata("labels")),
                annotations: annotations.and(of_metadata("annotations")),
                finalizers: of_metadata("finalizers"),
            },
            spec: template.get("spec").unwrap_or(&Value::Null),
        };
        // Keys are texts: such a value always has JSON.
        Ok(serde_json::to_string(&pod).unwrap_or_default())
    }

    fn facts(&self, object: &Value) -> Result<source::Workload, NoTemplate> {
        let replicas = match self.replicas {
            Replicas::Counted => Some(count(object, Path::of("/spec/replicas"))?),
            Replicas::Uncounted => None,
        };
        Ok(source::Workload {
            replicas,
            max_replicas: replicas,
            labels: kept(object, Path::of("/metadata/labels"))?,
            annotations: kept(object, Path::of("/metadata/annotations"))?,
        })
    }
}

fn text<'v>(object: &'v Value, pointer: &'static str) -> Result<&'v str, NoTemplate> {
    let found = object.pointer(pointer);
    found
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Path::of(pointer).must_be("a text", found))
}

/// The text at `pointer`, or an empty one.
fn said<'v>(object: &'v Value, pointer: &str) -> &'v str {
    let found = object.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

fn map(object: &Value, path: Path) -> Result<&Map<String, Value>, NoTemplate> {
    let found = path.find(object);
    found
        .and_then(Value::as_object)
        .ok_or_else(|| path.must_be(AN_OBJECT, found))
}

/// Nothing where there is none, or `null`.
fn optional_map(object: &Value, path: Path) -> Result<Option<&Map<String, Value>>, NoTemplate> {
    match path.find(object) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => map(object, path).map(Some),
    }
}

/// Labels or annotations; nothing where there are none, or `null`.
fn texts(object: &Value, path: Path) -> Result<Option<&Map<String, Value>>, NoTemplate> {
    let texts = optional_map(object, path)?;
    let wrong = texts.and_then(|texts| texts.iter().find(|(_, value)| !value.is_string()));
    match wrong {
        Some((key, value)) => Err(NoTemplate {
            key: Key(key.clone()),
            ..path.must_be(A_QUOTED_TEXT, Some(value))
        }),
        None => Ok(texts),
    }
}

/// Labels or annotations of the object itself, without what kubectl keeps for itself.
fn kept(object: &Value, path: Path) -> Result<Labels, NoTemplate> {
    let texts = texts(object, path)?.into_iter().flatten();
    let texts = texts.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    let mut texts: BTreeMap<String, String> = texts.collect();
    texts.remove(LAST_APPLIED);
    Ok(Labels::all(Some(&texts)))
}

fn count(object: &Value, path: Path) -> Result<i64, NoTemplate> {
    match path.find(object) {
        None | Some(Value::Null) => Ok(1),
        found @ Some(value) => {
            value
                .as_i64()
                .filter(|count| *count >= 0)
                .ok_or_else(|| NoTemplate {
                    found: match value {
                        Value::Number(_) => "another number, or one with a fraction",
                        Value::Null
                        | Value::Bool(_)
                        | Value::String(_)
                        | Value::Array(_)
                        | Value::Object(_) => kind_of(found),
                    },
                    ..path.must_be("a whole number of at least 0", found)
                })
        }
    }
}

// === impl Path ===

impl Path {
    const fn of(pointer: &'static str) -> Self {
        Self {
            parent: "",
            pointer,
        }
    }

    fn find(self, object: &Value) -> Option<&Value> {
        object.pointer(self.parent)?.pointer(self.pointer)
    }

    fn must_be(self, allowed: &'static str, found: Option<&Value>) -> NoTemplate {
        NoTemplate {
            field: self,
            key: Key::default(),
            allowed,
            found: kind_of(found),
        }
    }
}

/// What stands there, for people.
fn kind_of(found: Option<&Value>) -> &'static str {
    match found {
        None => "not there",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    }
}

// === impl Key ===

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str() {
            "" => Ok(()),
            key => write!(f, "['{key}']"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.parent, self.pointer];
        let mut parts = parts
            .iter()
            .flat_map(|part| part.split('/').filter(|key| !key.is_empty()));
        f.write_str(parts.next().unwrap_or("the object"))?;
        parts.try_for_each(|key| write!(f, ".{key}"))
    }
}

#[cfg(test)]
mod tests;
