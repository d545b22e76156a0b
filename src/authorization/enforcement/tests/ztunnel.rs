//! Each fact about ztunnel, a row each.

use super::{judged, shown};
use crate::authorization::Mesh;
use crate::authorization::enforcement::{Effect, Enforcement, NotSent, Receives, at_ztunnel};
use crate::authorization::policy::AuthorizationPolicy;

pub(super) const NONE: &str = "";

/// Name, spec, effect, the request that gets through, the one that is refused, the codes.
pub(super) type Row<'a> = (&'a str, &'a str, Effect, &'a str, &'a str, &'a [&'a str]);

pub(super) fn check(rows: &[Row<'_>], judge: impl Fn(&str) -> Enforcement) {
    for (name, spec, effect, open, closed, codes) in rows {
        let found = judge(spec);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        assert_eq!(shown(&found), (*effect, some(open), some(closed)), "{name}");
        let reasons: Vec<&str> = found.reasons.iter().map(|code| code.word).collect();
        assert_eq!(reasons, *codes, "{name}");
    }
}

#[test]
#[rustfmt::skip]
fn http_attributes() {
    check(&[
        ("ALLOW, L4 only",
            r#"{"rules": [{"from": [{"source": {"namespaces": ["a"]}}], "to": [{"operation": {"ports": ["80"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &[]),
        ("ALLOW, all rules L7",
            r#"{"rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]}"#,
            Effect::Closed, NONE, "GET", &["RuleDropped", "AllowsNothing"]),
        ("ALLOW, one rule L7 among others",
            r#"{"rules": [{"to": [{"operation": {"methods": ["GET"]}}]}, {"from": [{"source": {"namespaces": ["a"]}}]}]}"#,
            Effect::Closed, NONE, "GET as cluster.local/ns/elsewhere/sa/someone", &["RuleDropped"]),
        ("ALLOW, a rule L7 that another covers",
            r#"{"rules": [{"to": [{"operation": {"ports": ["80"], "methods": ["GET"]}}]}, {"to": [{"operation": {"ports": ["80"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &["RuleDropped"]),
        ("ALLOW, no rules", r#"{}"#, Effect::Exact, NONE, NONE, &[]),
        ("ALLOW, a rule for everything", r#"{"rules": [{}]}"#, Effect::Exact, NONE, NONE, &[]),
        ("DENY, L7 only",
            r#"{"action": "DENY", "rules": [{"to": [{"operation": {"methods": ["DELETE"]}}]}]}"#,
            Effect::Open, "DELETE", NONE, &["HttpDropped", "NeverFires"]),
        ("DENY, principal and path",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/prod/sa/web"]}}], "to": [{"operation": {"paths": ["/admin"]}}]}]}"#,
            Effect::Open, "/admin as cluster.local/ns/prod/sa/web", NONE, &["HttpDropped", "NeverFires"]),
        ("DENY, the issue's example",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/prod/sa/web"], "ipBlocks": ["10.0.0.0/8"]}}], "to": [{"operation": {"paths": ["/admin"], "methods": ["POST"]}}], "when": [{"key": "destination.port", "values": ["8080"]}]}]}"#,
            Effect::Open, "POST /admin as cluster.local/ns/prod/sa/web from 10.0.0.1 to 8080", NONE, &["HttpDropped", "NeverFires"]),
        ("DENY, principal and a header",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"principals": ["*"]}}], "when": [{"key": "request.headers[x-token]", "values": ["a"]}]}]}"#,
            Effect::Open, "any request as cluster.local/ns/elsewhere/sa/someone with header x-token: a", NONE, &["HttpDropped", "NeverFires"]),
        ("DENY, port and method",
            r#"{"action": "DENY", "rules": [{"to": [{"operation": {"ports": ["8080"], "methods": ["DELETE"]}}]}]}"#,
            Effect::Closed, NONE, "GET to 8080", &["HttpDropped"]),
    ], judged);
}

