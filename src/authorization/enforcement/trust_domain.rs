//! How istiod rewrites trust domains for Envoy, and for ztunnel does not: `cluster.local` stands for the
//! mesh's own trust domain and all of its aliases (istio `pilot/pkg/security/trustdomain/bundle.go`).

use std::borrow::Cow;

use crate::authorization::mesh::Mesh;

const CLUSTER_LOCAL: &str = "cluster.local";

/// The principals that one value stands for (`ReplaceTrustDomainAliases`).
pub(super) fn without_cluster_local<'p>(principal: &'p str, mesh: &Mesh) -> Vec<Cow<'p, str>> {
    let as_it_is = || vec![Cow::Borrowed(principal)];
    let Some((own, rest)) = principal.split_once('/') else {
        return as_it_is();
    };
    if own == "*" || principal.split('/').count() != 5 {
        return as_it_is();
    }
    if own != CLUSTER_LOCAL && !mesh.trust_domains().any(|domain| overlap(own, domain)) {
        return as_it_is();
    }
    let mut principals = Vec::new();
    for domain in mesh.trust_domains() {
        let is_same = own == domain || ends_as(domain, own);
        let principal = if is_same {
            Cow::Borrowed(principal)
        } else {
            Cow::Owned(format!("{domain}/{rest}"))
        };
        if !principals.contains(&principal) {
            principals.push(principal);
        }
    }
    principals
}

/// The trust domains that one value stands for (`ExpandTrustDomainAliases`).
pub(super) fn with_aliases<'p>(value: &'p str, mesh: &Mesh) -> Vec<Cow<'p, str>> {
    if mesh.trust_domains().any(|domain| domain == value) {
        return mesh
            .trust_domains()
            .map(|domain| Cow::Owned(domain.to_owned()))
            .collect();
    }
    vec![Cow::Borrowed(value)]
}

/// Either is the other, or a pattern of it (`util.go`, `stringMatch`).
fn overlap(one: &str, other: &str) -> bool {
    one == other
        || other == "*"
        || begins_as(one, other)
        || begins_as(other, one)
        || ends_as(one, other)
        || ends_as(other, one)
}

fn begins_as(text: &str, pattern: &str) -> bool {
    let prefix = pattern.strip_suffix('*');
    prefix.is_some_and(|prefix| text.starts_with(prefix))
}

fn ends_as(text: &str, pattern: &str) -> bool {
    let suffix = pattern.strip_prefix('*');
    suffix.is_some_and(|suffix| text.ends_with(suffix))
}
