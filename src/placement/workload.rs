//! Whose Pod it is: the workload and its revision, as far as the Pod itself tells.

use std::borrow::Cow;

/// The top owner of a Pod.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct WorkloadRef<'p> {
    /// Such as `Deployment`; `Pod` where nothing owns it.
    pub kind: Cow<'p, str>,
    /// Its namespace.
    pub namespace: Cow<'p, str>,
    /// Its name; for a Pod that nothing owns, the Pod's, or what that will begin with.
    pub name: Cow<'p, str>,
}

/// One revision of a workload: all its Pods are to have one mode.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RevisionRef<'p> {
    /// `uid` of the controller: of a Deployment's ReplicaSet, of a StatefulSet, of a Job.
    pub owner: Cow<'p, str>,
    /// `pod-template-hash`, `rollouts-pod-template-hash` or `controller-revision-hash`; empty for a Job,
    /// whose Pods all have one template.
    pub hash: Cow<'p, str>,
}

/// The controller of a Pod: of its `metadata.ownerReferences` the one with `controller: true`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Controller<'p> {
    /// Its kind.
    pub kind: &'p str,
    /// Its name.
    pub name: &'p str,
    /// Its uid.
    pub uid: &'p str,
}

/// How a ReplicaSet is named by what makes it, and the label with the part that it adds.
const TEMPLATE_HASHES: [(&str, &str); 2] = [
    ("rollouts-pod-template-hash", "Rollout"),
    ("pod-template-hash", "Deployment"),
];
/// Of the Pods of StatefulSets and DaemonSets.
const REVISION_HASH: &str = "controller-revision-hash";
/// A CronJob names its Jobs by itself and the minutes since 1970 at which they were due
/// (`pkg/controller/cronjob/utils.go`, `getJobName`): eight digits, from May 2020 to the year 2160. People name
/// their own Jobs by the day; as a number of minutes such a name is before that.
const MINUTES: std::ops::RangeInclusive<u32> = 26_500_000..=99_999_999;

/// Kinds of workloads that have no replicas: that is known without looking.
pub const UNSCALED: [&str; 4] = ["Pod", "DaemonSet", "Job", "CronJob"];

// === impl WorkloadRef ===

impl<'p> WorkloadRef<'p> {
    /// The workload of a Pod with this controller and labels; without controller it is the Pod itself.
    pub fn of(
        controller: Option<Controller<'p>>,
        label: impl Fn(&str) -> Option<&'p str>,
        namespace: &'p str,
        pod: &'p str,
    ) -> Self {
        let (kind, name) = controller.map_or(("Pod", pod), |owner| top(owner, label));
        Self {
            kind: Cow::Borrowed(kind),
            namespace: Cow::Borrowed(namespace),
            name: Cow::Borrowed(name),
        }
    }
}

fn top<'p>(owner: Controller<'p>, label: impl Fn(&str) -> Option<&'p str>) -> (&'p str, &'p str) {
    let found = match owner.kind {
        "ReplicaSet" => TEMPLATE_HASHES.into_iter().find_map(|(key, kind)| {
            let name = owner.name.strip_suffix(label(key)?)?.strip_suffix('-')?;
            Some((kind, name))
        }),
        "Job" => cron_job(owner.name).map(|name| ("CronJob", name)),
        _ => None,
    };
    found.unwrap_or((owner.kind, owner.name))
}

/// The CronJob that named a Job so, if it was one.
fn cron_job(job: &str) -> Option<&str> {
    let (name, minutes) = job.rsplit_once('-')?;
    let digits = minutes.bytes().all(|byte| byte.is_ascii_digit());
    let due = minutes.parse().is_ok_and(|due| MINUTES.contains(&due));
    let plain = digits && !minutes.starts_with('0');
    (plain && due && !name.is_empty()).then_some(name)
}

// === impl RevisionRef ===

