//! What the operator chose: `authorizationPolicies` in the configuration.

use serde::{Deserialize, Serialize};

/// How strict a verdict is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Which policies must be attached to a waypoint.
    pub attachment: RequireAttachment,
    /// What to do with an attachment that is only the annotation.
    pub annotation: OnAnnotation,
    /// What to do with an unattached policy that lets through what it says it refuses. To know that
    /// takes facts about what the policy selects: the structural verdict does not consult this.
    pub fail_open: OnFailOpen,
}

/// `attachment`: which policies must be attached to a waypoint.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RequireAttachment {
    /// Those in which something can be enforced by a waypoint only.
    #[default]
    WhenNeeded,
    /// Every policy, one that ztunnel could enforce too.
    Always,
    /// None: a missing attachment is not looked at.
    Off,
}

/// `annotation`: what to do with an attachment that is only the annotation, which Istio ignores.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OnAnnotation {
    /// Admit it, and say what happens to the policy.
    #[default]
    Warn,
    /// Refuse it: for those who have cleaned up.
    Refuse,
}

/// `failOpen`: what to do with an unattached policy that lets through what it says it refuses.
/// Accepted, but no verdict consults it yet.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OnFailOpen {
    /// Refuse it.
    #[default]
    Refuse,
    /// Admit it with a warning.
    Warn,
}
