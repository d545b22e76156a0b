//! The fields of a file with rule tests: the table that files are checked against, and that the JSON Schema is
//! made from.

use serde_json::Value;

use crate::config::fields::Presence::{Optional, Required};
use crate::config::fields::{API_VERSION, Field, MODES, Shape, field};
use crate::config::schema::titled;
use crate::placement::facts;
use crate::placement::facts::source::{Reason, Scope};

/// The value of `kind`.
pub(super) const KIND: &str = "RuleTest";

/// A file takes a moment, whatever it has.
const MAX_CASES: usize = 10_000;
/// What Istio has for one workload is read by people.
const MAX_REQUIREMENTS: usize = 1000;

const REASONS: &[&str] = &[
    Reason::EnvoyFilter.as_str(),
    Reason::Sidecar.as_str(),
    Reason::WasmPlugin.as_str(),
    Reason::L7AuthorizationPolicy.as_str(),
    Reason::RequestAuthentication.as_str(),
    Reason::CustomAuthorization.as_str(),
];
const SCOPES: &[&str] = &[
    Scope::Workload.as_str(),
    Scope::Service.as_str(),
    Scope::Namespace.as_str(),
    Scope::Mesh.as_str(),
];
const FACTS: &[&str] = &[
    facts::Field::NamespaceLabels.as_str(),
    facts::Field::NamespaceAnnotations.as_str(),
    facts::Field::Replicas.as_str(),
    facts::Field::MaxReplicas.as_str(),
    facts::Field::WorkloadLabels.as_str(),
    facts::Field::WorkloadAnnotations.as_str(),
    facts::Field::Requires.as_str(),
    facts::Field::Waypoint.as_str(),
];

/// The whole file.
pub(super) const FILE: &[Field] = &[
    field(
        "apiVersion",
        Shape::Constant(API_VERSION),
        Required,
        "The version of this format.",
    ),
    field(
        "kind",
        Shape::Constant(KIND),
        Required,
        "The kind of this document.",
    ),
    field(
        "configuration",
        Shape::Text,
        Optional,
        "The configuration whose rules are asked, as a path from the folder of this file; without it that of --config, else the embedded default.",
    ),
    field(
        "cases",
        Shape::List(CASE, MAX_CASES),
        Required,
        "Each is decided by itself.",
    ),
];

const CASE: &[Field] = &[
    field(
        "name",
        Shape::Text,
        Required,
        "What the case shows; unique in the file.",
    ),
    field(
        "object",
        Shape::Object,
        Required,
        "A Pod, or a workload whose template makes one; without kind it is a Pod.",
    ),
    field(
        "namespace",
        Shape::Section(NAMESPACE),
        Optional,
        "The namespace that the Pod is created in.",
    ),
    field(
        "workload",
        Shape::Section(WORKLOAD),
        Optional,
        "The workload; what is left out is as the object says.",
    ),
    field(
        "mesh",
        Shape::Section(MESH),
        Optional,
        "What Istio has for the Pod.",
    ),
    field(
        "missing",
        Shape::SomeOf(FACTS),
        Optional,
        "Facts that meshmode does not have: an object that was not read makes all its fields missing.",
    ),
    field(
        "cluster",
        Shape::Bool,
        Optional,
        "Whether meshmode has a cluster; without it, where the case has a namespace, workload, mesh, missing or revision.",
    ),
    field(
        "revision",
        Shape::Section(REVISION),
        Optional,
        "Pods of the same revision that are there already.",
    ),
    field(
        "request",
        Shape::Object,
        Optional,
        "Attributes of the admission request, in place of those that a controller's would have.",
    ),
    field(
        "expect",
        Shape::Section(EXPECT),
        Required,
        "What is to be decided.",
    ),
];

const NAMESPACE: &[Field] = &[
    field(
        "name",
        Shape::Name,
        Optional,
        "Its name; without it the object's, else default.",
    ),
    field("labels", Shape::Labels, Optional, "Its labels."),
    field("annotations", Shape::Texts, Optional, "Its annotations."),
];

const WORKLOAD: &[Field] = &[
    field(
        "kind",
        Shape::Text,
        Optional,
        "Whose Pod it is, such as Deployment.",
    ),
    field("name", Shape::Text, Optional, "Its name."),
    field(
        "replicas",
        Shape::Count,
        Optional,
        "Its replicas; without it the object's, else 1 for kinds that have them.",
    ),
    field(
        "maxReplicas",
        Shape::Count,
        Optional,
        "The most that its autoscaler makes; without it its replicas.",
    ),
    field("labels", Shape::Labels, Optional, "Its own labels."),
    field(
        "annotations",
        Shape::Texts,
        Optional,
        "Its own annotations.",
    ),
];

const MESH: &[Field] = &[
    field(
        "requires",
        Shape::List(REQUIREMENT, MAX_REQUIREMENTS),
        Optional,
        "What asks for a proxy.",
    ),
    field(
        "waypoint",
        Shape::Section(WAYPOINT),
        Optional,
        "The waypoint that labels bind the Pod to.",
    ),
];

const REQUIREMENT: &[Field] = &[
    field("reason", Shape::OneOf(REASONS), Required, "What it is."),
    field(
        "namespace",
        Shape::Name,
        Optional,
        "Its namespace; without it the Pod's.",
    ),
    field("name", Shape::Text, Required, "Its name."),
    field(
        "scope",
        Shape::OneOf(SCOPES),
        Required,
        "How it selects the Pod.",
    ),
];

const WAYPOINT: &[Field] = &[
    field("name", Shape::Name, Required, "The name of its Gateway."),
    field(
        "namespace",
        Shape::Name,
        Optional,
        "The namespace of its Gateway; without it the Pod's.",
    ),
    field(
        "for",
        Shape::OneOf(&["service", "workload", "all", "none"]),
        Optional,
        "What traffic it takes; without it there is no such Gateway yet.",
    ),
];

const REVISION: &[Field] = &[
    field(
        "mode",
        Shape::OneOf(MODES),
        Optional,
        "The mode that they have; without it they have no placement.",
    ),
    field(
        "rule",
        Shape::Text,
        Optional,
        "The rule in their record; without it default.",
    ),
    field(
        "reason",
        Shape::Text,
        Optional,
        "The reason in their record.",
    ),
];

const EXPECT: &[Field] = &[
    field("mode", Shape::OneOf(MODES), Required, "The mode."),
    field(
        "rule",
        Shape::Text,
        Required,
        "The rule that decides: a name of the configuration, or default, explicit-choice, left-alone, revision.",
    ),
    field(
        "reason",
        Shape::Text,
        Optional,
        "A text that the reason has in it.",
    ),
    field(
        "warnings",
        Shape::TextOrTexts,
        Optional,
        "A text that some warning has in it; or a list with a text for each warning, in any order, empty for none.",
    ),
    field(
        "labels",
        Shape::Labels,
        Optional,
        "Labels that the Pod has in the end, with their values.",
    ),
];

/// The JSON Schema of the file, as `manifests/ruletest.schema.json` has it.
pub(super) fn schema() -> Value {
    titled(KIND, FILE)
}

#[cfg(test)]
mod tests;
