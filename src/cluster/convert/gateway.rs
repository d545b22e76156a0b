//! Gateways and GatewayClasses of the Gateway API.

use kube::core::DynamicObject;
use serde::Deserialize;

use super::selector::LabelSelector;
use crate::authorization::facts::{Controller, ObjectName, Readiness, Traffic};
use crate::placement::selector::Selector;

/// What of a Gateway matters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gateway {
    /// Its class, by name.
    pub class: Box<str>,
    /// What its label `istio.io/waypoint-for` says, if it is there.
    pub traffic: Option<Traffic>,
    /// Whether it has an address.
    pub readiness: Readiness,
    /// From where it may be asked for.
    pub allowed: Allowed,
    /// The ServiceAccount of its Pods, if an annotation names one.
    pub service_account: Option<Box<str>>,
}

/// What of a GatewayClass matters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayClass {
    /// Who makes its Gateways.
    pub controller: Controller,
    /// What its label `istio.io/waypoint-for` says, if it is there.
    pub traffic: Option<Traffic>,
}

/// The namespaces that may ask for a waypoint
/// (`makeAllowedRoutes` in `pilot/pkg/serviceregistry/ambient/waypoints.go`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Allowed {
    /// Its own.
    Same,
    /// All.
    All,
    /// Those with such labels.
    Selector(Selector),
    /// None: there is no selector, or one that Kubernetes does not take.
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Fields {
    spec: Spec,
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    gateway_class_name: String,
    listeners: Vec<Listener>,
    controller_name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    addresses: Vec<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Listener {
    port: u32,
    protocol: String,
    allowed_routes: Option<AllowedRoutes>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AllowedRoutes {
    namespaces: Option<RouteNamespaces>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RouteNamespaces {
    from: Option<String>,
    selector: Option<LabelSelector>,
}

const WAYPOINT_FOR: &str = "istio.io/waypoint-for";
/// Names the listener that ztunnel connects to, as `PROXY` or `PROXY/PORT`, where it is not that of HBONE.
const INBOUND_BINDING: &str = "ambient.istio.io/waypoint-inbound-binding";

// === impl Gateway ===

impl Gateway {
    /// The Gateway, with its name; nothing where it cannot be read, which the API server does not store.
    pub fn of(object: &DynamicObject) -> Option<(ObjectName, Self)> {
        let metadata = &object.metadata;
        let name = ObjectName::new(metadata.namespace.as_deref()?, metadata.name.as_deref()?);
        let fields = Fields::of(object)?;
        let annotation = |key| metadata.annotations.as_ref()?.get(key).map(String::as_str);
        let readiness = if fields.status.addresses.is_empty() {
            Readiness::NotReady
        } else {
            Readiness::Ready
        };
        let listener = bound(fields.spec.listeners, annotation(INBOUND_BINDING));
        let converted = Self {
            class: fields.spec.gateway_class_name.as_str().into(),
            traffic: traffic(object),
            readiness,
            allowed: listener.map_or(Allowed::Same, Allowed::by),
            service_account: annotation("gateway.istio.io/service-account").map(Into::into),
        };
        Some((name, converted))
    }
}

// === impl GatewayClass ===

impl GatewayClass {
    /// The class, with its name.
    pub fn of(object: &DynamicObject) -> Option<(Box<str>, Self)> {
        let name = object.metadata.name.as_deref()?.into();
        let fields = Fields::of(object)?;
        let converted = Self {
            controller: Controller::named(&fields.spec.controller_name),
            traffic: traffic(object),
        };
        Some((name, converted))
    }
}

// === impl Fields ===

impl Fields {
    fn of(object: &DynamicObject) -> Option<Self> {
        Self::deserialize(&object.data).ok()
    }
}

fn traffic(object: &DynamicObject) -> Option<Traffic> {
    let labels = object.metadata.labels.as_ref()?;
    labels.get(WAYPOINT_FOR).map(|value| Traffic::parse(value))
}

/// The listener whose `allowedRoutes` count (`findBoundListener`).
fn bound(listeners: Vec<Listener>, binding: Option<&str>) -> Option<Listener> {
    let named = binding.and_then(|binding| {
        let (protocol, port) = binding.split_once('/').unwrap_or((binding, "0"));
        listeners.iter().position(|listener| match port.parse() {
            Ok(0) => protocol == "PROXY" && listener.protocol == "istio.io/PROXY",
            Ok(port) => listener.port == port,
            Err(_) => false,
        })
    });
    let hbone = |listener: &Listener| listener.protocol == "HBONE" && listener.port == 15008;
    let index = named.or_else(|| listeners.iter().position(hbone))?;
    listeners.into_iter().nth(index)
}

// === impl Allowed ===

impl Allowed {
    fn by(listener: Listener) -> Self {
        let routes = listener.allowed_routes;
        let Some(namespaces) = routes.and_then(|routes| routes.namespaces) else {
            return Self::Same;
        };
        match (namespaces.from.as_deref(), namespaces.selector) {
            (Some("All"), _) => Self::All,
            (Some("Selector"), Some(selector)) => {
                Selector::try_from(selector).map_or(Self::None, Self::Selector)
            }
            (Some("Selector"), None) => Self::None,
            (Some(_) | None, _) => Self::Same,
        }
    }
}
