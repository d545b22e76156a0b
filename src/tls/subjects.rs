//! The names and addresses to issue a certificate for.
//!
//! Clients look at these only; a common name is ignored by all that matter here. An API server
//! dials a webhook as `SERVICE.NAMESPACE.svc`.
//!
//! Must not: look a name up.

use std::net::IpAddr;

use rustls_pki_types::DnsName;

/// At least one DNS name or IP address, each valid, none twice, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subjects {
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
}

/// Why these are no subjects.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// The list is empty.
    #[error(
        "no name to issue a certificate for: give at least the one that the API server dials, \
         `SERVICE.NAMESPACE.svc`"
    )]
    Empty,
    /// Typical cause: a URL, a port, or a range of addresses.
    #[error(
        "`{given}` is neither a DNS name nor an IP address: \
         give such as `meshmode.meshmode-system.svc`, `*.example.com` or `10.0.0.7`"
    )]
    NotAName {
        /// What was given.
        given: String,
    },
}

// === impl Subjects ===

impl Subjects {
    /// Takes each entry as an IP address if it is one, as a DNS name otherwise, which may begin
    /// with `*.`. Names become lower case; a dot at the end is dropped.
    ///
    /// # Errors
    /// The first entry that is neither, or that there is none.
    pub fn parse<S: AsRef<str>>(given: impl IntoIterator<Item = S>) -> Result<Self, SubjectError> {
        let mut subjects = Self {
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
        };
        for entry in given {
            let entry = entry.as_ref().trim();
            match entry.parse() {
                Ok(address) => push_new(&mut subjects.ip_addresses, address),
                Err(_) => push_new(&mut subjects.dns_names, dns_name(entry)?),
            }
        }
        if subjects.dns_names.is_empty() && subjects.ip_addresses.is_empty() {
            return Err(SubjectError::Empty);
        }
        Ok(subjects)
    }

    /// The DNS names.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// The IP addresses.
    #[must_use]
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.ip_addresses
    }
}

fn dns_name(entry: &str) -> Result<String, SubjectError> {
    let not_a_name = || SubjectError::NotAName {
        given: entry.to_owned(),
    };
    let (wildcard, host) = match entry.strip_prefix("*.") {
        Some(host) => ("*.", host),
        None => ("", entry),
    };
    let host = DnsName::try_from(host).map_err(|_| not_a_name())?;
    Ok(format!("{wildcard}{}", host.to_lowercase_owned().as_ref()))
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_names_or_addresses() {
        let subjects = Subjects::parse([
            "Meshmode.mesh.SVC",
            "10.0.0.7",
            "*.example.com.",
            "fd00::7",
            " meshmode.mesh.svc ",
            "fd00:0::7",
            "localhost",
        ])
        .unwrap();
        assert_eq!(
            subjects.dns_names(),
            ["meshmode.mesh.svc", "*.example.com", "localhost"]
        );
        let addresses: Vec<IpAddr> = ["10.0.0.7", "fd00::7"].map(|a| a.parse().unwrap()).into();
        assert_eq!(subjects.ip_addresses(), addresses);
    }

    #[test]
    fn what_is_neither_is_refused_by_its_text() {
        for given in [
            "https://meshmode.mesh.svc",
            "meshmode.mesh.svc:443",
            "10.0.0.0/24",
            "10.0.0.300",
            "*.*.example.com",
            "a.*.example.com",
            "*",
            "-a.example.com",
            "a..b",
            "",
            "ünicode.example.com",
            &format!("{}.svc", "a".repeat(64)),
            &["a"; 128].join("."),
        ] {
            let expected = SubjectError::NotAName {
                given: given.to_owned(),
            };
            assert_eq!(Subjects::parse([given]), Err(expected));
        }
        assert_eq!(Subjects::parse::<&str>([]), Err(SubjectError::Empty));
    }
}
