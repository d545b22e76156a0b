//! How far a route goes: the webhook configuration sends each namespace's objects to one of them.

/// How far a decision is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// Patches and refuses: namespaces labelled `meshmode.io/webhook: enabled`.
    Enforce,
    /// Says what would be refused, and refuses nothing: policies of the mesh's root namespace.
    Warn,
    /// Decides and records (audit annotations, metrics, log), and is silent to whoever sends the object:
    /// namespaces labelled `meshmode.io/webhook: observe`.
    Observe,
}

// === impl Stance ===

impl Stance {
    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Observe => "observe",
        }
    }

    /// Those of `warnings` that are sent.
    pub fn warnings(self, warnings: Vec<String>) -> Vec<String> {
        match self {
            Self::Enforce | Self::Warn => warnings,
            Self::Observe => Vec::new(),
        }
    }
}
