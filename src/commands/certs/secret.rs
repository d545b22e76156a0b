//! `meshmode certs --secret`: certificates as Secrets, with the `caBundle`s of the webhook configurations, and their
//! renewal. They go to standard output, for kubectl; nothing is kept here, unless a file for the CA's key is named.

use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;

use super::documents::{KeyIn, Place, Webhooks, read, write};
use crate::tls::{CertificatePair, Kept, Subjects, Validity, write_key};

/// Flags of `meshmode certs` that are about Secrets.
#[derive(Debug, clap::Args)]
pub(super) struct SecretArgs {
    /// Print Secrets and the caBundles of the webhook configurations for kubectl, in place of files
    #[arg(long, conflicts_with_all = ["out", "renew", "force"])]
    pub(super) secret: bool,
    /// The namespace of the Secrets, and of the Service meshmode
    #[arg(long, requires = "secret", default_value = "meshmode-system")]
    pub(super) namespace: String,
    /// Renew what is in these Secrets (YAML; - is standard input): a new certificate of the same CA, with the same names
    #[arg(long, requires = "secret", value_name = "FILE")]
    renew_from: Option<PathBuf>,
    /// Make a new CA known beside the old one; the certificate stays. The first of three steps
    #[arg(long, requires = "renew_from")]
    rotate_ca: bool,
    /// Let the old CA go, once every server shows a certificate of the new one. The last of three steps
    #[arg(long, requires = "renew_from", conflicts_with = "rotate_ca")]
    drop_old_ca: bool,
    /// Keep the key of the CA in this file and not in the Secret meshmode-ca; a new CA needs a new file
    #[arg(long, requires = "secret", value_name = "FILE")]
    ca_key: Option<PathBuf>,
    /// The component cluster-wide is installed: its webhooks are to believe the certificate too
    #[arg(long, requires = "secret")]
    cluster_wide: bool,
}

/// What is done to the certificates.
enum Step<'a> {
    First,
    NewLeaf(&'a Path),
    NewAuthority(&'a Path),
    WithoutOldAuthorities(&'a Path),
}

/// Issues or renews; the documents go to `out`. `subjects` are the names that were asked for.
///
/// # Errors
/// Secrets that cannot be used, a step out of its order, or a file that cannot be read or exists.
pub(super) fn run(
    args: &SecretArgs,
    subjects: Option<Subjects>,
    validity: Validity,
    now: Timestamp,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let step = args.step();
    let key = match (&step, &args.ca_key) {
        // The key of a CA that goes is not needed any more, and that of a new one is not there yet.
        (_, None) | (Step::First | Step::NewAuthority(_), Some(_)) => None,
        (Step::NewLeaf(_) | Step::WithoutOldAuthorities(_), Some(file)) => {
            let key = std::fs::read_to_string(file);
            Some(key.with_context(|| format!("cannot read the CA's key {}", file.display()))?)
        }
    };
    let key_in = match (&args.ca_key, &key) {
        (None, _) => KeyIn::Secret,
        (Some(_), key) => KeyIn::File(key.as_deref().unwrap_or_default()),
    };
    let kept = taken(&step, key_in, args, subjects, validity, now)?;
    match (&step, &args.ca_key) {
        (Step::First | Step::NewAuthority(_), Some(file)) => {
            write_key(file, &kept.authority.key_pem)?;
        }
        (_, None) | (Step::NewLeaf(_) | Step::WithoutOldAuthorities(_), Some(_)) => {}
    }
    let place = Place {
        namespace: &args.namespace,
        authority: key_in,
        webhooks: if args.cluster_wide {
            Webhooks::ClusterWide
        } else {
            Webhooks::Base
        },
    };
    out.write_all(write(&kept, place)?.as_bytes())?;
    Ok(())
}

fn taken(
    step: &Step<'_>,
    key_in: KeyIn<'_>,
    args: &SecretArgs,
    subjects: Option<Subjects>,
    validity: Validity,
    now: Timestamp,
) -> anyhow::Result<Kept> {
    let file = match step {
        Step::First => {
            let service = || Subjects::parse([format!("meshmode.{}.svc", args.namespace)]);
            let subjects = subjects.map_or_else(service, Ok)?;
            return Ok(Kept::first(&subjects, validity, now)?);
        }
        Step::NewLeaf(file) | Step::NewAuthority(file) | Step::WithoutOldAuthorities(file) => file,
    };
    let kept = read(&text(file)?, key_in)?;
    let subjects = subjects.map_or_else(|| names(&kept), Ok)?;
    Ok(match step {
        Step::First | Step::NewLeaf(_) => kept.with_new_leaf(&subjects, validity, now)?,
        Step::NewAuthority(_) => kept.with_new_authority(validity, now)?,
        Step::WithoutOldAuthorities(_) => kept.without_old_authorities(&subjects, now)?,
    })
}

/// The names that the certificate has.
fn names(kept: &Kept) -> anyhow::Result<Subjects> {
    let pair = CertificatePair::from_pem(kept.cert_pem.as_bytes(), kept.key_pem.as_bytes());
    let pair = pair.context("the certificate in the Secret meshmode-tls cannot be used")?;
    let addresses = pair.ip_addresses().iter().map(ToString::to_string);
    let names = pair.dns_names().iter().cloned();
    Ok(Subjects::parse(names.chain(addresses))?)
}

fn text(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read the Secrets from standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the Secrets from {}", file.display()))
}

// === impl SecretArgs ===

impl SecretArgs {
    fn step(&self) -> Step<'_> {
        match &self.renew_from {
            None => Step::First,
            Some(file) if self.rotate_ca => Step::NewAuthority(file),
            Some(file) if self.drop_old_ca => Step::WithoutOldAuthorities(file),
            Some(file) => Step::NewLeaf(file),
        }
    }
}
