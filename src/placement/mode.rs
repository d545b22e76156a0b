//! The dataplane modes, by the names that rules, annotations and records use.

use std::fmt;
use std::str::FromStr;

/// What a Pod's dataplane is to be. There is no Istio label value for `sidecar`: what each mode means
/// in labels is configuration (`placement.modes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Captured by ztunnel.
    Ambient,
    /// A proxy of its own, injected by istiod.
    Sidecar,
    /// Out of the mesh.
    None,
    /// Not ours to decide: no change.
    Leave,
}

/// A value that is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a mode; allowed: ambient, sidecar, none, leave")]
pub struct UnknownMode {
    /// What was written.
    pub value: String,
}

// === impl Mode ===

impl Mode {
    /// All modes, in the order in which they are documented.
    pub const ALL: [Self; 4] = [Self::Ambient, Self::Sidecar, Self::None, Self::Leave];

    /// The name, as written in configurations, annotations and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ambient => "ambient",
            Self::Sidecar => "sidecar",
            Self::None => "none",
            Self::Leave => "leave",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(value: &str) -> Result<Self, UnknownMode> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == value)
            .ok_or_else(|| UnknownMode {
                value: value.to_owned(),
            })
    }
}