#[test]
#[rustfmt::skip]
fn http_attributes_beside_others() {
    check(&[
        ("DENY, an alternative vanishes",
            r#"{"action": "DENY", "rules": [{"to": [{"operation": {"ports": ["9090"]}}, {"operation": {"methods": ["DELETE"]}}]}]}"#,
            Effect::Open, "DELETE to 8080", NONE, &["HttpDropped", "AlternativeVanished"]),
        ("DENY, an alternative is wider and another vanishes",
            r#"{"action": "DENY", "rules": [{"to": [{"operation": {"ports": ["8080"], "methods": ["DELETE"]}}, {"operation": {"paths": ["/admin*"]}}]}]}"#,
            Effect::Both, "/admin to 8081", "GET / to 8080", &["HttpDropped", "AlternativeVanished"]),
        ("DENY, rules cover for each other",
            r#"{"action": "DENY", "rules": [{"to": [{"operation": {"ports": ["80"], "methods": ["GET"]}}]}, {"to": [{"operation": {"ports": ["80"], "notMethods": ["GET"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &["HttpDropped"]),
        ("DENY, a rule for everything beside one of L7",
            r#"{"action": "DENY", "rules": [{}, {"to": [{"operation": {"methods": ["GET"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &["HttpDropped", "NeverFires"]),
        ("DENY, hosts without regard to case",
            r#"{"action": "DENY", "rules": [{"to": [{"operation": {"hosts": ["*.Example.com"], "ports": ["80"]}}]}]}"#,
            Effect::Closed, NONE, "any request at host example.com to 80", &["HttpDropped"]),
        ("DENY, a path template",
            r#"{"action": "DENY", "rules": [{"to": [{"operation": {"paths": ["/a/{*}/c", "/b/{**}"]}}]}]}"#,
            Effect::Open, "/a/x/c", NONE, &["HttpDropped", "NeverFires"]),
        ("DENY, keys that only HTTP has",
            r#"{"action": "DENY", "rules": [{"when": [{"key": "source.serviceAccount", "values": ["web"]}]}]}"#,
            Effect::Open, "any request as cluster.local/ns/prod/sa/web", NONE, &["HttpDropped", "NeverFires"]),
        ("ALLOW, such a key",
            r#"{"rules": [{"when": [{"key": "source.trustDomain", "values": ["td2"]}]}]}"#,
            Effect::Closed, NONE, "any request as td2/ns/elsewhere/sa/someone", &["RuleDropped", "AllowsNothing"]),
        ("from and to that are empty mean any",
            r#"{"action": "DENY", "rules": [{"from": [], "to": [], "when": [{"key": "source.ip", "values": ["10.0.0.1"]}]}]}"#,
            Effect::Exact, NONE, NONE, &[]),
        ("a header key that Envoy cannot read costs an ALLOW its rule everywhere",
            r#"{"rules": [{"when": [{"key": "request.headersfoo[x]", "values": ["a"]}]}]}"#,
            Effect::Exact, NONE, NONE, &["RuleDropped", "AllowsNothing"]),
        ("and a DENY only the test",
            r#"{"action": "DENY", "rules": [{"when": [{"key": "request.headersfoo[x]", "values": ["a"]}]}]}"#,
            Effect::Open, "any request", NONE, &["HttpDropped", "NeverFires"]),
    ], judged);
}

#[test]
#[rustfmt::skip]
fn what_is_dropped_or_read_otherwise() {
    check(&[
        ("trustDomains beside another field, ALLOW",
            r#"{"rules": [{"from": [{"source": {"namespaces": ["a"], "trustDomains": ["td1"]}}]}]}"#,
            Effect::Open, "any request as cluster.local/ns/a/sa/someone", NONE, &["TrustDomainsDropped"]),
        ("trustDomains beside another field, DENY",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"namespaces": ["a"], "trustDomains": ["td1"]}}]}]}"#,
            Effect::Closed, NONE, "any request as cluster.local/ns/a/sa/someone", &["TrustDomainsDropped"]),
        ("trustDomains alone, ALLOW",
            r#"{"rules": [{"from": [{"source": {"trustDomains": ["td1"]}}]}]}"#,
            Effect::Closed, NONE, "any request as td1/ns/elsewhere/sa/someone", &["NeverFires", "TrustDomainsDropped"]),
        ("trustDomains alone, DENY",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"notTrustDomains": ["td1"]}}]}]}"#,
            Effect::Open, "any request as cluster.local/ns/elsewhere/sa/someone", NONE, &["NeverFires", "TrustDomainsDropped"]),
        ("a wildcard inside a namespace, DENY",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"namespaces": ["team-*-dev"]}}]}]}"#,
            Effect::Open, "any request as cluster.local/ns/team-x-dev/sa/someone", NONE, &["WildcardInNamespace"]),
        ("a wildcard at both ends, ALLOW",
            r#"{"rules": [{"from": [{"source": {"namespaces": ["*x*"]}}]}]}"#,
            Effect::Closed, NONE, "any request as cluster.local/ns/xxx/sa/someone", &["WildcardInNamespace"]),
        ("a wildcard at the beginning",
            r#"{"rules": [{"from": [{"source": {"namespaces": ["*-dev"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &[]),
        ("one whose end is also that of /sa: Envoy matches every namespace",
            r#"{"action": "DENY", "rules": [{"when": [{"key": "source.namespace", "values": ["*a"]}]}]}"#,
            Effect::Open, "any request as cluster.local/ns/elsewhere/sa/someone", NONE, &["WildcardInNamespace"]),
        ("spiffe:// is dead on both sides, ALLOW",
            r#"{"rules": [{"from": [{"source": {"principals": ["spiffe://cluster.local/ns/a/sa/b"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &[]),
        ("spiffe:// is dead on both sides, DENY",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"principals": ["spiffe://cluster.local/ns/a/sa/b"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &[]),
        ("an address that is none, DENY",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"ipBlocks": ["10.0.0.0/33"]}}]}]}"#,
            Effect::Open, "any request", NONE, &["NeverFires", "ValueDropped"]),
        ("a service account in the policy's namespace",
            r#"{"rules": [{"from": [{"source": {"serviceAccounts": ["web"], "notServiceAccounts": ["other/web"]}}]}]}"#,
            Effect::Exact, NONE, NONE, &[]),
        ("what has another namespace, or none",
            r#"{"action": "DENY", "rules": [{"from": [{"source": {"notNamespaces": ["a"]}}], "to": [{"operation": {"notPaths": ["/x"], "ports": ["80"]}}]}]}"#,
            Effect::Closed, NONE, "/x as cluster.local/ns/elsewhere/sa/someone to 80", &["HttpDropped"]),
    ], judged);
}

