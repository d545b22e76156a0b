//! How a policy says which waypoint is to enforce it: `spec.targetRefs`, which Istio reads, or the
//! annotation `istio.io/waypoint-for`, which people write and Istio ignores.

mod grammar;
mod names;

use std::fmt;

use super::policy::{AuthorizationPolicy, TargetRef};

pub use grammar::{ALLOWED, MalformedAnnotation, Part, Problem};
pub use names::{BadName, NameRule};

/// The annotation. Istio knows this name as a label of Gateways only.
pub const WAYPOINT_FOR: &str = "istio.io/waypoint-for";

/// What attaches a policy to a waypoint.
#[derive(Clone, Debug)]
pub enum Attachment<'a> {
    /// `spec.targetRefs`, or `spec.targetRef`.
    TargetRefs {
        /// At least one.
        targets: &'a [TargetRef<'a>],
        /// The annotation, when it stands beside them.
        annotation: Option<WaypointFor<'a>>,
    },
    /// The annotation alone, and it is not `none`.
    Annotation(WaypointFor<'a>),
    /// Nothing.
    None(Unattached),
}

/// Why a policy is not attached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unattached {
    /// It has neither targets nor the annotation.
    Absent,
    /// It has no targets, and the annotation says `none`.
    AnnotationSaysNone,
}

/// What the annotation says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WaypointFor<'a> {
    /// `service`: waypoints for traffic to Services.
    Service,
    /// `workload`: waypoints for traffic to Pods.
    Workload,
    /// `all`: both.
    All,
    /// `none`: no waypoint.
    None,
    /// These, at least one.
    Named(Vec<Named<'a>>),
}

/// One entry of a list: `gateway:NAMESPACE/NAME`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Named<'a> {
    /// What kind of thing.
    pub kind: NamedKind,
    /// Where it is.
    pub namespace: &'a str,
    /// What it is called.
    pub name: &'a str,
}

/// What a list may name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NamedKind {
    /// `serviceaccount`
    ServiceAccount,
    /// `service`
    Service,
    /// `gateway`
    Gateway,
}

// === impl Attachment ===

impl<'a> Attachment<'a> {
    /// What attaches this policy. A malformed annotation is an error also where targets decide.
    pub fn of(policy: &'a AuthorizationPolicy<'_>) -> Result<Self, MalformedAnnotation> {
        let annotation = policy
            .annotation(WAYPOINT_FOR)
            .map(WaypointFor::parse)
            .transpose()?;
        Ok(match (policy.spec.targets(), annotation) {
            ([], None) => Self::None(Unattached::Absent),
            ([], Some(WaypointFor::None)) => Self::None(Unattached::AnnotationSaysNone),
            ([], Some(waypoint_for)) => Self::Annotation(waypoint_for),
            (targets, annotation) => Self::TargetRefs {
                targets,
                annotation,
            },
        })
    }
}

// === impl WaypointFor ===

impl<'a> WaypointFor<'a> {
    /// Reads the annotation's value.
    pub fn parse(value: &'a str) -> Result<Self, MalformedAnnotation> {
        grammar::parse(value)
    }

    /// The things it names, if it names any.
    pub fn named(&self) -> &[Named<'a>] {
        match self {
            Self::Service | Self::Workload | Self::All | Self::None => &[],
            Self::Named(named) => named,
        }
    }
}

/// As the annotation is written; `parse` gives the same value back.
impl fmt::Display for WaypointFor<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => formatter.write_str("service"),
            Self::Workload => formatter.write_str("workload"),
            Self::All => formatter.write_str("all"),
            Self::None => formatter.write_str("none"),
            Self::Named(named) => {
                for (index, named) in named.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(formatter, "{comma}{named}")?;
                }
                Ok(())
            }
        }
    }
}

// === impl Named ===

impl fmt::Display for Named<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            namespace,
            name,
        } = self;
        write!(formatter, "{}:{namespace}/{name}", kind.as_str())
    }
}

// === impl NamedKind ===

impl NamedKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ServiceAccount, Self::Service, Self::Gateway];

    /// The kind as the annotation writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceAccount => "serviceaccount",
            Self::Service => "service",
            Self::Gateway => "gateway",
        }
    }
}

#[cfg(test)]
mod tests;
