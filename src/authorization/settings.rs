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
    /// What to do with an unattached policy that lets through what it says it refuses, at workloads
    /// that are known to be ambient.
    pub fail_open: OnFailOpen,
    /// Whether an author can admit what would be refused.
    pub break_glass: BreakGlass,
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
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OnFailOpen {
    /// Refuse it.
    #[default]
    Refuse,
    /// Admit it with a warning.
    Warn,
}

/// `breakGlass`: whether the annotation `meshmode.io/admit: REASON` admits what would be refused.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "bool", into = "bool")]
pub enum BreakGlass {
    /// `true`: it does, with a warning.
    #[default]
    Allowed,
    /// `false`: it is ignored.
    Off,
}

// === impl BreakGlass ===

impl From<bool> for BreakGlass {
    fn from(allowed: bool) -> Self {
        if allowed { Self::Allowed } else { Self::Off }
    }
}

impl From<BreakGlass> for bool {
    fn from(setting: BreakGlass) -> Self {
        setting == BreakGlass::Allowed
    }
}
