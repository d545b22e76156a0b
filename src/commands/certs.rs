//! `meshmode certs`: a development CA and a serving certificate of it, into a folder.

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
    /// DNS names to serve under
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "meshmode.meshmode-system.svc,localhost"
    )]
    dns: Vec<String>,
    /// IP addresses to serve under
    #[arg(long, value_delimiter = ',', default_value = "127.0.0.1,::1")]
    ip: Vec<String>,
    /// How long the certificate is valid; the CA is for ten years
    #[arg(long, value_parser = humantime::parse_duration, default_value = "365d")]
    validity: Duration,
    /// Issue a new certificate of the CA that is in the folder, and replace the old one
    #[arg(long)]
    renew: bool,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// Issues and writes; the paths go to standard output.
///
/// # Errors
/// Names that are none, files that are there already, or a file system that refuses.
#[expect(
    clippy::disallowed_methods,
    reason = "the root is where the clock is read"
)]
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let now = Timestamp::try_from(std::time::SystemTime::now())?;
    let subjects = Subjects::parse(args.dns.iter().chain(&args.ip))?;
    let overwrite = if args.force {
        Overwrite::Force
    } else {
        Overwrite::Refuse
    };
    let paths = if args.renew {
        let leaf = renew(&authority(args)?, &subjects, args.validity, now)?;
        write_leaf(&args.out, &leaf, Overwrite::Force)?
    } else {
        let validity = Validity {
            leaf: args.validity,
            ..Validity::default()
        };
        write(&args.out, &issue(&subjects, validity, now)?, overwrite)?
    };
    for path in paths {
        writeln!(out, "{}", path.display())?;
    }
    Ok(Outcome::Done)
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
