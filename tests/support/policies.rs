//! Random AuthorizationPolicies as JSON: all fields and actions, one to four rules, negations, what ztunnel
//! knows and what it drops mixed, with and without targets, in the root namespace and in others.
//!
//! Values come from small pools that overlap, so that rules meet, cover and miss each other. Each policy is
//! one that the API server accepts.

#![allow(
    dead_code,
    reason = "each test crate compiles this module, and uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper fails the test by panicking"
)]

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

/// Where Istio keeps what holds for the whole mesh.
pub(crate) const ROOT: &str = "istio-system";
/// The namespaces of the policies, beside [`ROOT`].
pub(crate) const NAMESPACES: [&str; 2] = ["prod", "team-a-dev"];

type Json = BoxedStrategy<Value>;
/// A field that is there with this weight in a hundred, and what its values are, with spaces between.
type Entry = (&'static str, u32, &'static str);

const PRINCIPALS: &str = "\
    cluster.local/ns/prod/sa/web cluster.local/ns/prod/sa/api \
    cluster.local/ns/team-a-dev/sa/web cluster.local/ns/prod/* cluster.local/ns/prod/sa/* \
    cluster.local/* */sa/web */ns/prod/sa/web *web * td2/ns/prod/sa/web \
    spiffe://cluster.local/ns/prod/sa/web";
const NAMES: &str = "prod team-a-dev team-b team-* *-dev * team-*-dev *a* *sa pro*";
const ACCOUNTS: &str = "web prod/web prod/api team-b/web api";
const TRUST_DOMAINS: &str = "cluster.local td2 * *.local td*";
const NETWORKS: &str = "\
    10.0.0.1 10.0.0.0/8 10.1.0.0/16 10.1.2.3/16 0.0.0.0/0 192.168.7.0/24 2001:db8::/32 \
    2001:db8::1";
const PORTS: &str = "80 443 8080 9090";
const METHODS: &str = "GET POST DELETE * P*";
const PATHS: &str = "/admin /admin* /admin/x *.html * /a/{*} /a/{*}/c /a/{**} /a/b /";
const HOSTS: &str = "example.com *.example.com EXAMPLE.com * example*";
const SUBJECTS: &str = "https://issuer/alice https://issuer/* */alice * issuer";
const TEXTS: &str = "a b a* *b *";

const SOURCE: [Entry; 10] = [
    ("principals", 30, PRINCIPALS),
    ("notPrincipals", 15, PRINCIPALS),
    ("namespaces", 25, NAMES),
    ("notNamespaces", 12, NAMES),
    ("ipBlocks", 20, NETWORKS),
    ("notIpBlocks", 12, NETWORKS),
    ("requestPrincipals", 10, SUBJECTS),
    ("notRequestPrincipals", 6, SUBJECTS),
    ("remoteIpBlocks", 5, NETWORKS),
    ("notRemoteIpBlocks", 3, NETWORKS),
];
/// Such a source may have no principals and namespaces.
const ACCOUNT_SOURCE: [Entry; 6] = [
    ("serviceAccounts", 70, ACCOUNTS),
    ("notServiceAccounts", 40, ACCOUNTS),
    ("ipBlocks", 20, NETWORKS),
    ("notIpBlocks", 12, NETWORKS),
    ("requestPrincipals", 10, SUBJECTS),
    ("remoteIpBlocks", 5, NETWORKS),
];
const TRUST_DOMAIN_FIELDS: [Entry; 2] = [
    ("trustDomains", 8, TRUST_DOMAINS),
    ("notTrustDomains", 5, TRUST_DOMAINS),
];
const OPERATION: [Entry; 8] = [
    ("ports", 45, PORTS),
    ("notPorts", 20, PORTS),
    ("methods", 25, METHODS),
    ("notMethods", 10, METHODS),
    ("paths", 25, PATHS),
    ("notPaths", 10, PATHS),
    ("hosts", 12, HOSTS),
    ("notHosts", 6, HOSTS),
];
const KEYS: [Entry; 17] = [
    ("source.ip", 6, NETWORKS),
    ("source.namespace", 8, NAMES),
    ("source.principal", 8, PRINCIPALS),
    ("destination.ip", 6, NETWORKS),
    ("destination.port", 8, PORTS),
    ("source.serviceAccount", 2, ACCOUNTS),
    ("source.trustDomain", 2, TRUST_DOMAINS),
    ("remote.ip", 2, NETWORKS),
    ("connection.sni", 2, HOSTS),
    ("request.headers[x-token]", 5, TEXTS),
    ("request.headers[:method]", 1, METHODS),
    ("request.headersfoo[x]", 1, TEXTS),
    ("request.auth.principal", 2, SUBJECTS),
    ("request.auth.audiences", 2, TEXTS),
    ("request.auth.claims[group]", 3, TEXTS),
    ("request.auth.claims[iss]", 1, TEXTS),
    ("experimental.envoy.filters.a.b[c]", 1, TEXTS),
];
const SERVICE: &str = r#"{"kind": "Service", "group": "", "name": "web"}"#;
const GATEWAY: &str =
    r#"{"kind": "Gateway", "group": "gateway.networking.k8s.io", "name": "waypoint"}"#;

