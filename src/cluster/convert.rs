//! The one place where Kubernetes objects become facts, for webhook, audit and command line alike.
//!
//! [`Opened`] is for the object of a review, parsed with it. The modules are for what is watched: each keeps of an
//! object what facts need, and nothing else.

pub mod asks;
pub mod gateway;
pub mod mesh;
pub mod object;
pub mod pod;
pub mod service;
pub mod template;
pub mod workload;

pub mod cni;
pub mod injectors;
pub mod registered;
mod selector;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer};

use crate::placement::facts::{NotAPod, Pod};
use crate::placement::json::{Depth, Node, Object};
use crate::placement::selector::BadRequirement;

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

/// Why an object of Istio's does not become a fact.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON, or of another kind.
    #[error("this is not a {object}, or not its JSON")]
    Json {
        /// What it should be.
        object: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A ConfigMap without a key that it must have.
    #[error("the ConfigMap has no key {key}")]
    NoKey {
        /// The key.
        key: &'static str,
    },
    /// A text in it that Istio could not read either.
    #[error("key {key} of the ConfigMap is not the YAML that Istio reads there")]
    Yaml {
        /// The key.
        key: &'static str,
        /// What is wrong.
        #[source]
        source: Box<serde_saphyr::Error>,
    },
    /// A selector that Kubernetes does not take.
    #[error("{field} is no label selector")]
    Selector {
        /// Where it stands.
        field: String,
        /// What is wrong.
        #[source]
        source: BadRequirement,
    },
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
struct ConfigMap {
    metadata: Metadata,
    #[serde(default)]
    data: BTreeMap<String, String>,
}

/// What placing looks at in nearly every Pod.
const METADATA_AND_SPEC: Depth = Depth::open(&[
    (
        "metadata",
        Depth::open(&[
            ("labels", Depth::TEXTS),
            ("annotations", Depth::TEXTS),
            ("managedFields", Depth::Brackets),
        ]),
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

// === impl ConfigMap ===

impl ConfigMap {
    /// The value of the YAML at `key`.
    fn yaml<T: DeserializeOwned>(&self, key: &'static str) -> Result<T, Unreadable> {
        let text = self.data.get(key).ok_or(Unreadable::NoKey { key })?;
        serde_saphyr::from_str(text).map_err(|error| Unreadable::Yaml {
            key,
            source: Box::new(error),
        })
    }
}

fn json<T: DeserializeOwned>(object: &'static str, text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|source| Unreadable::Json { object, source })
}
#[cfg(test)]
mod tests;
