//! Identities: those that a policy names in full, and all that the parts which its patterns name make up.

use crate::authorization::enforcement::attribute::{Identity, Value};
use crate::authorization::enforcement::predicate::{How, Pattern, Predicate};
use crate::authorization::mesh::Mesh;

use super::{COMBINATIONS, first};

const FILLER: &str = "x";

#[derive(Default)]
struct Parts<'a> {
    whole: Vec<Identity>,
    accounts: Vec<(&'a str, &'a str)>,
    trust_domains: Vec<String>,
    namespaces: Vec<String>,
    names: Vec<String>,
}

/// Each is well formed: no other identity has a certificate of Istio.
pub(super) fn candidates(
    predicates: &[Predicate<'_>],
    mesh: &Mesh,
    is_cut: &mut bool,
) -> Vec<Value> {
    let mut parts = Parts::default();
    for predicate in predicates {
        parts.add(predicate);
    }
    parts.others(mesh);
    parts
        .identities(is_cut)
        .into_iter()
        .map(Value::Identity)
        .collect()
}

// === impl Parts ===

impl<'a> Parts<'a> {
    fn add(&mut self, predicate: &'a Predicate<'_>) {
        match predicate {
            Predicate::Principal(pattern) => self.principal(pattern),
            Predicate::Namespace(pattern) => match pattern.how {
                How::Present => {}
                How::Exact => self.namespaces.push(pattern.text.to_string()),
                How::Prefix => self.namespaces.extend(begun(&pattern.text)),
                How::Suffix => self.namespaces.extend(ended(&pattern.text)),
            },
            Predicate::NamespaceGlob(glob) => self.namespaces.extend(of_glob(glob)),
            Predicate::TrustDomain(value) => self.trust_domains.extend(of_glob(value)),
            Predicate::ServiceAccount(namespace, name) => self.accounts.push((namespace, name)),
            Predicate::Text(_) | Predicate::Path(_) | Predicate::Network(_) => {}
            Predicate::Port(_) | Predicate::Token(..) => {}
            Predicate::Issuer(_) | Predicate::Subject(_) => {}
        }
    }

    fn principal(&mut self, pattern: &Pattern<'_>) {
        let text = &*pattern.text;
        match pattern.how {
            How::Present => {}
            How::Exact => self.whole.extend(Identity::parse(text)),
            How::Prefix => self.beginning(text),
            How::Suffix => self.end(text),
        }
    }

    /// `TRUST-DOMAIN/ns/NAMESPACE/sa/NAME` up to some place.
    fn beginning(&mut self, text: &str) {
        let parts: Vec<&str> = text.split('/').collect();
        let is_last = |at: usize| parts.len() == at + 1;
        let lists = [
            (0, &mut self.trust_domains),
            (2, &mut self.namespaces),
            (4, &mut self.names),
        ];
        for (at, list) in lists {
            match parts.get(at) {
                Some(part) if is_last(at) => list.extend(begun(part)),
                Some(part) => list.push((*part).to_owned()),
                None => {}
            }
        }
    }

    /// The same from some place on.
    fn end(&mut self, text: &str) {
        let parts: Vec<&str> = text.rsplit('/').collect();
        let is_first = |at: usize| parts.len() == at + 1;
        let lists = [
            (4, &mut self.trust_domains),
            (2, &mut self.namespaces),
            (0, &mut self.names),
        ];
        for (at, list) in lists {
            match parts.get(at) {
                Some(part) if is_first(at) => list.extend(ended(part)),
                Some(part) => list.push((*part).to_owned()),
                None => {}
            }
        }
    }

    /// What a policy need not name; three of each, so that one probably meets none of its patterns.
    fn others(&mut self, mesh: &Mesh) {
        let own = mesh.trust_domains().map(str::to_owned);
        self.trust_domains.splice(0..0, own);
        self.trust_domains.push("other.example".to_owned());
        let others = ["elsewhere", "other", "quite-new"].map(str::to_owned);
        self.namespaces.extend(others);
        let others = ["someone", "default"].map(str::to_owned);
        self.names.extend(others);
        for list in [
            &mut self.trust_domains,
            &mut self.namespaces,
            &mut self.names,
        ] {
            let mut kept: Vec<String> = Vec::new();
            for part in list.drain(..) {
                if !part.is_empty() && !part.contains('/') && !kept.contains(&part) {
                    kept.push(part);
                }
            }
            *list = kept;
        }
    }

    fn identities(self, is_cut: &mut bool) -> Vec<Identity> {
        let mut identities = self.whole;
        let pairs = self.accounts.iter().flat_map(|(namespace, name)| {
            let domains = self.trust_domains.iter();
            domains.map(|domain| Identity::new(domain, namespace, name))
        });
        identities.extend(first(COMBINATIONS, pairs, is_cut));
        let made = self.trust_domains.iter().flat_map(|domain| {
            self.namespaces.iter().flat_map(|namespace| {
                let names = self.names.iter();
                names.map(|name| Identity::new(domain, namespace, name))
            })
        });
        identities.extend(first(COMBINATIONS, made, is_cut));
        identities
    }
}

fn begun(part: &str) -> [String; 2] {
    [part.to_owned(), format!("{part}{FILLER}")]
}

fn ended(part: &str) -> [String; 2] {
    [format!("{FILLER}{part}"), part.to_owned()]
}

/// With something for each `*`, with nothing, and as it is: a `*` is no wildcard for everybody.
fn of_glob(glob: &str) -> Vec<String> {
    if !glob.contains('*') {
        return vec![glob.to_owned()];
    }
    [FILLER, "", "*"]
        .map(|instead| glob.replace('*', instead))
        .into()
}
