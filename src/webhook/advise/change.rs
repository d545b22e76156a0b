//! A change of mode against the Pods that run.

use serde_json::Value;

use crate::cluster::convert::template::Template;
use crate::placement::facts::source::{Decided, Siblings};
use crate::placement::rules::Use;
use crate::placement::{Mode, Placement, Rules};

/// What the Deployment controller counts in: no rule should read it, and it follows each change of the template.
const COUNTED: &str = "deployment.kubernetes.io/";

/// What is said where the next Pods will get another mode than those that run. It is not for certain where a fact
/// is missing, or where rules read the request: who creates the Pod is not known.
pub(super) fn sentence(
    placement: &Placement<'_>,
    running: Option<&Siblings>,
    rules: &Rules,
) -> Option<String> {
    let certain = match rules.request() {
        Use::Read => false,
        Use::Unread => placement.missing.is_empty(),
    };
    match running? {
        Siblings::Placed(running) => {
            (certain && running.mode != placement.mode).then(|| change(placement, running))
        }
        Siblings::Unplaced => None,
    }
}

/// Whether an UPDATE leaves the template as it is, and says nothing else that a rule should read.
pub(super) fn makes_no_revision(old: &Template, new: &Template) -> bool {
    let pod = |template: &Template| serde_json::from_str::<Value>(&template.pod).ok();
    let annotations = |template: &Template| {
        let mut annotations = template.facts.annotations.to_map();
        annotations.retain(|key, _| !key.starts_with(COUNTED));
        annotations
    };
    pod(old) == pod(new) && annotations(old) == annotations(new)
}

fn change(placement: &Placement<'_>, running: &Decided) -> String {
    let [_, rule, reason] = placement.record();
    let new = match placement.mode {
        Mode::Leave => "are left alone".to_owned(),
        mode @ (Mode::Ambient | Mode::Sidecar | Mode::None) => {
            format!("get mode {}", mode.as_str())
        }
    };
    format!(
        "new Pods {new} ({rule}: {reason}), those that run now have mode {} ({}: {})",
        running.mode.as_str(),
        running.rule,
        running.reason
    )
}
