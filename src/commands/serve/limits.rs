//! How much the server takes on at a time, as flags, and the open files that this needs.

use std::fmt;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::webhook::{load, server};

/// The limits of the server.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Limits {
    /// The most connections; beyond, the one that is worth least makes place: it never asked, or not for long
    #[arg(long, env = "MESHMODE_MAX_CONNECTIONS", value_name = "COUNT", value_parser = positive, default_value_t = 2048)]
    max_connections: usize,
    /// The most TLS handshakes that are computed at a time; beyond, they wait their turn
    #[arg(long, env = "MESHMODE_MAX_HANDSHAKES", value_name = "COUNT", value_parser = positive, default_value_t = 8)]
    max_handshakes: usize,
    /// The most reviews that are decided at a time; beyond, they are answered 503
    #[arg(long, env = "MESHMODE_MAX_REVIEWS", value_name = "COUNT", value_parser = positive, default_value_t = load::Limits::default().reviews)]
    max_reviews: usize,
    /// The most memory of bodies in flight, such as 256MiB; beyond, they are answered 503
    #[arg(long, env = "MESHMODE_MAX_BODY_MEMORY", value_name = "SIZE", value_parser = size, default_value = "256MiB")]
    max_body_memory: usize,
}

/// Files that are open beside connections: listeners, watches of the cluster, what is read again.
const OTHER_FILES: u64 = 128;

/// The words for sizes, as Kubernetes and people write them.
const UNITS: [(&str, u32); 6] = [
    ("KiB", 10),
    ("MiB", 20),
    ("GiB", 30),
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
];

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("0 would be none; write 1 or more".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("write a number, such as 100".to_owned()),
    }
}

fn size(text: &str) -> Result<usize, String> {
    let unit = UNITS
        .iter()
        .find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
    let (number, bits) = unit.unwrap_or((text, 0));
    let bytes = positive(number.trim_end())
        .ok()
        .and_then(|count| count.checked_mul(1 << bits));
    bytes.ok_or_else(|| {
        "write a number of bytes, or one with Ki, Mi or Gi, such as 256MiB".to_owned()
    })
}

// === impl Limits ===

impl Limits {
    /// For connections.
    pub(super) const fn server(self) -> server::Limits {
        server::Limits {
            connections: self.max_connections,
            handshakes: self.max_handshakes,
        }
    }

    /// For requests.
    pub(super) const fn load(self) -> load::Limits {
        load::Limits {
            body_memory: self.max_body_memory,
            reviews: self.max_reviews,
        }
    }

    /// Lets the process open as many files as there may be connections, or fewer connections be where it may not.
    pub(super) fn or_what_files_allow(mut self) -> Self {
        let needed = (self.max_connections as u64).saturating_add(OTHER_FILES);
        let limit = getrlimit(Resource::Nofile);
        if limit.current.is_none_or(|current| current >= needed) {
            return self;
        }
        let raised = limit.maximum.map_or(needed, |most| most.min(needed));
        let wanted = Rlimit {
            current: Some(raised),
            maximum: limit.maximum,
        };
        let allowed = match setrlimit(Resource::Nofile, wanted) {
            Ok(()) => raised,
            Err(_) => limit.current.unwrap_or(raised),
        };
        if allowed < needed {
            let connections = allowed.saturating_sub(OTHER_FILES).max(1);
            tracing::warn!(
                max_connections = self.max_connections,
                open_files = allowed,
                connections,
                "there may be fewer connections than --max-connections: raise the limit of open files (ulimit -Hn)"
            );
            self.max_connections = usize::try_from(connections).unwrap_or(self.max_connections);
        }
        self
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "--max-connections {} --max-handshakes {} --max-reviews {} --max-body-memory {}",
            self.max_connections, self.max_handshakes, self.max_reviews, self.max_body_memory
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_people_do() {
        for (text, expected) in [
            ("1", Some(1)),
            ("268435456", Some(256 << 20)),
            ("256MiB", Some(256 << 20)),
            ("256Mi", Some(256 << 20)),
            ("256 MiB", Some(256 << 20)),
            ("64Ki", Some(64 << 10)),
            ("1Gi", Some(1 << 30)),
            ("0", None),
            ("0Mi", None),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("256MB", None),
            ("1.5Gi", None),
            ("99999999999Gi", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text:?}");
        }
    }
}
