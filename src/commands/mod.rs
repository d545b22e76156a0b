//! The commands, one file each, and the one place where an outcome becomes an exit code.

pub mod certs;
pub mod completion;
pub mod config;
pub mod explain;
pub mod generate;
pub mod review;
pub mod roi;
pub mod serve;
pub mod simulate;
pub mod test;
pub mod version;

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{Configuration, DEFAULT, Problems, read, read_bytes};
use crate::telemetry::logs::chain;

/// Places every Pod of a hybrid Istio mesh in a dataplane mode, and judges AuthorizationPolicies.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the admission webhook over HTTPS
    Serve(serve::Args),
    /// Answer one AdmissionReview on standard output, as the server would
    Review(review::Args),
    /// Say what becomes of something in the mesh, and why
    Explain(explain::Args),
    /// Run rule tests: cases that say which mode rules are to decide
    Test(test::Args),
    /// Say which workloads another configuration would give another mode
    Simulate(simulate::Args),
    /// Account for the money: what the hybrid mesh saves, or costs
    Roi(Box<roi::Args>),
    /// Print objects for a cluster, made from a configuration
    Generate(generate::Args),
    /// Print, check or describe configurations
    Config(config::Args),
    /// Make a development CA and a certificate of it
    Certs(certs::Args),
    /// Print the version
    Version(version::Args),
    /// Print the completion script of a shell
    Completion(completion::Args),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is well: 0.
    Done,
    /// What is to be found out is bad news, such as a policy that fails open: 1.
    Found,
    /// What was given is not right; it has been said what: 2, as for wrong flags.
    Invalid,
}

/// The name under which kubectl finds the program, for `kubectl meshmode`.
const PLUGIN: &str = "kubectl-meshmode";

// === impl Cli ===

impl Cli {
    /// The command line of this process. What is wrong with it, and help, is printed under the name that was typed:
    /// then the process ends.
    pub fn of_process() -> Self {
        let mut command = Self::command();
        if std::env::args_os()
            .next()
            .is_some_and(|name| is_plugin(&name))
        {
            command = command.bin_name("kubectl meshmode");
        }
        let matches = command.get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

fn is_plugin(program: &OsStr) -> bool {
    let name = Path::new(program).file_name();
    name.is_some_and(|name| name == PLUGIN)
}

/// The exit code of a command that could not do its work.
const FAILED: u8 = 3;

/// Runs the command, prints the error it ends with, and gives the exit code: 0 done, 1 bad news found, 2
/// wrong input, 3 failed.
pub fn run(cli: Cli) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let result = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Review(args) => review::run(&args, &mut out),
        Command::Explain(args) => explain::run(&args, &mut out),
        Command::Test(args) => test::run(&args, &mut out),
        Command::Simulate(args) => simulate::run(&args, &mut out),
        Command::Roi(args) => roi::run(&args, &mut out),
        Command::Generate(args) => generate::run(&args, &mut out),
        Command::Config(args) => config::run(&args, &mut out),
        Command::Certs(args) => certs::run(&args, &mut out),
        Command::Version(args) => version::run(&args, &mut out),
        Command::Completion(args) => completion::run(&args, &mut out),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Ok(Outcome::Invalid) => ExitCode::from(2),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&chain(&*error));
            ExitCode::from(FAILED)
        }
    }
}

/// Says something to a person, beside the data on standard output.
fn complain(text: &str) {
    // Where even standard error is gone, there is nobody to tell.
    drop(writeln!(std::io::stderr(), "meshmode: {text}"));
}

/// Whoever reads our output has read enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The configuration in `file`, or the embedded default; the inner error says every mistake.
fn configuration(file: Option<&Path>) -> anyhow::Result<Result<Configuration, Problems>> {
    let Some(file) = file else {
        return Ok(read(DEFAULT));
    };
    let content = std::fs::read(file)
        .with_context(|| format!("cannot read the configuration {}", file.display()))?;
    Ok(read_bytes(&content))
}

/// Every mistake of `file`, one a line, with its place.
fn complain_of(file: Option<&Path>, problems: &Problems) {
    let name = file.map_or("the embedded default".into(), Path::to_string_lossy);
    for problem in problems.iter() {
        complain(&format!("{name}:{problem}"));
    }
}