/// Policies, each called `policy`.
pub(crate) fn policy() -> Json {
    let action =
        prop_oneof![8 => Just("ALLOW"), 9 => Just("DENY"), 1 => Just("AUDIT"), 1 => Just("CUSTOM")];
    let namespace = prop_oneof![
        5 => Just(NAMESPACES[0]), 2 => Just(NAMESPACES[1]), 2 => Just(ROOT)
    ];
    let labels = weighted(0.04, select(vec!["default", "canary"]));
    let dry_run = weighted(0.06, select(vec!["true", "1", "false", "yes"]));
    let version = select(vec!["v1", "v1beta1"]);
    (
        version,
        action,
        namespace,
        labels,
        dry_run,
        attachment(),
        vec(rule(), 1..=4),
        prop::bool::weighted(0.04),
    )
        .prop_map(
            |(version, action, namespace, revision, dry_run, attachment, rules, is_bare)| {
                let mut metadata = json!({"name": "policy", "namespace": namespace});
                if let Some(revision) = revision {
                    metadata["labels"] = json!({"istio.io/rev": revision});
                }
                if let Some(value) = dry_run {
                    metadata["annotations"] = json!({"istio.io/dry-run": value});
                }
                let mut spec = json!({"action": action});
                if !(is_bare && action == "ALLOW") {
                    spec["rules"] = json!(rules);
                }
                if action == "CUSTOM" {
                    spec["provider"] = json!({"name": "external"});
                }
                if let Some((name, value)) = attachment {
                    spec[name] = value;
                }
                json!({
                    "apiVersion": format!("security.istio.io/{version}"),
                    "kind": "AuthorizationPolicy",
                    "metadata": metadata,
                    "spec": spec,
                })
            },
        )
        .boxed()
}

/// `count` policies, always the same for one seed, with the names `policy-0`, `policy-1` …
pub(crate) fn sample(seed: u64, count: usize) -> Vec<Value> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = policy();
    let policies = (0..count).map(|number| {
        let mut policy = strategy.new_tree(&mut runner).unwrap().current();
        policy["metadata"]["name"] = json!(format!("policy-{number}"));
        policy
    });
    policies.collect()
}

fn attachment() -> BoxedStrategy<Option<(&'static str, Value)>> {
    let target = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let both = json!([target(SERVICE), target(GATEWAY)]);
    prop_oneof![
        8 => Just(None),
        12 => Just(Some(("selector", json!({"matchLabels": {"app": "web"}})))),
        1 => Just(Some(("selector", json!({})))),
        1 => Just(Some(("selector", json!({"matchLabels": {}})))),
        1 => Just(Some(("targetRefs", json!([target(SERVICE)])))),
        1 => Just(Some(("targetRefs", both))),
        1 => Just(Some(("targetRef", target(GATEWAY)))),
    ]
    .boxed()
}

fn rule() -> Json {
    let from = weighted(
        0.75,
        vec(source().prop_map(|source| json!({"source": source})), 1..=3),
    );
    let to = weighted(
        0.7,
        vec(operation().prop_map(|to| json!({"operation": to})), 1..=3),
    );
    let when = weighted(0.35, vec(condition(), 1..=2));
    (from, to, when)
        .prop_map(|(from, to, when)| {
            let mut rule = Map::new();
            let clauses = [("from", from), ("to", to), ("when", when)];
            for (name, clause) in clauses {
                rule.extend(clause.map(|clause| (name.to_owned(), json!(clause))));
            }
            Value::Object(rule)
        })
        .boxed()
}

fn source() -> Json {
    prop_oneof![
        5 => (fields(&SOURCE), fields(&TRUST_DOMAIN_FIELDS)),
        1 => (fields(&ACCOUNT_SOURCE), fields(&TRUST_DOMAIN_FIELDS)),
    ]
    .prop_flat_map(|(mut fields, trust_domains)| {
        fields.extend(trust_domains);
        or_one_of(fields, &SOURCE)
    })
    .boxed()
}

fn operation() -> Json {
    fields(&OPERATION)
        .prop_flat_map(|fields| or_one_of(fields, &OPERATION))
        .boxed()
}

/// Hardly ever empty: istiod's validation refuses that, where it is asked.
fn or_one_of(fields: Map<String, Value>, entries: &'static [Entry]) -> Json {
    if !fields.is_empty() {
        return Just(Value::Object(fields)).boxed();
    }
    let one = select(entries)
        .prop_flat_map(|(name, _, all)| values(all).prop_map(move |values| json!({name: values})));
    prop_oneof![1 => Just(json!({})), 40 => one].boxed()
}

fn condition() -> Json {
    let keys = KEYS.map(|(key, weight, values)| (weight, Just((key, values)).boxed()));
    let key = proptest::strategy::Union::new_weighted(keys.to_vec());
    key.prop_flat_map(|(key, all)| {
        let kinds = select(vec![(true, false), (false, true), (true, true)]);
        (kinds, values(all), values(all)).prop_map(move |((has, has_not), values, not_values)| {
            let mut condition = json!({"key": key});
            if has {
                condition["values"] = json!(values);
            }
            if has_not {
                condition["notValues"] = json!(not_values);
            }
            condition
        })
    })
    .boxed()
}

fn fields(entries: &[Entry]) -> BoxedStrategy<Map<String, Value>> {
    let entries = entries.iter().copied();
    let each: Vec<_> = entries
        .map(|(name, weight, all)| {
            let entry = values(all).prop_map(move |values| (name.to_owned(), json!(values)));
            weighted(f64::from(weight) / 100.0, entry)
        })
        .collect();
    each.prop_map(|fields| fields.into_iter().flatten().collect())
        .boxed()
}

fn values(all: &'static str) -> BoxedStrategy<Vec<&'static str>> {
    let all: Vec<&str> = all.split(' ').collect();
    let most = 3.min(all.len());
    subsequence(all, 1..=most).boxed()
}
