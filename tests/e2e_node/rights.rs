//! What the API server saw meshmode ask for, beside what `manifests/base/rbac.yaml` lets it ask for.

use std::time::Duration;

use super::site::Site;
use crate::support::manifests::render;
use crate::support::report::Shown;
use crate::support::rights::{Right, given, used};
use crate::support::wait_for;

const USER: &str = "system:serviceaccount:meshmode-system:meshmode";

/// Their first list is streamed by a watch; an API server that cannot do that is asked for a list.
const STREAMED: [&str; 3] = ["pods", "deployments", "statefulsets"];

/// All that is used is given, and all that is given is used.
pub(crate) async fn as_granted(site: &Site) -> Shown {
    let objects = render(&site.cluster, "overlays/kind").await;
    let roles = objects
        .iter()
        .filter(|object| object["kind"] == "ClusterRole");
    assert_eq!(roles.count(), 1, "one ClusterRole");
    let given = given(&objects);
    let deadline = Duration::from_secs(10);
    let used = wait_for("the use of all rights", deadline, async || {
        let used = used(&site.cluster, USER);
        let is_streamed = |(verb, _, resource, _): &Right| {
            verb == "list" && STREAMED.contains(&resource.as_str())
        };
        let unused = given.difference(&used).filter(|right| !is_streamed(right));
        let unused: Vec<_> = unused.collect();
        let unused = format!("given and not used: {unused:?}");
        unused.ends_with(": []").then_some(used).ok_or(unused)
    })
    .await;
    let beyond: Vec<_> = used.difference(&given).collect();
    assert_eq!(beyond, [] as [&Right; 0], "used and not given");
    Shown::Cases(used.len())
}