impl<'p> RevisionRef<'p> {
    /// The revision of a Pod with this controller and labels; nothing where Pods of one owner may have
    /// different templates.
    pub fn of(
        controller: Option<Controller<'p>>,
        label: impl Fn(&str) -> Option<&'p str>,
    ) -> Option<Self> {
        let owner = controller?;
        let [(rollout, _), (deployment, _)] = TEMPLATE_HASHES;
        // Its owner sets one of them, on each Pod. Another may stand in a template that was copied from a Pod,
        // and then it stays as it is through all revisions.
        let hash = match owner.kind {
            "Job" => Some(""),
            "ReplicaSet" => [rollout, deployment, REVISION_HASH]
                .into_iter()
                .find_map(label),
            _ => [REVISION_HASH, rollout, deployment]
                .into_iter()
                .find_map(label),
        }?;
        Some(Self {
            owner: Cow::Borrowed(owner.uid),
            hash: Cow::Borrowed(hash),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner<'p>(kind: &'p str, name: &'p str) -> Option<Controller<'p>> {
        let uid = "uid-1";
        Some(Controller { kind, name, uid })
    }

    fn labels(
        label: Option<(&'static str, &'static str)>,
    ) -> impl Fn(&str) -> Option<&'static str> {
        move |key| {
            label
                .filter(|(known, _)| *known == key)
                .map(|(_, value)| value)
        }
    }

    /// Kind and name of the owner, the label with its value, and the workload.
    type Row = (
        &'static str,
        &'static str,
        (&'static str, &'static str),
        &'static str,
    );

    const TEMPLATE: (&str, &str) = ("pod-template-hash", "5d8f9");
    const ROLLOUT: (&str, &str) = ("rollouts-pod-template-hash", "5d8f9");
    const NONE: (&str, &str) = ("app", "web");

    const OWNERS: [Row; 14] = [
        ("ReplicaSet", "web-5d8f9", TEMPLATE, "Deployment web"),
        ("ReplicaSet", "web-5d8f9", ROLLOUT, "Rollout web"),
        ("ReplicaSet", "web", NONE, "ReplicaSet web"),
        ("ReplicaSet", "web-77777", TEMPLATE, "ReplicaSet web-77777"),
        ("ReplicaSet", "5d8f9", TEMPLATE, "ReplicaSet 5d8f9"),
        ("StatefulSet", "db", NONE, "StatefulSet db"),
        ("Job", "load", NONE, "Job load"),
        ("Job", "load-29388420", NONE, "CronJob load"),
        ("Job", "load-2938842", NONE, "Job load-2938842"),
        ("Job", "load-029388420", NONE, "Job load-029388420"),
        ("Job", "load-20261124", NONE, "Job load-20261124"),
        ("Job", "load-+9388420", NONE, "Job load-+9388420"),
        ("Job", "-29388420", NONE, "Job -29388420"),
        ("Workflow", "w", TEMPLATE, "Workflow w"),
    ];

    #[test]
    fn the_workload_is_the_top_owner() {
        for (kind, name, label, expected) in OWNERS {
            let workload = WorkloadRef::of(owner(kind, name), labels(Some(label)), "shop", "web-1");
            let seen = format!("{} {}", workload.kind, workload.name);
            assert_eq!(seen, expected, "{kind} {name}");
            assert_eq!(workload.namespace, "shop");
        }
        let alone = WorkloadRef::of(None, labels(Some(TEMPLATE)), "shop", "web-1");
        assert_eq!((&*alone.kind, &*alone.name), ("Pod", "web-1"));
    }

    /// `kubectl get pod -o yaml` shows labels that controllers set, and such a file becomes a template.
    #[test]
    fn a_label_that_was_copied_makes_no_revision() {
        let of = |kind, labels: &'static [(&str, &str)]| {
            let label = |key: &str| {
                let found = labels.iter().find(|(known, _)| *known == key);
                found.map(|(_, value)| *value)
            };
            RevisionRef::of(owner(kind, "w"), label).map(|revision| revision.hash.into_owned())
        };
        let both = &[
            ("pod-template-hash", "old"),
            ("controller-revision-hash", "new"),
        ];
        let other = &[
            ("pod-template-hash", "new"),
            ("controller-revision-hash", "old"),
        ];
        for (kind, labels, expected) in [
            ("StatefulSet", both, "new"),
            ("DaemonSet", both, "new"),
            ("CloneSet", both, "new"),
            ("ReplicaSet", other, "new"),
            ("Job", both, ""),
        ] {
            assert_eq!(of(kind, labels).as_deref(), Some(expected), "{kind}");
        }
    }

    #[test]
    fn a_revision_is_what_has_one_template() {
        let hashed = |key| Some((key, "abc"));
        for (name, controller, label, expected) in [
            ("nobody's", None, hashed("pod-template-hash"), None),
            (
                "ReplicaSet",
                owner("ReplicaSet", "w"),
                hashed("pod-template-hash"),
                Some("abc"),
            ),
            (
                "Rollout",
                owner("ReplicaSet", "w"),
                hashed("rollouts-pod-template-hash"),
                Some("abc"),
            ),
            (
                "DaemonSet",
                owner("DaemonSet", "d"),
                hashed("controller-revision-hash"),
                Some("abc"),
            ),
            ("Job", owner("Job", "j"), None, Some("")),
            ("bare ReplicaSet", owner("ReplicaSet", "w"), None, None),
            ("another owner", owner("Workflow", "w"), None, None),
        ] {
            let revision = RevisionRef::of(controller, labels(label));
            let hash = revision.as_ref().map(|revision| &*revision.hash);
            assert_eq!(hash, expected, "{name}");
            assert!(revision.is_none_or(|revision| revision.owner == "uid-1"));
        }
    }
}
