//! The ConfigMap `istio-cni-config` as facts about capture.

use serde::Deserialize;

use super::selector::LabelSelector;
use super::{ConfigMap, Unreadable, json};
use crate::placement::outcome::{Capture, Enablement, EnablementSelector};

/// `cni/pkg/util/enablement_selector.go`, `EnablementSelector`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    pod_selector: LabelSelector,
    namespace_selector: LabelSelector,
}

const ENABLED: &str = "AMBIENT_ENABLED";
const SELECTORS: &str = "AMBIENT_ENABLEMENT_SELECTOR";
const EXCLUDED: &str = "EXCLUDE_NAMESPACES";
/// What Go's `strconv.ParseBool` takes for true.
const TRUE: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];

/// What istio-cni captures, from its ConfigMap as JSON. Where that has no selectors (istio-cni before 1.26),
/// the usual ones hold.
///
/// # Errors
/// It is not such an object, or a selector is none: istio-cni does not start with it.
pub fn capture(text: &str) -> Result<Capture, Unreadable> {
    let read: ConfigMap = json("ConfigMap istio-cni-config", text)?;
    if !read
        .data
        .get(ENABLED)
        .is_some_and(|value| TRUE.contains(&value.as_str()))
    {
        return Ok(Capture::Disabled);
    }
    let mut enablement = Enablement::default();
    if read.data.contains_key(SELECTORS) {
        let written: Option<Vec<Written>> = read.yaml(SELECTORS)?;
        let written = written.unwrap_or_default().into_iter();
        let selectors: Result<_, _> = written.map(EnablementSelector::try_from).collect();
        enablement.selectors = selectors?;
    }
    if let Some(names) = read.data.get(EXCLUDED) {
        // cni/pkg/util/podutil.go, SplitExcludeNamespaces
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        enablement.excluded = names.map(str::to_owned).collect();
    }
    Ok(Capture::Enabled(enablement))
}

// === impl EnablementSelector ===

impl TryFrom<Written> for EnablementSelector {
    type Error = Unreadable;

    fn try_from(written: Written) -> Result<Self, Unreadable> {
        Ok(Self {
            pods: written
                .pod_selector
                .at(|| format!("podSelector of {SELECTORS}"))?,
            namespaces: written
                .namespace_selector
                .at(|| format!("namespaceSelector of {SELECTORS}"))?,
        })
    }
}

#[cfg(test)]
mod tests;