#[test]
#[rustfmt::skip]
fn policies_that_ztunnel_does_not_enforce() {
    check(&[
        ("AUDIT refuses nothing", r#"{"action": "AUDIT", "rules": [{}]}"#,
            Effect::Exact, NONE, NONE, &["ActionNotSupported"]),
        ("CUSTOM: nobody asks the provider",
            r#"{"action": "CUSTOM", "provider": {"name": "p"}, "rules": [{"to": [{"operation": {"paths": ["/admin"]}}]}]}"#,
            Effect::Open, "/admin", NONE, &["ActionNotSupported"]),
        ("targetRefs", r#"{"targetRefs": [{"kind": "Service", "group": "", "name": "web"}], "action": "DENY", "rules": [{}]}"#,
            Effect::NotApplicable, NONE, NONE, &["TargetRefsNotSent"]),
        ("targetRef", r#"{"targetRef": {"kind": "Service", "group": "", "name": "web"}, "action": "DENY", "rules": [{}]}"#,
            Effect::NotApplicable, NONE, NONE, &["TargetRefsNotSent"]),
        ("an empty selector, DENY", r#"{"selector": {}, "action": "DENY", "rules": [{}]}"#,
            Effect::Open, "any request", NONE, &["NoWorkloadRefers"]),
        ("an empty selector, ALLOW", r#"{"selector": {}, "rules": [{"to": [{"operation": {"ports": ["80"]}}]}]}"#,
            Effect::Open, "any request to 8080", NONE, &["NoWorkloadRefers"]),
        ("empty labels select everything", r#"{"selector": {"matchLabels": {}}, "action": "DENY", "rules": [{}]}"#,
            Effect::Exact, NONE, NONE, &[]),
        ("from without a source ends istiod", r#"{"action": "DENY", "rules": [{"from": [{}]}]}"#,
            Effect::Open, "any request", NONE, &["CrashesIstiod"]),
        ("to without an operation ends istiod", r#"{"rules": [{"to": [{"operation": {"ports": ["80"]}}, {}]}]}"#,
            Effect::Exact, NONE, NONE, &["CrashesIstiod"]),
        ("where it is not converted it does not", r#"{"action": "AUDIT", "rules": [{"to": [{}]}]}"#,
            Effect::Exact, NONE, NONE, &["ActionNotSupported"]),
        ("an unknown action", r#"{"action": "MAYBE", "rules": [{}]}"#,
            Effect::NotApplicable, NONE, NONE, &["ActionNotSupported"]),
    ], judged);
}

