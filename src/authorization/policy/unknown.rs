//! Collects the fields of a policy that we do not know, each with its path.

use super::{AuthorizationPolicy, Rule, Spec, TargetRef, Text};

/// Paths and names, in the order of the policy.
pub(super) fn fields(policy: &AuthorizationPolicy<'_>) -> Vec<String> {
    let mut found = Found::default();
    found.add(&policy.unknown.0, "");
    found.spec(&policy.spec);
    found.0
}

#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn add(&mut self, names: &[Text<'_>], path: &str) {
        let dot = if path.is_empty() { "" } else { "." };
        self.0
            .extend(names.iter().map(|name| format!("{path}{dot}{name}")));
    }

    fn spec(&mut self, spec: &Spec<'_>) {
        self.add(&spec.unknown.0, "spec");
        if let Some(selector) = &spec.selector {
            self.add(&selector.unknown.0, "spec.selector");
        }
        for (index, target) in spec.target_refs.iter().flatten().enumerate() {
            self.target(target, &format!("spec.targetRefs[{index}]"));
        }
        if let Some(target) = &spec.target_ref {
            self.target(target, "spec.targetRef");
        }
        if let Some(provider) = &spec.provider {
            self.add(&provider.unknown.0, "spec.provider");
        }
        for (index, rule) in spec.rules.as_slice().iter().enumerate() {
            self.rule(rule, &format!("spec.rules[{index}]"));
        }
    }

    fn target(&mut self, target: &TargetRef<'_>, path: &str) {
        self.add(&target.unknown.0, path);
    }

    fn rule(&mut self, rule: &Rule<'_>, path: &str) {
        self.add(&rule.unknown.0, path);
        for (index, from) in rule.from.iter().flatten().enumerate() {
            self.add(&from.unknown.0, &format!("{path}.from[{index}]"));
        }
        for (index, source) in rule.sources() {
            self.add(&source.unknown, &format!("{path}.from[{index}].source"));
        }
        for (index, to) in rule.to.iter().flatten().enumerate() {
            self.add(&to.unknown.0, &format!("{path}.to[{index}]"));
        }
        for (index, operation) in rule.operations() {
            self.add(&operation.unknown, &format!("{path}.to[{index}].operation"));
        }
        for (index, condition) in rule.conditions().iter().enumerate() {
            self.add(&condition.unknown.0, &format!("{path}.when[{index}]"));
        }
    }
}
