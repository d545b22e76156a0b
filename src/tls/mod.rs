//! Certificates: what meshmode serves, how it follows their rotation, how it issues its own.
//!
//! | file | for |
//! |---|---|
//! | [`mod@pem`] | certificates and one private key out of PEM |
//! | [`mod@pair`] | a chain and its key, checked to be servable to an API server |
//! | [`mod@reload`] | the pair in service, swapped when its files change, the last good one kept |
//! | [`mod@clients`] | which clients are let in, where certificates are asked of them |
//! | [`mod@trust`] | whether a client that goes by a CA bundle believes a chain |
//! | [`mod@probe`] | a look at a listener, as a client has it |
//! | [`mod@server_config`] | the TLS settings of the listener |
//! | [`mod@warm`] | the first, expensive handshake, before anybody waits for it |
//! | [`mod@subjects`] | the names and addresses to issue a certificate for |
//! | [`mod@authority`] | a CA that exists, ready to sign |
//! | [`mod@issue`] | a CA and certificates of it, as values |
//! | [`mod@rotation`] | what a Secret keeps of them, and the steps by which it is renewed |
//! | [`mod@write`] | those values as files |
//!
//! No key, and nothing of it, is ever in a log line, an error or a `Debug` output. The only crypto
//! provider is aws-lc-rs, named each time: nothing here depends on a process-wide default.

pub mod authority;
mod believing;
pub mod clients;
pub mod issue;
pub mod pair;
pub mod pem;
pub mod probe;
pub mod reload;
pub mod rotation;
pub mod server_config;
pub mod subjects;
pub mod trust;
pub mod warm;
pub mod write;
mod x509;

#[cfg(test)]
mod testing;

pub use authority::{Authority, AuthorityError};
pub use clients::{
    Clients, ClientsError, ClientsOutcome, RefusedClient, WhyRefused, watch_clients,
};
pub use issue::{IssueError, Issued, Leaf, Validity, issue, renew};
pub use pair::{CertificatePair, InTime, PairError};
pub use pem::PemError;
pub use probe::{Probe, ProbeError};
pub use reload::{LoadError, ReloadError, ReloadOutcome, ReloadingPair, watch_pair};
pub use rotation::{Kept, RotationError};
pub use server_config::{TlsConfigError, server_config};
pub use subjects::{SubjectError, Subjects};
pub use trust::{Trust, trust};
pub use warm::{WarmError, warm};
pub use write::{Overwrite, WriteError, write, write_key, write_leaf};
pub use x509::sha256;