fn with(metadata: &str, mesh: &Mesh) -> Enforcement {
    let json =
        format!(r#"{{"metadata": {metadata}, "spec": {{"action": "DENY", "rules": [{{}}]}}}}"#);
    at_ztunnel(&AuthorizationPolicy::parse(&json).unwrap(), mesh)
}

#[test]
#[rustfmt::skip]
fn metadata() {
    let dry_run = |value| format!(r#"{{"name": "p", "annotations": {{"istio.io/dry-run": "{value}"}}}}"#);
    let revision = |value| format!(r#"{{"name": "p", "labels": {{"istio.io/rev": "{value}"}}}}"#);
    let told = Mesh { dry_run_at_ztunnel: true, ..Mesh::default() };
    let canary = Mesh { revision: Some("canary".to_owned()), ..Mesh::default() };
    let any = Mesh { revision: None, ..Mesh::default() };
    let own = Mesh::default();
    let not_sent = |reason| Some(Receives::NotSent(reason));
    let rows = [
        ("a dry run", dry_run("true"), &own, Effect::Exact, not_sent(NotSent::DryRun)),
        ("as Go reads it", dry_run("T"), &own, Effect::Exact, not_sent(NotSent::DryRun)),
        ("no truth value", dry_run("yes"), &own, Effect::Exact, None),
        ("sent all the same", dry_run("1"), &told, Effect::Exact, None),
        ("another revision", revision("canary"), &own, Effect::Open, not_sent(NotSent::OtherRevision)),
        ("its own revision", revision("canary"), &canary, Effect::Exact, None),
        ("every revision", revision("canary"), &any, Effect::Exact, None),
    ];
    for (name, metadata, mesh, effect, not_sent) in rows {
        let found = with(&metadata, mesh);
        assert_eq!(found.effect, effect, "{name}");
        let expected = found.receives.filter(|receives| matches!(receives, Receives::NotSent(_)));
        assert_eq!(expected, not_sent, "{name}");
    }
}

#[test]
fn scopes() {
    let rows = [
        (
            r#"{"name": "p", "namespace": "prod"}"#,
            "",
            r#""NAMESPACE""#,
        ),
        (r#"{"name": "p", "namespace": "istio-system"}"#, "", "null"),
        (
            r#"{"name": "p", "namespace": "prod"}"#,
            r#""selector": {"matchLabels": {"a": "b"}},"#,
            r#""WORKLOAD_SELECTOR""#,
        ),
        (
            r#"{"name": "p", "namespace": "istio-system"}"#,
            r#""selector": {},"#,
            r#""WORKLOAD_SELECTOR""#,
        ),
    ];
    for (metadata, selector, scope) in rows {
        let json = format!(r#"{{"metadata": {metadata}, "spec": {{{selector} "rules": [{{}}]}}}}"#);
        let found = at_ztunnel(
            &AuthorizationPolicy::parse(&json).unwrap(),
            &Mesh::default(),
        );
        let Some(Receives::Rules(got)) = found.receives else {
            panic!("{json} is sent")
        };
        assert_eq!(
            serde_json::to_value(&got).unwrap()["scope"].to_string(),
            scope
        );
    }
}

/// As istiod prints it at `/debug/ambientz`.
#[test]
fn the_form_of_what_is_sent() {
    let found = judged(
        r#"{"selector": {"matchLabels": {"a": "b"}}, "action": "DENY", "rules": [{}, {
            "from": [{"source": {"principals": ["*", "a*", "*a", "a"], "notIpBlocks": ["10.1.2.3/8", "0.0.0.0/0", "2001:db8::1", "fe80::1%eth0", "10.0.0.0/08", "010.0.0.1"]}},
                     {"source": {"serviceAccounts": ["web", "other/api"]}}],
            "to": [{"operation": {"ports": ["080", "70000", "+81"], "methods": ["GET"]}}, {"operation": {"paths": ["/"]}}],
            "when": [{"key": "destination.ip", "values": ["10.0.0.1"], "notValues": ["10.0.0.2"]}, {"key": "remote.ip", "values": ["1.1.1.1"]}]}]}"#,
    );
    let Some(Receives::Rules(got)) = found.receives else {
        panic!("it is sent")
    };
    let expected = serde_json::json!({
        "name": "p", "namespace": "prod", "scope": "WORKLOAD_SELECTOR", "action": "DENY",
        "groups": [{}, {"rules": [
            {"matches": [{"destinationPorts": [80]}, {}]},
            {"matches": [
                {"principals": [{"presence": {}}, {"prefix": "a"}, {"suffix": "a"}, {"exact": "a"}],
                 "notSourceIps": [{"address": "CgECAw==", "length": 8}, {"address": "AAAAAA=="},
                                  {"address": "IAENuAAAAAAAAAAAAAAAAQ==", "length": 128},
                                  {"address": "/oAAAAAAAAAAAAAAAAAAAQ==", "length": 128}]},
                {"serviceAccounts": [{"namespace": "prod", "serviceAccount": "web"},
                                     {"namespace": "other", "serviceAccount": "api"}]}]},
            {"matches": [{"destinationIps": [{"address": "CgAAAQ==", "length": 32}],
                          "notDestinationIps": [{"address": "CgAAAg==", "length": 32}]}]},
            {"matches": [{}]},
        ]}],
    });
    assert_eq!(serde_json::to_value(&got).unwrap(), expected);
}

#[test]
fn as_json() {
    let found = judged(
        r#"{"action": "DENY", "rules": [{"to": [{"operation": {"paths": ["/admin"]}}], "when": [{"key": "request.headers[x]", "notValues": ["*"]}]}]}"#,
    );
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(
        json["witnesses"],
        serde_json::json!({"open": {"path": "/admin", "header x": null}})
    );
    assert_eq!(json["effect"], "open");
    assert_eq!(json["bound"], "exhausted");
    assert_eq!(json["reasons"], serde_json::json!(["MM222", "MM223"]));
    assert_eq!(json["receives"]["rules"]["action"], "DENY");
    let open = found.witnesses.open.map(|request| request.to_string());
    assert_eq!(open.as_deref(), Some("/admin without header x"));
}

#[test]
fn notes() {
    let found = judged(
        r#"{"rules": [{"from": [{"source": {"principals": ["spiffe://cluster.local/ns/a/sa/b"]}}], "to": [{"operation": {"ports": ["80"]}}]}]}"#,
    );
    let notes: Vec<&str> = found.notes.iter().map(|code| code.word).collect();
    assert_eq!(notes, ["SpiffePrincipal", "PortsOfThePod"]);
    assert_eq!(judged(r#"{"rules": [{}]}"#).notes, []);
}
