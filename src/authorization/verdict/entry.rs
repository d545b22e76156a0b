//! A verdict as `meshmode explain policy -o json` writes it: one entry of a list. The form is stable;
//! `docs/explain.schema.json` describes it.

use serde::Serialize;

use super::{Answer, Finding, Severity, Verdict};
use crate::authorization::code::Code;
use crate::authorization::enforcement::received::Authorization;
use crate::authorization::enforcement::{
    Bound, Effect, Enforcement, Enforcer, Receives, Witnesses,
};
use crate::authorization::policy::AuthorizationPolicy;

/// One policy and its verdict.
#[derive(Debug, Serialize)]
pub struct Entry<'v> {
    kind: &'static str,
    namespace: Option<&'v str>,
    name: Option<&'v str>,
    verdict: Answer,
    enforcers: Vec<AtEnforcer<'v>>,
    findings: Vec<OneFinding>,
}

#[derive(Debug, Serialize)]
struct AtEnforcer<'v> {
    enforcer: Enforcer,
    receives: Option<&'v Authorization>,
    effect: Effect,
    witnesses: &'v Witnesses,
    #[serde(skip_serializing_if = "is_exhausted")]
    bound: Bound,
    reasons: &'v [Code],
}

#[derive(Debug, Serialize)]
struct OneFinding {
    code: Code,
    severity: Severity,
    message: String,
    remedy: Option<String>,
}

fn is_exhausted(bound: &Bound) -> bool {
    *bound == Bound::Exhausted
}

// === impl Entry ===

impl<'v> Entry<'v> {
    /// The entry of `policy`.
    pub fn of(policy: &'v AuthorizationPolicy<'_>, verdict: &'v Verdict) -> Self {
        Self {
            kind: "AuthorizationPolicy",
            namespace: policy.namespace(),
            name: policy.metadata.name.as_deref(),
            verdict: verdict.answer(),
            enforcers: verdict.enforcers.iter().map(AtEnforcer::of).collect(),
            findings: verdict.findings.iter().map(OneFinding::of).collect(),
        }
    }
}

impl<'v> AtEnforcer<'v> {
    fn of(enforcement: &'v Enforcement) -> Self {
        Self {
            enforcer: enforcement.enforcer,
            receives: match &enforcement.receives {
                Some(Receives::Rules(rules)) => Some(rules),
                Some(Receives::NotSent(_)) | None => None,
            },
            effect: enforcement.effect,
            witnesses: &enforcement.witnesses,
            bound: enforcement.bound,
            reasons: &enforcement.reasons,
        }
    }
}

impl OneFinding {
    fn of(finding: &Finding) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity,
            message: finding.lines.join("\n"),
            remedy: finding.remedy.as_ref().map(ToString::to_string),
        }
    }
}
