//! Random requests that hit a policy: drawn from its literals, from what its patterns match, and from their
//! neighbours.

#![allow(
    dead_code,
    reason = "each test crate compiles this module, and uses a part of it"
)]
#![allow(clippy::unwrap_used, reason = "a helper fails the test by panicking")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::evaluator::Request;

/// What a request may have, by attribute; none where it may be absent.
pub(crate) struct Requests {
    pools: BTreeMap<String, Vec<Option<String>>>,
    namespaces: Vec<String>,
    random: Random,
}

/// Numbers that look random, always the same.
struct Random(u64);

const TRUST_DOMAINS: [&str; 4] = ["cluster.local", "td2", "x.local", "tdx"];
const ACCOUNTS: [&str; 4] = ["web", "api", "someone", "xweb"];

impl Requests {
    /// For one policy; `seed` says which.
    pub(crate) fn of(policy: &Value, seed: u64) -> Self {
        let mut requests = Self {
            pools: BTreeMap::new(),
            namespaces: ["prod", "elsewhere"].map(str::to_owned).into(),
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        };
        requests.usual();
        for rule in policy["spec"]["rules"].as_array().into_iter().flatten() {
            requests.rule(rule);
        }
        // Others are in no certificate of Istio.
        let is_name = |namespace: &String| !namespace.is_empty() && !namespace.contains('/');
        requests.namespaces.retain(is_name);
        requests
    }

    /// One request, with the attributes of `named` as they are there.
    pub(crate) fn next(&mut self, named: &Request) -> Request {
        let mut request = Request::new();
        for (name, pool) in &self.pools {
            request.insert(name.clone(), self.random.pick(pool).clone());
        }
        if self.random.below(3) != 0 {
            let namespace = self.random.pick(&self.namespaces).clone();
            let domain = *self.random.pick(&TRUST_DOMAINS);
            let account = *self.random.pick(&ACCOUNTS);
            let identity = format!("{domain}/ns/{namespace}/sa/{account}");
            request.insert("principal".to_owned(), Some(identity));
        }
        request.extend(named.clone());
        request
    }

    fn usual(&mut self) {
        let usual: [(&str, &[&str]); 9] = [
            ("method", &["GET", "PUT"]),
            ("path", &["/", "/q"]),
            ("host", &["example.org"]),
            ("principal", &["cluster.local/ns/prod/sa/web"]),
            ("sourceIp", &["10.9.9.9", "172.16.0.1", "fd00::1"]),
            ("remoteIp", &["10.9.9.9", "172.16.0.1"]),
            ("destinationIp", &["10.9.9.9", "172.16.0.1"]),
            ("destinationPort", &["8081"]),
            ("requestPrincipal", &["https://other/bob"]),
        ];
        for (name, values) in usual {
            let values = values.iter().map(|value| Some((*value).to_owned()));
            self.pools.insert(name.to_owned(), values.collect());
        }
        for name in ["principal", "requestPrincipal"] {
            self.pools.get_mut(name).unwrap().push(None);
        }
    }

    fn rule(&mut self, rule: &Value) {
        for (clause, inner) in [("from", "source"), ("to", "operation")] {
            for alternative in rule[clause].as_array().into_iter().flatten() {
                for (name, values) in alternative[inner].as_object().into_iter().flatten() {
                    let name = match name.strip_prefix("not") {
                        Some(rest) => rest[..1].to_lowercase() + &rest[1..],
                        None => name.clone(),
                    };
                    self.field(&name, values);
                }
            }
        }
        for condition in rule["when"].as_array().into_iter().flatten() {
            for values in [&condition["values"], &condition["notValues"]] {
                self.field(condition["key"].as_str().unwrap(), values);
            }
        }
    }

