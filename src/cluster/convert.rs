//! The one place where Kubernetes objects become facts, for webhook, audit and command line alike.
//!
//! [`Opened`] is for the object of a review, parsed with it. The modules are for what is watched: each keeps of an
//! object what facts need, and nothing else.

pub mod gateway;
pub mod mesh;
pub mod pod;
pub mod service;

use serde::de::{DeserializeSeed, Deserializer};

use crate::placement::facts::{NotAPod, Pod};
use crate::placement::json::{Depth, Node, Object};

/// A Kubernetes object whose metadata and spec are opened while the document around it is parsed, so that
/// a review is read once. `null` where there is none (the object of a DELETE).
#[derive(Debug, Default)]
pub struct Opened<'a>(Option<Object<'a>>);

/// Why there is no Pod in an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPod {
    /// `null`, or nothing.
    #[error("there is no object where the Pod should be")]
    NoObject,
    /// One without metadata.
    #[error(transparent)]
    Malformed(NotAPod),
}

/// What placing looks at in nearly every Pod.
const METADATA_AND_SPEC: Depth = Depth::open(&[
    (
        "metadata",
        Depth::open(&[("labels", Depth::TEXTS), ("annotations", Depth::TEXTS)]),
    ),
    ("spec", Depth::SHALLOW),
]);

// === impl Opened ===

impl<'a> Opened<'a> {
    /// The Pod in it.
    ///
    /// # Errors
    /// There is no object, or it has no metadata.
    pub fn into_pod(self) -> Result<Pod<'a>, NoPod> {
        let object = self.0.ok_or(NoPod::NoObject)?;
        Pod::new(object).map_err(NoPod::Malformed)
    }
}

impl<'de> serde::Deserialize<'de> for Opened<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        METADATA_AND_SPEC
            .deserialize(deserializer)
            .map(Node::into_object)
            .map(Self)
    }
}

#[cfg(test)]
mod tests;
