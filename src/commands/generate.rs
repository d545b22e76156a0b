//! `meshmode generate`: objects for a cluster, made from a configuration.

mod admission_policy;

use std::io::Write;

use super::Outcome;

/// Flags of `meshmode generate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a MutatingAdmissionPolicy that places Pods as the rules do, without a webhook
    AdmissionPolicy(admission_policy::Args),
}

/// Runs the subcommand.
///
/// # Errors
/// A file cannot be read, or standard output is gone.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::AdmissionPolicy(args) => admission_policy::run(args, out),
    }
}
