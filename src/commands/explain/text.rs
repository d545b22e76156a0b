//! Verdicts for people. Pure: a verdict goes in, a text comes out.

use super::rules;
use crate::authorization::code::Code;
use crate::authorization::enforcement::proxy::{at_gateway, at_sidecar};
use crate::authorization::enforcement::waypoint::{WaypointStanding, at_waypoint};
use crate::authorization::enforcement::{Bound, Effect, Enforcement, Enforcer, Receives};
use crate::authorization::facts::Facts;
use crate::authorization::verdict::enforcers::Meets;
use crate::authorization::verdict::wording;
use crate::authorization::{Answer, AuthorizationPolicy, Finding, Severity, Verdict};
use crate::report::page::{Colour, Look, Page, Paper};

/// A policy, the verdict, and what that rests on.
#[derive(Debug)]
pub(super) struct Explained<'a> {
    pub(super) policy: AuthorizationPolicy<'a>,
    pub(super) facts: Facts,
    pub(super) verdict: Verdict,
}

/// Where what is said about an enforcer begins.
const INDENT: usize = 12;
/// Where a text with a label begins there.
const COLUMN: usize = 26;
/// Where what is said by a finding begins.
const FINDING: usize = 4;
/// No label.
const PLAIN: (&str, Look) = ("", Look::Plain);

/// All of them, the worst first.
pub(super) fn page(explained: &[Explained<'_>], colour: Colour) -> String {
    let mut page = Page::new(colour, Paper::Wide);
    let mut sorted: Vec<_> = explained.iter().collect();
    sorted.sort_by_key(|one| badness(&one.verdict));
    for (index, one) in sorted.into_iter().enumerate() {
        if index > 0 {
            page.gap();
        }
        one.write(&mut page);
    }
    page.done()
}

/// Less is worse.
fn badness(verdict: &Verdict) -> (u8, bool) {
    let answer = match verdict.answer() {
        Answer::Refuse => 0,
        Answer::Warn => 1,
        Answer::Allow => 2,
    };
    (answer, !verdict.fails_open())
}

// === impl Explained ===

impl Explained<'_> {
    fn write(&self, page: &mut Page) {
        let (word, look) = match self.verdict.answer() {
            Answer::Refuse => ("refused", Look::Bad),
            Answer::Warn => ("admitted with warnings", Look::Odd),
            Answer::Allow => ("admitted", Look::Good),
        };
        let open = if self.verdict.fails_open() {
            ", fails open"
        } else {
            ""
        };
        page.line(0, (&self.name(), Look::Strong), 0, "");
        page.line(2, (&format!("{word}{open}"), look), 0, "");
        page.gap();
        for enforcement in &self.verdict.enforcers {
            self.write_enforcer(enforcement, page);
        }
        for finding in &self.verdict.findings {
            page.gap();
            write_finding(finding, page);
        }
    }

    fn name(&self) -> String {
        let metadata = &self.policy.metadata;
        let name = metadata
            .name
            .as_deref()
            .or(metadata.generate_name.as_deref());
        let name = name.unwrap_or("without a name");
        match self.policy.namespace() {
            Some(namespace) => format!("AuthorizationPolicy {namespace}/{name}"),
            None => format!("AuthorizationPolicy {name}"),
        }
    }

    fn write_enforcer(&self, enforcement: &Enforcement, page: &mut Page) {
        let label = (enforcement.enforcer.as_str(), Look::Strong);
        let standings = self.standings(enforcement.enforcer);
        let mut lines = headlines(enforcement, standings).into_iter();
        page.line(2, label, INDENT, &lines.next().unwrap_or_default());
        for line in lines {
            page.line(INDENT, PLAIN, INDENT, &line);
        }
        if let Some(receives) = &enforcement.receives {
            write_rules(receives, page);
        }
        write_reasons(enforcement, page);
    }

    /// Whom the enforcer is in front of, and what it gets.
    fn standings(&self, enforcer: Enforcer) -> Vec<String> {
        let (policy, facts) = (&self.policy, &self.facts);
        match enforcer {
            Enforcer::Ztunnel => ambient(policy, facts).into_iter().collect(),
            Enforcer::Waypoint => match at_waypoint(policy, facts) {
                WaypointStanding::NoTargets => {
                    vec!["waypoints ignore a policy without targetRefs".to_owned()]
                }
                WaypointStanding::Targets(targets) => targets
                    .iter()
                    .map(|target| format!("{}: {}", target.target, target.standing))
                    .collect(),
            },
            Enforcer::Sidecar => vec![at_sidecar(policy, facts).to_string()],
            Enforcer::Gateway => vec![at_gateway(policy, facts).to_string()],
        }
    }
}

