//! A Pod's metadata as it is read: texts borrowed from the JSON. There are a hundred thousand Pods in a list, and
//! of most of them nothing is kept but that they are one more of their revision.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::placement::workload::Controller;

/// What is looked at of a Pod's metadata.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata<'m> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'m>>,
    #[serde(borrow)]
    pub(super) namespace: Option<Text<'m>>,
    #[serde(borrow)]
    pub(super) uid: Option<Text<'m>>,
    #[serde(borrow)]
    pub(super) resource_version: Option<Text<'m>>,
    #[serde(borrow)]
    labels: Option<BTreeMap<Text<'m>, Text<'m>>>,
    #[serde(borrow)]
    annotations: Option<BTreeMap<Text<'m>, Text<'m>>>,
    #[serde(borrow)]
    owner_references: Option<Vec<Owner<'m>>>,
}

/// A text of the JSON, its own only where it has escapes.
#[derive(Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Text<'m>(#[serde(borrow)] Cow<'m, str>);

#[derive(Debug, Deserialize)]
struct Owner<'m> {
    #[serde(borrow)]
    kind: Text<'m>,
    #[serde(borrow)]
    name: Text<'m>,
    #[serde(borrow)]
    uid: Text<'m>,
    controller: Option<bool>,
}

// === impl Metadata ===

impl Metadata<'_> {
    /// In the order of their keys.
    pub(super) fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let labels = self.labels.iter().flatten();
        labels.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.labels.as_ref()?.get(key).map(Text::as_str)
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(Text::as_str)
    }

    pub(super) fn controller(&self) -> Option<Controller<'_>> {
        let mut owners = self.owner_references.iter().flatten();
        let owner = owners.find(|owner| owner.controller == Some(true))?;
        Some(Controller {
            kind: owner.kind.as_str(),
            name: owner.name.as_str(),
            uid: owner.uid.as_str(),
        })
    }
}

// === impl Text ===

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}
