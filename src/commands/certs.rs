//! `meshmode certs`: a CA and a serving certificate of it, into a folder for development, or as Secrets for a cluster.

mod documents;
mod secret;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;

use super::Outcome;
use crate::tls::{Authority, Overwrite, Subjects, Validity, issue, renew, write, write_leaf};

/// Flags of `meshmode certs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder, which is made if it is not there
    #[arg(long, default_value = "certs")]
    out: PathBuf,
    /// DNS names to serve under [default: meshmode.meshmode-system.svc,localhost; with --secret that of the Service, or
    /// those of the certificate that is renewed]
    #[arg(long, value_delimiter = ',')]
    dns: Option<Vec<String>>,
    /// IP addresses to serve under [default: 127.0.0.1,::1; with --secret as --dns]
    #[arg(long, value_delimiter = ',')]
    ip: Option<Vec<String>>,
    /// How long the certificate is valid; the CA is for ten years
    #[arg(long, value_parser = humantime::parse_duration, default_value = "365d")]
    validity: Duration,
    /// Issue a new certificate of the CA that is in the folder, and replace the old one
    #[arg(long)]
    renew: bool,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    secret: secret::SecretArgs,
}

/// Names of a certificate for development.
const DNS: [&str; 2] = ["meshmode.meshmode-system.svc", "localhost"];
const IP: [&str; 2] = ["127.0.0.1", "::1"];

/// Issues and writes; the paths, or the Secrets, go to standard output.
///
/// # Errors
/// Names that are none, files that are there already, Secrets that cannot be used, or a file system that refuses.
#[expect(
    clippy::disallowed_methods,
    reason = "the root is where the clock is read"
)]
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let now = Timestamp::try_from(std::time::SystemTime::now())?;
    let validity = Validity {
        leaf: args.validity,
        ..Validity::default()
    };
    if args.secret.secret {
        secret::run(&args.secret, asked(args)?, validity, now, out)?;
        return Ok(Outcome::Done);
    }
    for path in files(args, validity, now)? {
        writeln!(out, "{}", path.display())?;
    }
    Ok(Outcome::Done)
}

/// The names that were asked for, if any were.
fn asked(args: &Args) -> anyhow::Result<Option<Subjects>> {
    if args.dns.is_none() && args.ip.is_none() {
        return Ok(None);
    }
    let (dns, ip) = (args.dns.iter().flatten(), args.ip.iter().flatten());
    Ok(Some(Subjects::parse(dns.chain(ip))?))
}

fn files(args: &Args, validity: Validity, now: Timestamp) -> anyhow::Result<Vec<PathBuf>> {
    let or = |asked: &Option<Vec<String>>, usual: [&str; 2]| {
        asked
            .clone()
            .unwrap_or_else(|| usual.map(str::to_owned).into())
    };
    let subjects = Subjects::parse(or(&args.dns, DNS).iter().chain(&or(&args.ip, IP)))?;
    let overwrite = if args.force {
        Overwrite::Force
    } else {
        Overwrite::Refuse
    };
    if args.renew {
        let leaf = renew(&authority(args)?, &subjects, args.validity, now)?;
        return Ok(write_leaf(&args.out, &leaf, Overwrite::Force)?);
    }
    let issued = issue(&subjects, validity, now)?;
    Ok(write(&args.out, &issued, overwrite)?)
}

fn authority(args: &Args) -> anyhow::Result<Authority> {
    let read = |name: &str| {
        let path = args.out.join(name);
        std::fs::read_to_string(&path).with_context(|| {
            format!(
                "cannot read the CA's {}; without --renew a new CA is made",
                path.display()
            )
        })
    };
    Ok(Authority {
        cert_pem: read("ca.crt")?,
        key_pem: read("ca.key")?,
    })
}