/// The ambient workloads that a selector picks; with targets there is no selector.
fn ambient(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> Option<String> {
    if !policy.spec.targets().is_empty() {
        return None;
    }
    Some(match Meets::of(facts) {
        Meets::Ambient(selected) if selected.ambient.is_empty() => {
            format!(
                "ambient workloads, all behind a waypoint: {}",
                selected.behind_waypoint
            )
        }
        Meets::Ambient(selected) => format!("ambient workloads: {}", selected.ambient),
        Meets::Others(_) => "it selects no ambient workloads".to_owned(),
        Meets::Nothing => "it selects no workload of the mesh yet".to_owned(),
        Meets::Unknown(why) => format!("which workloads it selects is not known: {why}"),
    })
}

/// The effect, and who stands where. What is exact or none of its business is said in one line.
fn headlines(enforcement: &Enforcement, standings: Vec<String>) -> Vec<String> {
    let does = match enforcement.effect {
        Effect::Exact => "does what the policy says",
        Effect::Open => "lets through what the policy refuses",
        Effect::Closed => "refuses what the policy allows",
        Effect::Both => "lets through what the policy refuses, and refuses what it allows",
        Effect::NotApplicable => "does nothing with it",
    };
    let word = match enforcement.effect {
        Effect::NotApplicable => "not applicable",
        Effect::Exact | Effect::Open | Effect::Closed | Effect::Both => enforcement.effect.as_str(),
    };
    let mut lines = standings;
    let is_plain = match enforcement.effect {
        Effect::Exact => enforcement.enforcer != Enforcer::Ztunnel,
        Effect::NotApplicable => true,
        Effect::Open | Effect::Closed | Effect::Both => false,
    };
    match lines.first_mut().filter(|_| is_plain) {
        Some(first) => *first = format!("{word}: {first}"),
        None => lines.insert(0, format!("{word}: {does}")),
    }
    lines
}

/// Requests that show the effect, and why it is so.
fn write_reasons(enforcement: &Enforcement, page: &mut Page) {
    let witnesses = &enforcement.witnesses;
    let requests = [
        ("gets through", &witnesses.open),
        ("is refused", &witnesses.closed),
    ];
    for (label, request) in requests {
        if let Some(request) = request {
            page.line(INDENT, (label, Look::Plain), COLUMN, &request.to_string());
        }
    }
    if let Bound::Reached(steps) = enforcement.bound {
        let text = format!("it is too large to compare whole: {steps} steps, there may be more");
        page.line(INDENT, PLAIN, INDENT, &text);
    }
    for code in &enforcement.reasons {
        page.line(INDENT, (code.id, Look::Plain), COLUMN, &said(*code));
    }
}

fn write_rules(receives: &Receives, page: &mut Page) {
    let label = ("receives", Look::Plain);
    match receives {
        Receives::NotSent(_) => page.line(INDENT, label, COLUMN, "nothing"),
        Receives::Rules(got) => {
            page.line(INDENT, label, COLUMN, &rules::headline(got));
            for rule in rules::each(got) {
                page.line(COLUMN, ("-", Look::Plain), COLUMN + 2, &rule);
            }
        }
    }
}

fn said(code: Code) -> String {
    match wording::of(code) {
        // What a target or a sidecar does is said in its own line.
        sentence if sentence == code.word => sentence.to_owned(),
        sentence => format!("{} ({})", sentence, code.word),
    }
}

fn write_finding(finding: &Finding, page: &mut Page) {
    let (word, look) = match finding.severity {
        Severity::Error => ("error", Look::Bad),
        Severity::Warning => ("warning", Look::Odd),
        Severity::Info => ("info", Look::Plain),
    };
    let head = format!("{} {word}", finding.code.id);
    page.line(2, (&head, look), 0, finding.code.word);
    for line in &finding.lines {
        page.line(FINDING, ("-", Look::Plain), FINDING + 2, line);
    }
    if let Some(remedy) = &finding.remedy {
        page.block(FINDING + 2, &remedy.to_string());
    }
}
