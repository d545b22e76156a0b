//! Decides requests, by code of its own: on a policy as it is written, with the regular expressions that
//! istiod makes for Envoy; and on the rules that ztunnel gets, as istiod prints them at `/debug/ambientz`.
//!
//! Slow and plain: what it is held against is neither.

#![allow(
    dead_code,
    reason = "each test crate compiles this module, and uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper fails the test by panicking"
)]

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::Value;

/// The attributes of a request, by the names that witnesses use; none for one that is absent.
pub(crate) type Request = BTreeMap<String, Option<String>>;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

fn fits(pattern: &str, text: &str) -> bool {
    COMPILED.with_borrow_mut(|compiled| {
        compiled
            .entry(pattern.to_owned())
            .or_insert_with(|| Regex::new(&format!("^(?:{pattern})$")).unwrap())
            .is_match(text)
    })
}

fn attribute<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.get(name).and_then(|value| value.as_deref())
}

/// The members of a list that may not be there.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).map(|text| text.as_str().unwrap()).collect()
}

// === as ztunnel decides ===

/// Whether ztunnel refuses the request, with this policy alone; none was sent to it.
pub(crate) fn ztunnel_refuses(sent: Option<&Value>, request: &Request) -> bool {
    let Some(sent) = sent.filter(|sent| sent["dryRun"] != true) else {
        return false;
    };
    let all = |group: &Value| list(&group["rules"]).all(|clause| any(clause, request));
    (sent["action"] == "DENY") == list(&sent["groups"]).any(all)
}

fn any(clause: &Value, request: &Request) -> bool {
    let is_empty = |one: &Value| one.as_object().unwrap().is_empty();
    let mut matches = list(&clause["matches"]);
    matches.any(|one| !is_empty(one) && meets(one, request))
}

fn meets(one: &Value, request: &Request) -> bool {
    let identity = attribute(request, "principal");
    let parts: Vec<&str> = identity.unwrap_or_default().split('/').collect();
    let namespace = parts.get(2).copied().unwrap_or_default();
    let account = |value: &Value| {
        identity.is_some() && value["namespace"] == namespace && value["serviceAccount"] == parts[4]
    };
    let port = attribute(request, "destinationPort").map(|port| port.parse().unwrap());
    one.as_object().unwrap().iter().all(|(name, values)| {
        let (is_not, name) = match name.strip_prefix("not") {
            Some(rest) => (true, rest[..1].to_lowercase() + &rest[1..]),
            None => (false, name.clone()),
        };
        let found = list(values).any(|value| match name.as_str() {
            "principals" => identity.is_some_and(|identity| is_string(value, identity)),
            "namespaces" => is_string(value, namespace),
            "serviceAccounts" => account(value),
            "sourceIps" => is_in(value, attribute(request, "sourceIp")),
            "destinationIps" => is_in(value, attribute(request, "destinationIp")),
            "destinationPorts" => value.as_u64() == port,
            other => panic!("ztunnel knows no {other}"),
        });
        found != is_not
    })
}

fn is_string(value: &Value, text: &str) -> bool {
    let (how, with) = value.as_object().unwrap().iter().next().unwrap();
    let with = with.as_str().unwrap_or_default();
    match how.as_str() {
        "exact" => text == with,
        "prefix" => text.starts_with(with),
        "suffix" => text.ends_with(with),
        "presence" => !text.is_empty(),
        other => panic!("no way to match: {other}"),
    }
}

fn is_in(value: &Value, address: Option<&str>) -> bool {
    let network = STANDARD.decode(value["address"].as_str().unwrap()).unwrap();
    let length = value["length"].as_u64().unwrap_or_default();
    bits_agree(&network, &octets(address.unwrap().parse().unwrap()), length)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn bits_agree(one: &[u8], other: &[u8], length: u64) -> bool {
    let bit = |bytes: &[u8], at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    let length = usize::try_from(length).unwrap();
    one.len() == other.len() && (0..length).all(|at| bit(one, at) == bit(other, at))
}

// === as it is written ===

/// Whether the policy refuses the request, as it is written. For CUSTOM: whether it asks.
pub(crate) fn policy_refuses(policy: &Value, request: &Request) -> bool {
    let spec = &policy["spec"];
    let is_dry = policy["metadata"]["annotations"]["istio.io/dry-run"].as_str();
    if is_dry.is_some_and(|value| ["1", "t", "T", "true", "TRUE", "True"].contains(&value)) {
        return false;
    }
    let is_allow = spec["action"].is_null() || spec["action"] == "ALLOW";
    let namespace = policy["metadata"]["namespace"].as_str().unwrap();
    let reading = Reading {
        is_allow,
        namespace,
        request,
    };
    let matched = list(&spec["rules"]).any(|rule| reading.rule(rule).unwrap_or(false));
    match spec["action"].as_str() {
        None | Some("ALLOW") => !matched,
        Some("DENY" | "CUSTOM") => matched,
        other => {
            assert_eq!(other, Some("AUDIT"));
            false
        }
    }
}

struct Reading<'a> {
    is_allow: bool,
    namespace: &'a str,
    request: &'a Request,
}

/// The rule is left out.
struct Skipped;

