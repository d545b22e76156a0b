//! Verdicts for people. Pure: a verdict goes in, a text comes out.

use super::page::{Colour, Look, Page};
use super::rules;
use crate::authorization::code::Code;
use crate::authorization::enforcement::proxy::{at_gateway, at_sidecar};
use crate::authorization::enforcement::waypoint::{WaypointStanding, at_waypoint};
use crate::authorization::enforcement::{Bound, Effect, Enforcement, Enforcer, Receives};
use crate::authorization::facts::Facts;
use crate::authorization::verdict::enforcers::Meets;
use crate::authorization::verdict::wording;
use crate::authorization::{Answer, AuthorizationPolicy, Finding, Severity, Verdict};

/// A policy, the verdict, and what that rests on.
#[derive(Debug)]
pub(super) struct Explained<'a> {
    pub(super) policy: AuthorizationPolicy<'a>,
    pub(super) facts: Facts,
    pub(super) verdict: Verdict,
}

/// Where what is below an enforcer or a finding begins, and its texts.
const INDENT: usize = 4;
const COLUMN: usize = 18;
/// Where the texts of findings begin.
const FINDING: usize = 10;

/// All of them, the worst first.
pub(super) fn page(explained: &[Explained<'_>], colour: Colour) -> String {
    let mut page = Page::new(colour);
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
        for enforcement in &self.verdict.enforcers {
            page.gap();
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
        let (does, look) = does(enforcement);
        page.line(2, (enforcement.enforcer.as_str(), Look::Strong), 12, "");
        let word = enforcement.effect.as_str();
        page.line(INDENT, (word, look), COLUMN, does);
        let mut label = "who";
        for standing in self.standings(enforcement.enforcer) {
            page.line(INDENT, (label, Look::Plain), COLUMN, &standing);
            label = "";
        }
        if let Some(receives) = &enforcement.receives {
            write_rules(receives, page);
        }
        let witnesses = &enforcement.witnesses;
        if let Some(request) = &witnesses.open {
            page.line(
                INDENT,
                ("gets through", Look::Plain),
                COLUMN,
                &request.to_string(),
            );
        }
        if let Some(request) = &witnesses.closed {
            page.line(
                INDENT,
                ("is refused", Look::Plain),
                COLUMN,
                &request.to_string(),
            );
        }
        if let Bound::Reached(steps) = enforcement.bound {
            let text = format!("too large to compare whole: {steps} steps, there may be more");
            page.line(INDENT, ("bound", Look::Plain), COLUMN, &text);
        }
        for code in &enforcement.reasons {
            page.line(INDENT, (code.id, Look::Plain), COLUMN, &said(*code));
        }
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

const fn does(enforcement: &Enforcement) -> (&'static str, Look) {
    match enforcement.effect {
        Effect::Exact => ("does what the policy says", Look::Good),
        Effect::Open => ("lets through what the policy refuses", Look::Bad),
        Effect::Closed => ("refuses what the policy allows", Look::Odd),
        Effect::Both => (
            "lets through what the policy refuses, and refuses what it allows",
            Look::Bad,
        ),
        Effect::NotApplicable => ("has nothing to do with it", Look::Plain),
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
    page.line(2, (&head, look), COLUMN, finding.code.word);
    for line in &finding.lines {
        page.line(INDENT, ("-", Look::Plain), INDENT + 2, line);
    }
    if let Some(remedy) = &finding.remedy {
        page.block(FINDING - INDENT, &remedy.to_string());
    }
}
