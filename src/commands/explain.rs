//! `meshmode explain`: what becomes of something in the mesh, and why.

pub(super) mod cluster;
pub(super) mod documents;
pub(super) mod page;
mod policy;
mod rules;
mod text;

use std::io::Write;

use super::Outcome;

/// Flags of `meshmode explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say who enforces AuthorizationPolicies, what each enforcer receives of them, and what fails
    #[command(visible_alias = "authorizationpolicy", after_help = policy::EXIT_CODES)]
    Policy(policy::Args),
}

/// Runs the subcommand.
///
/// # Errors
/// A file or a cluster cannot be read, or standard output is gone.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::Policy(args) => policy::run(args, out),
    }
}
