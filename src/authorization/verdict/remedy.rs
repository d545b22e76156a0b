//! What an author is told to write instead.

use std::fmt;

use crate::authorization::attachment::{NameRule, Named, NamedKind};
use crate::authorization::enforcement::bypass::Guard;
use crate::authorization::needs::{Cause, Need, Picked};
use crate::authorization::policy::AuthorizationPolicy;

/// What to write instead of a refused policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Remedy {
    /// `spec.targetRefs`.
    Attach {
        /// What they should name, at least one.
        targets: Vec<Target>,
        /// Where the policy is, if that is known.
        namespace: Option<String>,
        /// Whether the policy as it is has work left to do.
        scope: Scope,
        /// Why something the annotation names is not among the targets.
        notes: Vec<String>,
    },
    /// An annotation that can be read, or none.
    CorrectAnnotation,
    /// This sentence.
    Say(&'static str),
    /// This policy beside it.
    Guard(Box<Guard>),
}

/// One entry of `spec.targetRefs`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// The waypoint of this name.
    Gateway(String),
    /// The Service of this name, which is bound to a waypoint.
    Service(String),
    /// A waypoint of which we do not know the name.
    SomeWaypoint,
}

/// Whether `targetRefs` may replace what the policy selects by now. Sidecars ignore a policy that
/// has them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The policy may meet sidecars or gateways, which enforce it: then it takes a second policy.
    Beside,
    /// It selects the Pods of a Gateway and nothing else: the targets take the selector's place.
    Instead,
}

/// As many targets as Istio's CRD allows in one policy.
const TARGETS: usize = 16;

/// As many notes as somebody reads.
const NOTES: usize = 3;

// === impl Remedy ===

impl Remedy {
    /// The targets that do what the annotation names, or else what the selector picks.
    pub(super) fn attach(
        policy: &AuthorizationPolicy<'_>,
        needs: &[Need<'_>],
        named: &[Named<'_>],
    ) -> Self {
        let picked = needs.iter().find_map(|need| match need.cause {
            Cause::Selector(picked) => Some(picked),
            Cause::HttpField | Cause::HttpKey(_) | Cause::Action(_) => None,
        });
        let mut targets = Vec::new();
        let mut notes = Vec::new();
        for named in named {
            match Target::of(*named, policy.namespace()) {
                Ok(target) if targets.contains(&target) => {}
                Ok(target) => targets.push(target),
                Err(note) => notes.push(note),
            }
        }
        if targets.is_empty() {
            targets.push(Target::picked(picked));
        }
        targets.truncate(TARGETS);
        notes.truncate(NOTES);
        Self::Attach {
            targets,
            namespace: policy
                .namespace()
                .filter(|namespace| NameRule::Label.check(namespace).is_ok())
                .map(str::to_owned),
            scope: picked.map_or(Scope::Beside, |_| Scope::Instead),
            notes,
        }
    }

    /// For warnings: each a line by itself.
    pub fn in_lines(&self) -> Vec<String> {
        match self {
            Self::CorrectAnnotation | Self::Say(_) => vec![self.to_string()],
            Self::Guard(guard) => vec![format!(
                "Close it with a DENY beside it for all but {}; meshmode explain policy prints it",
                guard.waypoint
            )],
            Self::Attach {
                targets,
                namespace,
                scope,
                notes,
            } => {
                let list: Vec<_> = targets.iter().map(Target::in_one_line).collect();
                let hints = targets.iter().map(|t| t.hint(namespace.as_deref()));
                let caveat = match scope {
                    Scope::Beside => " (as a second policy if sidecars are selected too)",
                    Scope::Instead => " in place of the selector",
                };
                let attach = format!(
                    "Attach it{caveat}: targetRefs: [{}]{}",
                    list.join(", "),
                    hints.collect::<String>()
                );
                notes.iter().cloned().chain([attach]).collect()
            }
        }
    }
}

/// For a terminal: sentences around the YAML that works.
impl fmt::Display for Remedy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CorrectAnnotation => formatter.write_str(
                "Correct or remove the annotation: Istio itself reads spec.targetRefs only.",
            ),
            Self::Say(sentence) => formatter.write_str(sentence),
            Self::Guard(guard) => {
                formatter.write_str("Close it with this policy beside it:\n")?;
                let yaml = guard.to_string();
                let mut lines = yaml.trim_end().lines();
                lines.try_for_each(|line| writeln!(formatter, "  {line}"))
            }
            Self::Attach {
                targets,
                namespace,
                scope,
                notes,
            } => {
                for note in notes {
                    writeln!(formatter, "{note}")?;
                }
                writeln!(formatter, "{}", scope.introduced())?;
                write_yaml(formatter, targets, namespace.as_deref())?;
                formatter.write_str(scope.explained())
            }
        }
    }
}

