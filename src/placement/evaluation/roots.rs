//! `namespaceObject`, `workload` and `mesh` as CEL values that ask for a fact when it is read. A fact that is
//! missing is an error, also under `has()`; what is not there is no key.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelInt, CelList, CelMap, CelMapKey, CelString, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};

use super::labels::{LabelsRef, name_of};
use crate::placement::expression::Root;
use crate::placement::facts::StringMap;
use crate::placement::facts::source::{Missing, Requirement, Waypoint, Workload};
use crate::placement::facts::view::{OfPod, Scaling, View};
use crate::placement::fuel::Fuel;
use crate::placement::labels::Labels;

/// What stands before a missing fact in the errors of the crate, and in reasons.
pub(super) const NOT_AVAILABLE: &str = "fact not available: ";

/// The facts, as expressions see them.
pub(super) struct Shown<'f, 'a> {
    pub(super) view: &'f View<'f, 'a>,
    pub(super) fuel: &'f Fuel,
    requires: OnceLock<CelList<'static>>,
    waypoint: OnceLock<CelMap<'static>>,
}

/// A root, or the metadata of the namespace.
#[derive(Clone, Copy)]
pub(super) struct Part<'b, 'f, 'a> {
    shown: &'b Shown<'f, 'a>,
    which: Which,
}

#[derive(Clone, Copy, Debug)]
enum Which {
    NamespaceObject,
    NamespaceMetadata,
    Workload,
    Mesh,
}

// === impl Shown ===

impl<'f, 'a> Shown<'f, 'a> {
    pub(super) fn new(view: &'f View<'f, 'a>, fuel: &'f Fuel) -> Self {
        Self {
            view,
            fuel,
            requires: OnceLock::new(),
            waypoint: OnceLock::new(),
        }
    }

    /// The root of this name that a cluster fills.
    pub(super) fn root<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let which = [
            (Root::NamespaceObject, Which::NamespaceObject),
            (Root::Workload, Which::Workload),
            (Root::Mesh, Which::Mesh),
        ];
        let (_, which) = which.into_iter().find(|(root, _)| root.as_str() == name)?;
        Some(CowVal::owned(Part { shown: self, which }))
    }

    fn metadata<'b>(&'b self, field: &str) -> Result<CowVal<'b, 'b>, ExecutionError> {
        let namespace = || self.view.namespace().map_err(not_available);
        match field {
            "name" => Ok(CowVal::owned(CelString::from(self.view.namespace_name()))),
            "labels" => self.labels(field, &namespace()?.labels),
            "annotations" => self.labels(field, &namespace()?.annotations),
            other => Err(ExecutionError::no_such_key(other)),
        }
    }

    fn workload<'b>(&'b self, field: &str) -> Result<CowVal<'b, 'b>, ExecutionError> {
        let owner = self.view.owner();
        let text = |text: std::borrow::Cow<'f, str>| Ok(CowVal::owned(CelString::from(text)));
        match field {
            "kind" => text(owner.kind),
            "name" => text(owner.name),
            "namespace" => text(owner.namespace),
            "replicas" | "maxReplicas" => self.count(field),
            "labels" | "annotations" if owner.kind == "Pod" => self.of_pod(field),
            "labels" => self.labels(field, &self.known_workload()?.labels),
            "annotations" => self.labels(field, &self.known_workload()?.annotations),
            other => Err(ExecutionError::no_such_key(other)),
        }
    }

    fn known_workload(&self) -> Result<&Workload, ExecutionError> {
        self.view.workload().map_err(not_available)
    }

    fn count<'b>(&'b self, field: &str) -> Result<CowVal<'b, 'b>, ExecutionError> {
        let count = match self.view.scales() {
            Scaling::None => None,
            Scaling::Replicas => {
                let workload = self.known_workload()?;
                match field {
                    "replicas" => workload.replicas,
                    _ => workload.max_replicas,
                }
            }
        };
        let count = count.ok_or_else(|| ExecutionError::no_such_key(field))?;
        Ok(CowVal::owned(CelInt::from(count)))
    }

    /// A Pod that nothing owns is its own workload.
    fn of_pod<'b>(&'b self, field: &str) -> Result<CowVal<'b, 'b>, ExecutionError> {
        let which = match field {
            "labels" => OfPod::Labels,
            _ => OfPod::Annotations,
        };
        match self.view.of_pod(which) {
            StringMap::Present(object) if !object.is_empty() => Ok(object.to_val(self.fuel)),
            StringMap::Present(_) | StringMap::Missing => Err(ExecutionError::no_such_key(field)),
        }
    }

    /// As in Kubernetes' JSON, an empty map is not there.
    fn labels<'b>(
        &'b self,
        field: &str,
        labels: &'b Labels,
    ) -> Result<CowVal<'b, 'b>, ExecutionError> {
        if labels.is_empty() {
            return Err(ExecutionError::no_such_key(field));
        }
        Ok(CowVal::owned(LabelsRef::new(labels, self.fuel)))
    }

    fn mesh<'b>(&'b self, field: &str) -> Result<CowVal<'b, 'b>, ExecutionError> {
        match field {
            "requires" => {
                let requires = self.view.requires().map_err(not_available)?;
                self.fuel.take(requires.len())?;
                let list = || CelList::from(requires.iter().map(requirement).collect::<Vec<_>>());
                Ok(CowVal::Borrowed(self.requires.get_or_init(list)))
            }
            "waypoint" => {
                let bound = self.view.waypoint().map_err(not_available)?;
                let bound = bound.ok_or_else(|| ExecutionError::no_such_key(field))?;
                let map = self.waypoint.get_or_init(|| waypoint(bound));
                Ok(CowVal::Borrowed(map))
            }
            other => Err(ExecutionError::no_such_key(other)),
        }
    }
}

