//! `meshmode explain`: what becomes of something in the mesh, and why.

pub(super) mod cluster;
pub(super) mod documents;
mod fetch;
pub(super) mod flags;
mod named;
mod policy;
mod rules;
mod text;
mod workload;

use std::io::Write;

use super::Outcome;

/// Flags of `meshmode explain`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = workload::EXIT_CODES,
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    workloads: workload::Args,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say who enforces AuthorizationPolicies, what each enforcer receives of them, and what fails
    #[command(visible_alias = "authorizationpolicy", after_help = policy::EXIT_CODES)]
    Policy(policy::Args),
}

/// Runs the subcommand; without one, explains Pods and workloads.
///
/// # Errors
/// A file or a cluster cannot be read, or standard output is gone.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    match &args.command {
        Some(Command::Policy(args)) => policy::run(args, out),
        None => workload::run(&args.workloads, out),
    }
}
