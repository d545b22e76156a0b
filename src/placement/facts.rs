//! What a decision may look at. Plain data that borrows from the review: whoever has the facts fills them in
//! (`cluster::convert`), and what the cluster says is asked of a [`Source`].

pub mod field;
pub mod resource;
pub mod source;
pub(super) mod view;

use super::json::{Node, Object};
use super::selector;
use super::workload::{Controller, WorkloadRef};

pub use self::field::{Field, Fields};
pub use self::resource::{Resource, Resources};
pub use self::source::{Missing, NoCluster, Source};

/// The facts of one decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f, 'a, 'r> {
    /// The Pod as it was sent.
    pub pod: &'f Pod<'a>,
    /// `request` of the review as expressions see it, where a rule reads it.
    pub request: &'f Object<'r>,
    /// The namespace that the Pod is created in.
    pub namespace: &'f str,
    /// Whose Pod it is.
    pub owner: Owner<'f>,
    /// What the cluster says.
    pub cluster: &'f dyn Source,
}

/// Whose Pod it is.
#[derive(Debug, Clone, Copy)]
pub enum Owner<'f> {
    /// As the Pod's own metadata tells: its workload and its revision.
    OfPod,
    /// The same; and nothing is patched here, so that others of its revision without a placement mean nothing.
    Observed,
    /// It is a Pod to come, of the template of this workload: of a revision that has no Pods.
    Template(&'f WorkloadRef<'f>),
}

/// A Pod whose metadata and spec have been opened one level deep; what lies below is parsed on demand.
#[derive(Debug)]
pub struct Pod<'a> {
    object: Object<'a>,
}

/// A node that must be an object and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} of the Pod must be {allowed}")]
pub struct NotAPod {
    /// The path of the field.
    pub field: &'static str,
    /// What may stand there.
    pub allowed: &'static str,
}

/// Labels or annotations, as far as a JSON patch must tell the cases apart.
#[derive(Debug, Clone, Copy)]
pub enum StringMap<'f, 'a> {
    /// Absent or `null`: a patch has to add the whole map.
    Missing,
    /// There, perhaps empty: a patch adds keys.
    Present(&'f Object<'a>),
}

// === impl Pod ===

impl<'a> Pod<'a> {
    /// The Pod in `node`, which has been opened at `metadata`, its labels and annotations, and `spec`.
    ///
    /// # Errors
    /// `metadata` is no object, or the labels or annotations are neither an object nor `null`: then no
    /// patch could be applied.
    pub fn new(object: Object<'a>) -> Result<Self, NotAPod> {
        let pod = Self { object };
        if pod.field("metadata").is_none() {
            return Err(NotAPod {
                field: "metadata",
                allowed: "an object",
            });
        }
        Ok(pod)
    }

    /// The whole object, as the CEL variable `object`.
    pub fn object(&self) -> &Object<'a> {
        &self.object
    }

    /// `metadata.name`, else `metadata.generateName`, else nothing.
    pub fn name(&self) -> &str {
        let text = |key| {
            self.metadata(key)
                .and_then(Node::as_str)
                .filter(|name| !name.is_empty())
        };
        text("name")
            .or_else(|| text("generateName"))
            .unwrap_or_default()
    }

    /// `metadata.namespace`, empty where the request alone says it.
    pub fn namespace(&self) -> &str {
        self.metadata("namespace")
            .and_then(Node::as_str)
            .unwrap_or_default()
    }

    /// The labels.
    pub fn labels(&self) -> StringMap<'_, 'a> {
        self.string_map("labels")
    }

    /// The annotations.
    pub fn annotations(&self) -> StringMap<'_, 'a> {
        self.string_map("annotations")
    }

    /// Whether there is a `spec`.
    pub fn has_spec(&self) -> bool {
        self.field("spec").is_some()
    }

    /// A field of `spec`.
    pub fn spec(&self, key: &str) -> Option<&Node<'a>> {
        self.field("spec").and_then(|spec| spec.get(key))
    }

    /// Whether a container or init container is called `name`.
    pub fn has_container(&self, name: &str) -> bool {
        ["containers", "initContainers"]
            .into_iter()
            .filter_map(|list| self.spec(list))
            .any(|list| may_mention(list.text(), name) && names_container(list, name))
    }

    /// What controls it: the owner with `controller: true`.
    pub fn controller(&self) -> Option<Controller<'_>> {
        let owners = self.metadata("ownerReferences")?.as_array()?;
        let mut owners = owners.iter().filter_map(Node::as_object);
        let owner = owners.find(|owner| owner.get("controller").is_some_and(Node::is_true))?;
        let text = |key| owner.get(key).and_then(Node::as_str);
        Some(Controller {
            kind: text("kind")?,
            name: text("name")?,
            uid: text("uid")?,
        })
    }

    fn metadata(&self, key: &str) -> Option<&Node<'a>> {
        self.field("metadata")
            .and_then(|metadata| metadata.get(key))
    }

    fn field(&self, key: &str) -> Option<&Object<'a>> {
        self.object.get(key).and_then(Node::as_object)
    }

    fn string_map(&self, key: &str) -> StringMap<'_, 'a> {
        self.metadata(key)
            .and_then(Node::as_object)
            .map_or(StringMap::Missing, StringMap::Present)
    }
}

/// Whether the JSON `text` can hold the string `name`: searching is 20 times faster than parsing, and
/// nearly every Pod mentions no proxy. Where an escape could hide it, it may.
fn may_mention(text: &str, name: &str) -> bool {
    let found = |needle: &str| memchr::memmem::find(text.as_bytes(), needle.as_bytes()).is_some();
    found(name) || found("\\u")
}

fn names_container(list: &Node<'_>, name: &str) -> bool {
    list.as_array().unwrap_or_default().iter().any(|container| {
        container
            .as_object()
            .and_then(|c| c.get("name"))
            .and_then(Node::as_str)
            == Some(name)
    })
}

// === impl StringMap ===

impl<'f, 'a> StringMap<'f, 'a> {
    /// The value at `key`.
    pub fn get(self, key: &str) -> Option<&'f str> {
        match self {
            Self::Missing => None,
            Self::Present(object) => object.get(key).and_then(Node::as_str),
        }
    }

    /// Whether it has no keys.
    pub fn is_empty(self) -> bool {
        match self {
            Self::Missing => true,
            Self::Present(object) => object.is_empty(),
        }
    }

    /// The keys and their values.
    pub fn entries(self) -> impl Iterator<Item = (&'f str, &'f str)> {
        let object = match self {
            Self::Missing => None,
            Self::Present(object) => Some(object),
        };
        object.into_iter().flat_map(move |object| {
            object
                .keys()
                .filter_map(move |key| Some((key, self.get(key)?)))
        })
    }
}

impl selector::Labels for StringMap<'_, '_> {
    fn value(&self, key: &str) -> Option<&str> {
        self.get(key)
    }
}