fn not_available(missing: &Missing) -> ExecutionError {
    ExecutionError::InternalError(format!("{NOT_AVAILABLE}{missing}"))
}

fn requirement(requirement: &Requirement) -> Box<dyn Val> {
    let Requirement {
        reason,
        namespace,
        name,
        scope,
    } = requirement;
    Box::new(map([
        ("reason", CelString::from(reason.as_str())),
        ("namespace", CelString::from(namespace.to_string())),
        ("name", CelString::from(name.to_string())),
        ("scope", CelString::from(scope.as_str())),
    ]))
}

fn waypoint(waypoint: &Waypoint) -> CelMap<'static> {
    let Waypoint {
        namespace,
        name,
        traffic,
    } = waypoint;
    let traffic = traffic.as_ref().map(|traffic| ("for", text(traffic)));
    let named = [("name", text(name)), ("namespace", text(namespace))];
    map(named.into_iter().chain(traffic))
}

fn text(text: &str) -> CelString<'static> {
    CelString::from(text.to_owned())
}

fn map(entries: impl IntoIterator<Item = (&'static str, CelString<'static>)>) -> CelMap<'static> {
    let entries = entries.into_iter().map(|(key, value)| {
        let value: Box<dyn Val> = Box::new(value);
        (CelMapKey::from(key), value)
    });
    CelMap::from(entries.collect::<HashMap<_, _>>())
}

// === impl Part ===

impl fmt::Debug for Part<'_, '_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.which.fmt(f)
    }
}

impl Val for Part<'_, '_, '_> {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_indexer<'x, 'v>(&'x self) -> Option<&'x (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Indexer for Part<'_, '_, '_> {
    fn get<'x, 'v>(&'x self, key: &dyn Val) -> Result<CowVal<'x, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let field = name_of(key)?;
        self.shown.fuel.take(1)?;
        match self.which {
            Which::NamespaceObject if field == "metadata" => Ok(CowVal::owned(Self {
                which: Which::NamespaceMetadata,
                ..*self
            })),
            Which::NamespaceObject => Err(ExecutionError::no_such_key(field)),
            Which::NamespaceMetadata => self.shown.metadata(field),
            Which::Workload => self.shown.workload(field),
            Which::Mesh => self.shown.mesh(field),
        }
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}
