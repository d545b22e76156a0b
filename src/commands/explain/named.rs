//! Pods and workloads by name, as kubectl takes them: `web-1`, `deployment/web`, `deployments.apps/web`.

/// A kind of objects of the API server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kind {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    /// What may stand before the slash.
    pub(super) words: &'static [&'static str],
}

/// An object that was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Named {
    pub(super) kind: &'static Kind,
    pub(super) name: String,
}

const POD: Kind = kind("", "v1", "Pod", &["pod", "pods", "po"]);
const KINDS: [Kind; 9] = [
    POD,
    kind(
        "apps",
        "v1",
        "Deployment",
        &["deployment", "deployments", "deploy"],
    ),
    kind(
        "apps",
        "v1",
        "StatefulSet",
        &["statefulset", "statefulsets", "sts"],
    ),
    kind(
        "apps",
        "v1",
        "DaemonSet",
        &["daemonset", "daemonsets", "ds"],
    ),
    kind(
        "apps",
        "v1",
        "ReplicaSet",
        &["replicaset", "replicasets", "rs"],
    ),
    kind("batch", "v1", "Job", &["job", "jobs"]),
    kind("batch", "v1", "CronJob", &["cronjob", "cronjobs", "cj"]),
    kind(
        "",
        "v1",
        "ReplicationController",
        &["replicationcontroller", "replicationcontrollers", "rc"],
    ),
    kind(
        "argoproj.io",
        "v1alpha1",
        "Rollout",
        &["rollout", "rollouts", "ro"],
    ),
];

const fn kind(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    words: &'static [&'static str],
) -> Kind {
    Kind {
        group,
        version,
        kind,
        words,
    }
}

/// Reads `NAME` of a Pod, or `KIND/NAME`.
///
/// # Errors
/// No such kind, or no name; in words, with what is allowed.
pub(super) fn parse(text: &str) -> Result<Named, String> {
    let (word, name) = text.split_once('/').unwrap_or(("pod", text));
    let Some(kind) = Kind::of_word(word) else {
        let allowed: Vec<_> = KINDS.iter().filter_map(|kind| kind.words.first()).collect();
        let allowed: Vec<_> = allowed.into_iter().copied().collect();
        return Err(format!(
            "{word} is no kind with a Pod template; allowed: {}, and their short names",
            allowed.join(", ")
        ));
    };
    if name.is_empty() || name.contains('/') {
        return Err(
            "allowed: the NAME of a Pod, or KIND/NAME (the namespace goes to -n)".to_owned(),
        );
    }
    Ok(Named {
        kind,
        name: name.to_owned(),
    })
}

// === impl Kind ===

impl Kind {
    /// The kind that is written so, with its group behind a dot or without.
    pub(super) fn of_word(word: &str) -> Option<&'static Self> {
        let word = word.to_ascii_lowercase();
        let (word, group) = match word.split_once('.') {
            Some((word, group)) => (word, Some(group)),
            None => (word.as_str(), None),
        };
        KINDS.iter().find(|kind| {
            let fits = |group: &str| {
                let (version, rest) = group.split_once('.').unwrap_or((group, ""));
                group == kind.group || (version == kind.version && rest == kind.group)
            };
            kind.words.contains(&word) && group.is_none_or(fits)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubectl() {
        for (text, expected) in [
            ("web-1", "Pod web-1"),
            ("pod/web-1", "Pod web-1"),
            ("po/web-1", "Pod web-1"),
            ("deployment/web", "Deployment web"),
            ("Deployment/web", "Deployment web"),
            ("deploy/web", "Deployment web"),
            ("deployments.apps/web", "Deployment web"),
            ("deployments.v1.apps/web", "Deployment web"),
            ("sts/db", "StatefulSet db"),
            ("ds/agent", "DaemonSet agent"),
            ("rs/web-5d8f9", "ReplicaSet web-5d8f9"),
            ("job.batch/load", "Job load"),
            ("cj/nightly", "CronJob nightly"),
            ("rc/old", "ReplicationController old"),
            ("rollout.argoproj.io/web", "Rollout web"),
        ] {
            let named = parse(text).unwrap();
            assert_eq!(format!("{} {}", named.kind.kind, named.name), expected);
        }
    }

    #[test]
    fn what_is_no_name_is_said_with_what_is() {
        for (text, said) in [
            ("service/web", "service is no kind with a Pod template"),
            ("deployment.batch/web", "deployment.batch is no kind"),
            ("deploy/", "allowed: the NAME of a Pod, or KIND/NAME"),
            ("", "allowed: the NAME of a Pod, or KIND/NAME"),
            ("pod/shop/web", "the namespace goes to -n"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