impl Reading<'_> {
    fn rule(&self, rule: &Value) -> Result<bool, Skipped> {
        let mut holds = true;
        for (clause, inner) in [("from", "source"), ("to", "operation")] {
            let mut alternatives = Vec::new();
            for alternative in list(&rule[clause]) {
                let mut all = true;
                for (name, values) in alternative[inner].as_object().into_iter().flatten() {
                    let (is_not, name) = match name.strip_prefix("not") {
                        Some(rest) => (true, rest[..1].to_lowercase() + &rest[1..]),
                        None => (false, name.clone()),
                    };
                    all &= self.test(&name, &texts(values), is_not)?;
                }
                alternatives.push(all);
            }
            holds &= alternatives.is_empty() || alternatives.contains(&true);
        }
        for condition in list(&rule["when"]) {
            let key = condition["key"].as_str().unwrap();
            holds &= self.test(key, &texts(&condition["values"]), false)?;
            holds &= self.test(key, &texts(&condition["notValues"]), true)?;
        }
        Ok(holds)
    }

    fn test(&self, name: &str, values: &[&str], is_not: bool) -> Result<bool, Skipped> {
        let mut found = Vec::new();
        for value in values {
            match self.compare(name, value) {
                Some(is_met) => found.push(is_met),
                None if self.is_allow => return Err(Skipped),
                None => {}
            }
        }
        Ok(found.is_empty() || found.contains(&true) != is_not)
    }

    /// None where the value or the name cannot be read.
    fn compare(&self, name: &str, value: &str) -> Option<bool> {
        let get = |name: &str| attribute(self.request, name);
        let spiffe = get("principal").map(|principal| format!("spiffe://{principal}"));
        let identity = |pattern: String| spiffe.as_ref().is_some_and(|text| fits(&pattern, text));
        let text = |text: Option<&str>| text.is_some_and(|text| fits(&glob(value, ""), text));
        let inner = |start: &str| {
            name.strip_prefix(start)?
                .strip_prefix('[')?
                .strip_suffix(']')
        };
        let quoted = regex::escape(value).replace(r"\*", ".*");
        Some(match name {
            "principals" | "source.principal" => identity(glob(value, "spiffe://")),
            "namespaces" | "source.namespace" => identity(format!(".*/ns/{quoted}/.*")),
            "serviceAccounts" | "source.serviceAccount" => {
                let (namespace, account) = value.split_once('/').unwrap_or((self.namespace, value));
                let (ns, sa) = (regex::escape(namespace), regex::escape(account));
                identity(format!("spiffe://.+/ns/{ns}/(.+/|)sa/{sa}(/.+)?"))
            }
            "trustDomains" | "source.trustDomain" => {
                identity(format!("spiffe://{}/.*", quoted.replacen(".*", "[^/]*", 1)))
            }
            "ipBlocks" | "source.ip" => network(value, get("sourceIp")?)?,
            "remoteIpBlocks" | "remote.ip" => network(value, get("remoteIp")?)?,
            "destination.ip" => network(value, get("destinationIp")?)?,
            "ports" | "destination.port" => get("destinationPort")? == value,
            "methods" | "request.headers[:method]" => text(get("method")),
            "hosts" => fits(
                &glob(&value.to_lowercase(), ""),
                &get("host")?.to_lowercase(),
            ),
            "paths" if value.contains('{') => {
                let template = regex::escape(value).replace(r"\{\*\*\}", ".*");
                fits(&template.replace(r"\{\*\}", "[^/]+"), get("path")?)
            }
            "paths" => text(get("path")),
            "requestPrincipals" | "request.auth.principal" => token(value, get("requestPrincipal")),
            "request.auth.claims[iss]" => text(get("requestPrincipal").map(|it| issuer(it).0)),
            "request.auth.audiences" => text(get("claim aud")),
            "connection.sni" => text(get("sni")),
            _ if name.starts_with("experimental.") => {
                text(get(&name.replacen("experimental.", "metadata ", 1)))
            }
            _ => {
                let header = inner("request.headers").map(|name| format!("header {name}"));
                let claim = || inner("request.auth.claims").map(|name| format!("claim {name}"));
                text(get(&header.or_else(claim)?))
            }
        })
    }
}

/// A pattern with a `*` at the beginning or, failing that, at the end.
fn glob(value: &str, prefix: &str) -> String {
    let quote = regex::escape;
    match (value, value.strip_prefix('*'), value.strip_suffix('*')) {
        ("*", _, _) => ".+".to_owned(),
        (_, Some(suffix), _) => format!("{prefix}.*{}", quote(suffix)),
        (_, None, Some(start)) => format!("{prefix}{}.*", quote(start)),
        (_, None, None) => format!("{prefix}{}", quote(value)),
    }
}

fn network(value: &str, address: &str) -> Option<bool> {
    let (network, length) = value.split_once('/').unwrap_or((value, "-1"));
    let network = octets(network.parse().ok()?);
    let all = i64::try_from(network.len() * 8).unwrap();
    let length: i64 = length.parse().ok()?;
    let length = if length < 0 { all } else { length };
    let address = octets(address.parse().unwrap());
    (length <= all).then(|| bits_agree(&network, &address, u64::try_from(length).unwrap()))
}

/// Issuer and subject.
pub(crate) fn issuer(token: &str) -> (&str, &str) {
    token.rsplit_once('/').unwrap_or((token, ""))
}

fn token(value: &str, token: Option<&str>) -> bool {
    let Some((own_issuer, own_subject)) = token.map(issuer) else {
        return false;
    };
    let (of_issuer, of_subject) = match value.rsplit_once('/') {
        Some((issuer, subject)) if value.starts_with('*') => {
            (glob(issuer, ""), regex::escape(subject))
        }
        Some((issuer, subject)) if value.ends_with('*') => {
            (regex::escape(issuer), glob(subject, ""))
        }
        Some((issuer, subject)) => (regex::escape(issuer), regex::escape(subject)),
        None if value.starts_with('*') => (".+".to_owned(), glob(value, "")),
        None if value.ends_with('*') => (glob(value, ""), ".+".to_owned()),
        None => (regex::escape(value), String::new()),
    };
    fits(&of_issuer, own_issuer) && fits(&of_subject, own_subject)
}
