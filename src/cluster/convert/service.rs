//! Services, ServiceEntries and namespaces: what asks for a waypoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use super::object::{Spec, Watched};
use crate::authorization::facts::{Ingress, ObjectName};
use crate::placement::facts::{Field, Fields, source};
use crate::placement::labels::Labels;

/// What of the spec of a Service is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Selecting {
    selector: Option<BTreeMap<String, String>>,
}

/// What of a Service or a ServiceEntry matters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// What it asks for itself.
    pub asks: Asks,
    /// What it says about ingress gateways, if anything.
    pub ingress: Option<Ingress>,
    /// Whether it is one of Istio's own.
    pub belongs: Belongs,
    /// The labels of its Pods; none for a ServiceEntry.
    pub selector: Labels,
}

/// What of a namespace matters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Namespace {
    /// What its objects ask for that do not say themselves.
    pub asks: Asks,
    /// The same for ingress gateways.
    pub ingress: Option<Ingress>,
    /// All its labels: a waypoint may choose namespaces by any. Its annotations where a rule reads them.
    pub facts: Arc<source::Namespace>,
}

/// What the label `istio.io/use-waypoint` of an object says
/// (`GetUseWaypoint` in `pilot/pkg/serviceregistry/ambient/waypoints.go`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asks {
    /// There is no such label.
    NotSaid,
    /// `none`
    ForNone,
    /// For the waypoint of this name.
    For {
        /// Of the label `istio.io/use-waypoint-namespace`; else it is in the object's own.
        namespace: Option<Box<str>>,
        /// What it is called.
        name: Box<str>,
    },
}

/// Whose a Service is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Belongs {
    /// Of a waypoint or an east-west gateway, in front of which there is no waypoint.
    ToWaypoint,
    /// Of somebody else.
    ToOther,
}

const USE_WAYPOINT: &str = "istio.io/use-waypoint";
const USE_WAYPOINT_NAMESPACE: &str = "istio.io/use-waypoint-namespace";
const INGRESS_USE_WAYPOINT: &str = "istio.io/ingress-use-waypoint";

// === impl Service ===

impl Service {
    /// The Service, with its name.
    pub fn of(service: &Watched<Selecting>) -> Option<(ObjectName, Self)> {
        let (name, mut converted) = Self::of_metadata(&service.metadata)?;
        converted.selector = Labels::all(service.spec.selector.as_ref());
        Some((name, converted))
    }

    /// The ServiceEntry of this metadata, with its name.
    pub fn of_metadata(metadata: &ObjectMeta) -> Option<(ObjectName, Self)> {
        let name = ObjectName::new(metadata.namespace.as_deref()?, metadata.name.as_deref()?);
        let belongs = match label(metadata, "gateway.istio.io/managed") {
            Some("istio.io-mesh-controller" | "istio.io-eastwest-controller") => {
                Belongs::ToWaypoint
            }
            Some(_) | None => Belongs::ToOther,
        };
        let converted = Self {
            asks: Asks::of(&|key| label(metadata, key)),
            ingress: ingress(metadata),
            belongs,
            selector: Labels::default(),
        };
        Some((name, converted))
    }
}

// === impl Namespace ===

impl Namespace {
    /// The namespace of this metadata, with its name, and with its annotations where `keep` has them.
    pub fn of(metadata: &ObjectMeta, keep: Fields) -> Option<(Box<str>, Self)> {
        let name = metadata.name.as_deref()?.into();
        let annotations = if keep.contains(Field::NamespaceAnnotations) {
            Labels::all(metadata.annotations.as_ref())
        } else {
            Labels::default()
        };
        let facts = source::Namespace {
            labels: Labels::all(metadata.labels.as_ref()),
            annotations,
        };
        let converted = Self {
            asks: Asks::of(&|key| label(metadata, key)),
            ingress: ingress(metadata),
            facts: Arc::new(facts),
        };
        Some((name, converted))
    }
}

// === impl Asks ===

impl Asks {
    /// What these labels say.
    pub fn of<'l>(label: &impl Fn(&str) -> Option<&'l str>) -> Self {
        match label(USE_WAYPOINT) {
            None => Self::NotSaid,
            Some("none") => Self::ForNone,
            Some(name) => Self::For {
                namespace: label(USE_WAYPOINT_NAMESPACE).map(Into::into),
                name: name.into(),
            },
        }
    }
}

/// After `ingressUseWaypointFromLabels` in `pilot/pkg/serviceregistry/ambient/services.go`, which parses as
/// Go's `strconv.ParseBool` does and takes what it cannot parse for false.
fn ingress(metadata: &ObjectMeta) -> Option<Ingress> {
    label(metadata, INGRESS_USE_WAYPOINT).map(|value| match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ingress::ThroughWaypoint,
        _ => Ingress::PastWaypoint,
    })
}

fn label<'m>(metadata: &'m ObjectMeta, key: &str) -> Option<&'m str> {
    let labels = metadata.labels.as_ref()?;
    labels.get(key).map(String::as_str)
}

// === impl Selecting ===

impl Spec for Selecting {}