fn write_yaml(
    formatter: &mut fmt::Formatter<'_>,
    targets: &[Target],
    namespace: Option<&str>,
) -> fmt::Result {
    writeln!(formatter, "  spec:\n    targetRefs:")?;
    for target in targets {
        writeln!(formatter, "    - group: {}", target.group())?;
        writeln!(formatter, "      kind: {}", target.kind())?;
        writeln!(
            formatter,
            "      name: {}{}",
            target.name(),
            target.hint(namespace)
        )?;
    }
    if targets.contains(&Target::SomeWaypoint) {
        writeln!(
            formatter,
            "That covers all that is behind the waypoint; for one Service of it: group: \"\", kind: Service."
        )?;
    }
    Ok(())
}

/// The command that lists waypoints.
fn lister(namespace: Option<&str>) -> String {
    let namespace = namespace.unwrap_or("<its namespace>");
    format!("istioctl waypoint list -n {namespace}")
}

// === impl Target ===

impl Target {
    /// A target is in the namespace of its policy; what is elsewhere gets a note instead.
    fn of(named: Named<'_>, namespace: Option<&str>) -> Result<Self, String> {
        let Named {
            kind,
            namespace: of,
            name,
            ..
        } = named;
        let here = namespace == Some(of);
        match kind {
            NamedKind::Gateway if here => Ok(Self::Gateway(name.to_owned())),
            NamedKind::Service if here => Ok(Self::Service(name.to_owned())),
            NamedKind::Gateway => Err(format!(
                "{named} is in another namespace, where targetRefs do not reach: name a Service that uses it."
            )),
            NamedKind::Service => Err(format!(
                "{named} is in another namespace, where targetRefs do not reach: put the policy there."
            )),
            NamedKind::ServiceAccount => Err(format!(
                "{named}: targetRefs name Gateways and Services, no service accounts."
            )),
        }
    }

    fn picked(picked: Option<Picked<'_>>) -> Self {
        picked
            .and_then(Picked::gateway)
            .filter(|name| NameRule::Subdomain.check(name).is_ok())
            .map_or(Self::SomeWaypoint, |name| Self::Gateway(name.to_owned()))
    }

    /// The API group, as YAML.
    pub fn group(&self) -> &'static str {
        match self {
            Self::Gateway(_) | Self::SomeWaypoint => "gateway.networking.k8s.io",
            Self::Service(_) => "\"\"",
        }
    }

    /// The kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Gateway(_) | Self::SomeWaypoint => "Gateway",
            Self::Service(_) => "Service",
        }
    }

    /// The name, as YAML; a placeholder where we do not know it.
    pub fn name(&self) -> String {
        match self {
            Self::SomeWaypoint => "<your waypoint>".to_owned(),
            Self::Gateway(name) | Self::Service(name) if reads_as_string(name) => name.clone(),
            Self::Gateway(name) | Self::Service(name) => format!("{name:?}"),
        }
    }

    /// How to find a name that is missing.
    fn hint(&self, namespace: Option<&str>) -> String {
        match self {
            Self::SomeWaypoint => format!("   # {}", lister(namespace)),
            Self::Gateway(_) | Self::Service(_) => String::new(),
        }
    }

    fn in_one_line(&self) -> String {
        let (group, kind, name) = (self.group(), self.kind(), self.name());
        format!("{{group: {group}, kind: {kind}, name: {name}}}")
    }
}

/// YAML would take some names for a number, a boolean or nothing.
fn reads_as_string(name: &str) -> bool {
    let words = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    name.starts_with(|first: char| first.is_ascii_lowercase()) && !words.contains(&name)
}

// === impl Scope ===

impl Scope {
    fn introduced(self) -> &'static str {
        match self {
            Self::Beside => "Attach it to a waypoint, with this:",
            Self::Instead => "Attach it, with this in place of its selector:",
        }
    }

    fn explained(self) -> &'static str {
        match self {
            Self::Beside => {
                "If the policy is for ambient workloads only: write this into it, in place of its selector if it has one.\n\
                 If it is for sidecars or gateways too: keep it for them, and write a second policy with \
                 this beside it, as sidecars ignore\n\
                 a policy with targetRefs; whoever runs meshmode can admit the one that you keep \
                 (authorizationPolicies)."
            }
            Self::Instead => {
                "An ordinary Gateway of the Gateway API reads such targetRefs too, so nothing is \
                 lost if it is no waypoint."
            }
        }
    }
}
