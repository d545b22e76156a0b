//! The codes of what is said about a policy. A code and its word never change and are never used again.

/// One thing that is said about a policy.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Code {
    /// Such as `MM201`.
    pub id: &'static str,
    /// The same as a word, as conditions of Kubernetes write theirs: `NeedsAttachment`.
    pub word: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $id:literal $word:literal;)+) => {
        impl Code {
            $($(#[$doc])* pub const $name: Self = Self { id: $id, word: $word };)+

            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

codes! {
    // MM200 to MM219: the attachment and the document itself.
    /// Something in the policy can be enforced by a waypoint only, and nothing attaches it to one.
    NEEDS_ATTACHMENT "MM201" "NeedsAttachment";
    // MM220 to MM239: what ztunnel receives.
    // MM240 to MM259: what the waypoint receives.
    // MM260 to MM269: sidecars and gateways.
    // MM270 to MM279: what no enforcer can repair.
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}
