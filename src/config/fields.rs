//! The fields of the configuration file: one table that the reader checks a file against, and that the
//! JSON Schema is made from, so that the two cannot disagree.

use std::time::Duration;

use crate::placement::Mode;

/// One field of a section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) presence: Presence,
    pub(crate) doc: &'static str,
}

/// Whether a field may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
}

/// What may stand in a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Just this text.
    Constant(&'static str),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// true or false.
    Bool,
    /// Milliseconds or seconds, at most so many milliseconds.
    Duration(u64),
    /// Any text that is not empty.
    Text,
    /// A lower-case name with dashes, as of Kubernetes objects.
    Name,
    /// A name that expressions can use: letters, digits and underscores.
    Identifier,
    /// A CEL expression.
    Expression,
    /// Label keys and values.
    Labels,
    /// Keys with texts of any kind, as of annotations.
    Texts,
    /// A whole number of at least 0.
    Count,
    /// A map of somebody else's: a Kubernetes object.
    Object,
    /// A list of some of these texts.
    SomeOf(&'static [&'static str]),
    /// A text, or a list of texts.
    TextOrTexts,
    /// A section of its own.
    Section(&'static [Field]),
    /// A list of sections, at most so many.
    List(&'static [Field], usize),
}

use Presence::{Optional, Required};

/// Each may use the one before it, so their number bounds how deep one nests in the other.
const MAX_VARIABLES: usize = 64;
/// All of them may be asked for every Pod.
const MAX_RULES: usize = 256;
/// In milliseconds: the API server waits for us while we wait.
pub(super) const MAX_OWNER_WAIT: u64 = 1000;
/// The value of `apiVersion`.
pub(crate) const API_VERSION: &str = "meshmode.io/v1alpha1";
/// The value of `kind`.
pub(super) const KIND: &str = "MeshmodeConfiguration";

/// The modes.
pub(crate) const MODES: &[&str] = &[
    Mode::Ambient.as_str(),
    Mode::Sidecar.as_str(),
    Mode::None.as_str(),
    Mode::Leave.as_str(),
];

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
        "placement",
        Shape::Section(PLACEMENT),
        Optional,
        "How Pods are placed; without it, as by default.",
    ),
    field(
        "authorizationPolicies",
        Shape::Section(AUTHORIZATION_POLICIES),
        Optional,
        "How AuthorizationPolicies are judged; without it, as by default.",
    ),
];

pub(super) const PLACEMENT: &[Field] = &[
    field(
        "variables",
        Shape::List(VARIABLE, MAX_VARIABLES),
        Optional,
        "Named expressions, evaluated at most once a Pod and only where they are read; each may use those before it.",
    ),
    field(
        "rules",
        Shape::List(RULE, MAX_RULES),
        Optional,
        "In order: the first rule whose condition holds decides.",
    ),
    field(
        "default",
        Shape::Section(DEFAULT),
        Required,
        "What decides when no rule does.",
    ),
    field(
        "modes",
        Shape::Section(MODE_LABELS),
        Optional,
        "The labels that each mode sets; a mode that is left out keeps its default.",
    ),
    field(
        "ownerWait",
        Shape::Duration(MAX_OWNER_WAIT),
        Optional,
        "How long a review waits for an object of the cluster that was not seen yet; 50ms without it, at most 1s.",
    ),
];

pub(super) const VARIABLE: &[Field] = &[
    field(
        "name",
        Shape::Identifier,
        Required,
        "Read in expressions as variables.NAME.",
    ),
    field("expression", Shape::Expression, Required, "CEL."),
];

pub(super) const RULE: &[Field] = &[
    field(
        "name",
        Shape::Name,
        Required,
        "The name in records, metrics and messages; unique.",
    ),
    field(
        "when",
        Shape::Expression,
        Required,
        "CEL giving a bool: whether this rule decides.",
    ),
    field(
        "mode",
        Shape::OneOf(MODES),
        Optional,
        "The mode it gives; either this or modeExpression.",
    ),
    field(
        "modeExpression",
        Shape::Expression,
        Optional,
        "CEL giving the name of a mode; another value is a warning, and the next rule is asked.",
    ),
    field(
        "reason",
        Shape::Text,
        Optional,
        "Why, for records and people.",
    ),
    field(
        "reasonExpression",
        Shape::Expression,
        Optional,
        "CEL giving a string: the reason, with what decided on this Pod; where it has no value or is empty, reason is used.",
    ),
    field(
        "onUnknown",
        Shape::OneOf(&["leave", "next"]),
        Optional,
        "When the rule cannot be evaluated, or a fact of the cluster is not available: leave the Pod alone (the default), or ask the next rule.",
    ),
    field(
        "warningExpression",
        Shape::Expression,
        Optional,
        "CEL giving a string that is shown to the Pod's author, asked whenever the rule is; empty for nothing to say.",
    ),
];

pub(super) const DEFAULT: &[Field] = &[
    field("mode", Shape::OneOf(MODES), Required, "The mode."),
    field(
        "reason",
        Shape::Text,
        Optional,
        "Why, for records and people.",
    ),
];

pub(super) const MODE_LABELS: &[Field] = &[
    field(
        Mode::Ambient.as_str(),
        Shape::Section(LABELS),
        Optional,
        "Captured by ztunnel.",
    ),
    field(
        Mode::Sidecar.as_str(),
        Shape::Section(LABELS),
        Optional,
        "A proxy of its own.",
    ),
    field(
        Mode::None.as_str(),
        Shape::Section(LABELS),
        Optional,
        "Out of the mesh.",
    ),
];

pub(super) const LABELS: &[Field] = &[field(
    "labels",
    Shape::Labels,
    Required,
    "Set where they are missing; never overwritten.",
)];

pub(super) const AUTHORIZATION_POLICIES: &[Field] = &[
    field(
        "attachment",
        Shape::OneOf(&["whenNeeded", "always", "off"]),
        Optional,
        "Which policies must be attached to a waypoint.",
    ),
    field(
        "annotation",
        Shape::OneOf(&["warn", "refuse"]),
        Optional,
        "An attachment that is only the annotation istio.io/waypoint-for, which Istio ignores.",
    ),
    field(
        "failOpen",
        Shape::OneOf(&["refuse", "warn"]),
        Optional,
        "An unattached policy that lets through what it says it refuses, at workloads known to be ambient.",
    ),
    field(
        "breakGlass",
        Shape::Bool,
        Optional,
        "Whether the annotation meshmode.io/admit: REASON on a policy admits what would be refused; true without it.",
    ),
];

/// One field of a table.
pub(crate) const fn field(
    name: &'static str,
    shape: Shape,
    presence: Presence,
    doc: &'static str,
) -> Field {
    Field {
        name,
        shape,
        presence,
        doc,
    }
}

/// The duration in `text`, where it is one of at most `most` milliseconds.
pub(super) fn duration(text: &str, most: u64) -> Option<Duration> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s')?, 1000),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = plain.then(|| digits.parse().ok()).flatten()?;
    let milliseconds = number.checked_mul(unit)?;
    (milliseconds <= most).then(|| Duration::from_millis(milliseconds))
}
