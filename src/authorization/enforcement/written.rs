//! What a policy says, as Envoy enforces it in HTTP traffic: a sidecar, a gateway or a waypoint.
//!
//! From istio `pilot/pkg/security/authz/model` (`model.go`, `generator.go`). A value that cannot be read
//! costs an ALLOW its rule, and any other action only the value (`checkError`); a `when` key that Envoy
//! does not know costs the rule (`New`).

use std::borrow::Cow;

use super::key::{Key, in_brackets};
use super::predicate::{How, Pattern, Predicate};
use super::received::Network;
use super::template::Template;
use super::terms::{Alternative, Clause, Rule, Rules, Space, Test};
use super::trust_domain::{with_aliases, without_cluster_local};
use super::ztunnel::{namespace_of, port};
use crate::authorization::mesh::Mesh;
use crate::authorization::policy::{
    self, Action, AuthorizationPolicy, Condition, Fields, OperationField, SourceField, Text,
};

/// The rules of a policy over the attributes of `space`.
pub(super) fn rules<'p>(
    policy: &'p AuthorizationPolicy<'_>,
    mesh: &Mesh,
    space: &mut Space<'p>,
) -> Rules {
    let mut reader = Reader {
        namespace: namespace_of(policy),
        is_allow: policy.spec.action == Action::Allow,
        mesh,
        space,
    };
    let rules = policy.spec.rules.as_slice().iter();
    rules.filter_map(|rule| reader.rule(rule).ok()).collect()
}

struct Reader<'s, 'p> {
    namespace: &'p str,
    is_allow: bool,
    mesh: &'s Mesh,
    space: &'s mut Space<'p>,
}

/// The rule is left out.
struct Skipped;

/// The value cannot be read.
struct Unreadable;

type Read<'p> = Result<Vec<Predicate<'p>>, Unreadable>;

// === impl Reader ===

impl<'p> Reader<'_, 'p> {
    fn rule(&mut self, rule: &'p policy::Rule<'_>) -> Result<Rule, Skipped> {
        let mut clauses = Rule::new();
        let from = rule.from.as_deref().unwrap_or_default();
        let from: Clause = from
            .iter()
            .map(|from| from.source.as_ref())
            .map(|fields| fields.map_or(Ok(Alternative::new()), |fields| self.source(fields)))
            .collect::<Result<_, _>>()?;
        let to = rule.to.as_deref().unwrap_or_default();
        let to: Clause = to
            .iter()
            .map(|to| to.operation.as_ref())
            .map(|fields| fields.map_or(Ok(Alternative::new()), |fields| self.operation(fields)))
            .collect::<Result<_, _>>()?;
        clauses.extend([from, to].into_iter().filter(|clause| !clause.is_empty()));
        for condition in rule.conditions() {
            clauses.push(vec![self.condition(condition)?]);
        }
        Ok(clauses)
    }

    fn source(&mut self, fields: &'p Fields<'_, SourceField>) -> Result<Alternative, Skipped> {
        let mut tests = Alternative::new();
        for test in &fields.tests {
            let (key, negated) = Key::of_source(test.field);
            tests.extend(self.test(&key, negated, &test.values)?);
        }
        Ok(tests)
    }

    fn operation(
        &mut self,
        fields: &'p Fields<'_, OperationField>,
    ) -> Result<Alternative, Skipped> {
        let mut tests = Alternative::new();
        for test in &fields.tests {
            let (key, negated) = Key::of_operation(test.field);
            tests.extend(self.test(&key, negated, &test.values)?);
        }
        Ok(tests)
    }

    fn condition(&mut self, condition: &'p Condition<'_>) -> Result<Alternative, Skipped> {
        let key = Key::of(&condition.key).ok_or(Skipped)?;
        let values = condition.values.as_deref().unwrap_or_default();
        let not_values = condition.not_values.as_deref().unwrap_or_default();
        let mut tests = Alternative::new();
        tests.extend(self.test(&key, false, values)?);
        tests.extend(self.test(&key, true, not_values)?);
        Ok(tests)
    }

    fn test(
        &mut self,
        key: &Key,
        negated: bool,
        values: &'p [Text<'_>],
    ) -> Result<Option<Test>, Skipped> {
        let mut any_of = Vec::with_capacity(values.len());
        for value in values {
            match self.predicates(key, value) {
                Ok(predicates) => any_of.extend(predicates),
                Err(Unreadable) if self.is_allow => return Err(Skipped),
                Err(Unreadable) => {}
            }
        }
        Ok(self.space.test(&key.attribute(), negated, any_of))
    }

    /// More than one where the trust domain has aliases.
    fn predicates(&self, key: &Key, value: &'p str) -> Read<'p> {
        let one = match key {
            Key::Principal => {
                let values = without_cluster_local(value, self.mesh);
                let principals = values.into_iter().map(Pattern::of);
                return Ok(principals.map(Predicate::Principal).collect());
            }
            Key::TrustDomain => {
                let values = with_aliases(value, self.mesh);
                return Ok(values.into_iter().map(Predicate::TrustDomain).collect());
            }
            Key::Namespace => Predicate::NamespaceGlob(Cow::Borrowed(value)),
            Key::ServiceAccount => {
                let (namespace, account) = value.split_once('/').unwrap_or((self.namespace, value));
                Predicate::ServiceAccount(Cow::Borrowed(namespace), Cow::Borrowed(account))
            }
            Key::SourceIp | Key::RemoteIp | Key::DestinationIp => {
                Predicate::Network(Network::of(value).ok_or(Unreadable)?)
            }
            Key::DestinationPort => Predicate::Port(port(value).ok_or(Unreadable)?),
            Key::Host => Predicate::Text(Pattern::of(value).ignoring_case()),
            Key::Path => Template::of(value)
                .map_or_else(|| Predicate::Text(Pattern::of(value)), Predicate::Path),
            Key::RequestPrincipal => token(value),
            Key::Issuer => Predicate::Issuer(Pattern::of(value)),
            Key::Subject => Predicate::Subject(Pattern::of(value)),
            Key::Metadata(_) => Predicate::Text(Pattern::of(of_list(value))),
            Key::Method | Key::Sni | Key::Claim(_) | Key::Header(_) => {
                Predicate::Text(Pattern::of(value))
            }
            Key::Malformed => return Err(Unreadable),
        };
        Ok(vec![one])
    }
}

/// `[VALUE]` is one value of a list.
fn of_list(value: &str) -> &str {
    in_brackets(value).unwrap_or(value)
}

/// Issuer and subject, which the last slash divides (`requestPrincipalGenerator`).
fn token(value: &str) -> Predicate<'_> {
    let any = || Pattern::new(How::Present, "");
    let (issuer, subject) = match (value, value.rsplit_once('/')) {
        ("*", _) => (any(), any()),
        (_, Some((issuer, subject))) if value.starts_with('*') => {
            (Pattern::of(issuer), Pattern::exact(subject))
        }
        (_, Some((issuer, subject))) if value.ends_with('*') => {
            (Pattern::exact(issuer), Pattern::of(subject))
        }
        (_, Some((issuer, subject))) => (Pattern::exact(issuer), Pattern::exact(subject)),
        (_, None) if value.starts_with('*') => (any(), Pattern::of(value)),
        (_, None) if value.ends_with('*') => (Pattern::of(value), any()),
        (_, None) => (Pattern::exact(value), Pattern::exact("")),
    };
    Predicate::Token(issuer, subject)
}
