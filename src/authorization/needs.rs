//! What in a policy only a waypoint can enforce, as far as it selects ambient workloads.
//!
//! ztunnel enforces what can be seen of a connection. It drops what takes HTTP to see, and it does
//! not carry out the actions CUSTOM and AUDIT at all. A selector that picks a waypoint's own Pods is
//! ignored by that waypoint, which reads `targetRefs` only.

use std::fmt;

use super::policy::{Action, AuthorizationPolicy, Field, Fields, Layer, Rule, Selector};

/// One thing that only a waypoint can enforce.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Need<'a> {
    /// The field, such as `spec.rules[0].to[1].operation.methods`.
    pub path: String,
    /// Why a waypoint.
    pub cause: Cause<'a>,
}

/// Why something can be enforced by a waypoint only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause<'a> {
    /// A field that tests an HTTP attribute.
    HttpField,
    /// A `when` key that is none of the five ztunnel knows.
    HttpKey(&'a str),
    /// The action CUSTOM or AUDIT.
    Action(&'a str),
    /// A selector that picks a waypoint's Pods.
    Selector(Picked<'a>),
}

/// Which Pods of a gateway a selector picks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Picked<'a> {
    /// Waypoints, of this name if it says one.
    Waypoints(Option<&'a str>),
    /// Pods with the label that Istio gave gateways and waypoints before 1.24.
    BeforeIstio124(&'a str),
    /// The Pods of the Gateway of this name, a waypoint or an ordinary one: the structure of the
    /// policy does not tell.
    ///
    /// An ordinary Gateway does honour a selector. It counts as a need all the same: where the
    /// Gateway is a waypoint nothing at all would be enforced, and `targetRefs` with that name are
    /// read by both kinds, so the remedy is right whichever it is.
    GatewayOrWaypoint(&'a str),
}

/// The label on the Pods of each Gateway of the Gateway API: its name.
pub const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
/// The label on the same Pods: the class of their Gateway.
pub const GATEWAY_CLASS_NAME: &str = "gateway.networking.k8s.io/gateway-class-name";
/// The label on the same Pods: Istio's controller for that class.
pub const MANAGED: &str = "gateway.istio.io/managed";
/// The label that carried the name before Istio 1.24.
pub const OLD_GATEWAY_NAME: &str = "istio.io/gateway-name";

/// The class of Istio's waypoints.
pub const WAYPOINT_CLASS: &str = "istio-waypoint";
const WAYPOINT_CONTROLLER: &str = "istio.io-mesh-controller";

/// All needs of a policy, in the order of its fields: selector, action, rules.
pub fn needs<'a>(policy: &'a AuthorizationPolicy<'_>) -> Vec<Need<'a>> {
    let spec = &policy.spec;
    let mut needs = Vec::new();
    needs.extend(spec.selector.as_ref().and_then(selector_need));
    needs.extend(action_need(&spec.action));
    for (index, rule) in spec.rules.as_slice().iter().enumerate() {
        needs.extend(rule_needs(rule, &format!("spec.rules[{index}]")));
    }
    needs
}

/// The fields that ztunnel drops without a word, although every other enforcer tests them.
pub fn trust_domains(policy: &AuthorizationPolicy<'_>) -> Vec<String> {
    let rules = policy.spec.rules.as_slice().iter().enumerate();
    rules
        .flat_map(|(index, rule)| {
            source_fields(rule, Layer::TrustDomain, &format!("spec.rules[{index}]"))
        })
        .collect()
}

fn selector_need<'a>(selector: &'a Selector<'_>) -> Option<Need<'a>> {
    let label = |key| {
        let labels = selector.match_labels.as_ref()?;
        labels.get(key).map(|value| &**value)
    };
    let old_name = label(OLD_GATEWAY_NAME);
    let name = label(GATEWAY_NAME);
    let (key, picked) = match (label(GATEWAY_CLASS_NAME), label(MANAGED)) {
        (Some(class), _) if class != WAYPOINT_CLASS => return None,
        (_, Some(controller)) if controller != WAYPOINT_CONTROLLER => return None,
        (Some(_), _) => (GATEWAY_CLASS_NAME, Picked::Waypoints(name.or(old_name))),
        (None, Some(_)) => (MANAGED, Picked::Waypoints(name.or(old_name))),
        (None, None) => match (old_name, name) {
            (Some(old_name), _) => (OLD_GATEWAY_NAME, Picked::BeforeIstio124(old_name)),
            (None, Some(name)) => (GATEWAY_NAME, Picked::GatewayOrWaypoint(name)),
            (None, None) => return None,
        },
    };
    Some(Need {
        path: format!("spec.selector.matchLabels[{key}]"),
        cause: Cause::Selector(picked),
    })
}

fn action_need<'a>(action: &'a Action<'_>) -> Option<Need<'a>> {
    match action {
        Action::Audit | Action::Custom => Some(Need {
            path: "spec.action".to_owned(),
            cause: Cause::Action(action.as_str()),
        }),
        // An unknown action is for the API server to refuse.
        Action::Allow | Action::Deny | Action::Unknown(_) => None,
    }
}

fn rule_needs<'a>(rule: &'a Rule<'_>, path: &str) -> Vec<Need<'a>> {
    let operations = rule.operations().flat_map(|(index, operation)| {
        field_paths(
            operation,
            Layer::Http,
            &format!("{path}.to[{index}].operation"),
        )
    });
    let fields = source_fields(rule, Layer::Http, path)
        .into_iter()
        .chain(operations)
        .map(|path| Need {
            path,
            cause: Cause::HttpField,
        });
    let conditions = rule.conditions().iter().enumerate();
    let keys = conditions
        .filter(|(_, condition)| condition.layer() != Layer::L4)
        .map(|(index, condition)| Need {
            path: format!("{path}.when[{index}]"),
            cause: Cause::HttpKey(&condition.key),
        });
    fields.chain(keys).collect()
}

fn source_fields(rule: &Rule<'_>, layer: Layer, path: &str) -> Vec<String> {
    rule.sources()
        .flat_map(|(index, source)| {
            field_paths(source, layer, &format!("{path}.from[{index}].source"))
        })
        .collect()
}

fn field_paths<F: Field>(fields: &Fields<'_, F>, layer: Layer, path: &str) -> Vec<String> {
    fields
        .of_layer(layer)
        .map(|field| format!("{path}.{}", field.name()))
        .collect()
}

// === impl Need ===

/// The field, and its value where the field alone does not tell.
impl fmt::Display for Need<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.cause {
            Cause::HttpField | Cause::Selector(_) => formatter.write_str(path),
            Cause::HttpKey(key) => write!(formatter, "{path} ({key})"),
            Cause::Action(action) => write!(formatter, "{path} {action}"),
        }
    }
}

// === impl Picked ===

impl<'a> Picked<'a> {
    /// The Gateway it names, if it names one.
    pub fn gateway(self) -> Option<&'a str> {
        match self {
            Self::Waypoints(name) => name,
            Self::BeforeIstio124(name) | Self::GatewayOrWaypoint(name) => Some(name),
        }
    }
}

#[cfg(test)]
mod tests;