    fn field(&mut self, name: &str, values: &Value) {
        for value in values.as_array().into_iter().flatten() {
            let value = value.as_str().unwrap();
            match name {
                "principals" | "source.principal" => self.principal(value),
                "namespaces" | "source.namespace" => self.namespaces.extend(instances(value)),
                "serviceAccounts" | "source.serviceAccount" => {
                    let namespace = value.split_once('/').map(|(namespace, _)| namespace);
                    self.namespaces.extend(namespace.map(str::to_owned));
                }
                "trustDomains" | "source.trustDomain" => {}
                "ipBlocks" | "source.ip" => self.add("sourceIp", addresses(value)),
                "remoteIpBlocks" | "remote.ip" => self.add("remoteIp", addresses(value)),
                "destination.ip" => self.add("destinationIp", addresses(value)),
                "ports" | "destination.port" => {
                    let port: u16 = value.parse().unwrap();
                    self.add(
                        "destinationPort",
                        [port - 1, port, port + 1].map(|port| port.to_string()),
                    );
                }
                "methods" | "request.headers[:method]" => self.add("method", instances(value)),
                "paths" => self.add("path", instances(value)),
                "hosts" => self.add("host", instances(value)),
                "requestPrincipals" | "request.auth.principal" | "request.auth.claims[iss]" => {
                    self.add("requestPrincipal", instances(value));
                }
                "request.auth.audiences" => self.optional("claim aud", value),
                "connection.sni" => self.optional("sni", value),
                other => {
                    let other = other.replacen("experimental.", "metadata ", 1);
                    let other = other.replacen("request.headers[", "header ", 1);
                    let other = other.replacen("request.auth.claims[", "claim ", 1);
                    let is_metadata = other.starts_with("metadata ");
                    let name = if is_metadata {
                        &*other
                    } else {
                        other.trim_end_matches(']')
                    };
                    self.optional(name, value);
                }
            }
        }
    }

    fn principal(&mut self, value: &str) {
        let namespace = value.split('/').nth(2).unwrap_or_default();
        self.namespaces.extend(instances(namespace));
        if value.split('/').count() == 5 && !value.contains('*') {
            self.add("principal", [value.to_owned()]);
        }
    }

    fn add(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let pool = self.pools.entry(name.to_owned()).or_default();
        pool.extend(values.into_iter().map(Some));
    }

    fn optional(&mut self, name: &str, value: &str) {
        self.add(name, instances(value));
        self.pools.get_mut(name).unwrap().push(None);
    }
}

/// What a pattern matches, and what nearly.
fn instances(value: &str) -> Vec<String> {
    let value = value.replace("{**}", "*").replace("{*}", "*");
    let mut texts: Vec<String> = ["", "x", "b", "b/c"]
        .map(|text| value.replace('*', text))
        .into();
    texts.extend([format!("{value}x"), format!("x{value}")]);
    texts.push(value.to_uppercase());
    texts.retain(|text| !text.is_empty());
    texts
}

/// In a network, at its borders and beside them.
fn addresses(value: &str) -> Vec<String> {
    let (address, length) = value.split_once('/').unwrap_or((value, "128"));
    let length: u32 = length.parse().unwrap();
    let (number, bits) = match address.parse().unwrap() {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let free = bits - length.min(bits);
    let mask = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
    let (first, last) = (number & !mask, number | mask);
    let numbers = [
        Some(number),
        Some(first),
        Some(last),
        first.checked_sub(1),
        last.checked_add(1),
    ];
    let address = |number: u128| match bits {
        32 => u32::try_from(number)
            .ok()
            .map(|n| IpAddr::V4(Ipv4Addr::from(n))),
        _ => Some(IpAddr::V6(Ipv6Addr::from(number))),
    };
    let addresses = numbers.into_iter().flatten().filter_map(address);
    addresses.map(|address| address.to_string()).collect()
}

// === impl Random ===

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % end
    }

    fn pick<'p, T>(&mut self, pool: &'p [T]) -> &'p T {
        &pool[self.below(pool.len())]
    }
}
