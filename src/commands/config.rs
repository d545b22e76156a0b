//! `meshmode config`: the embedded default, a check of a file, the JSON Schema.

mod needs;

use std::io::Write;
use std::path::PathBuf;

use super::{Outcome, complain_of, configuration};
use crate::config::{DEFAULT, schema};

/// Flags of `meshmode config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the configuration that is used without a file
    Default,
    /// Report every mistake in a file, with line and column; exit code 2 where there is one
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print the JSON Schema of the file
    Schema,
}

/// Runs the subcommand.
///
/// # Errors
/// The file cannot be read, or standard output is gone.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::Default => write!(out, "{DEFAULT}")?,
        Command::Schema => writeln!(out, "{:#}", schema())?,
        Command::Check { file } => return check(file, out),
    }
    Ok(Outcome::Done)
}

fn check(file: &std::path::Path, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    match configuration(Some(file))? {
        Ok(configuration) => {
            let rules = &configuration.placement;
            let count = match rules.names().count() {
                1 => "1 rule".to_owned(),
                count => format!("{count} rules"),
            };
            writeln!(out, "{}: {count}, no mistakes", file.display())?;
            for name in rules.needing_a_cluster() {
                writeln!(
                    out,
                    "rule {name} reads the cluster: without a connection it is off"
                )?;
            }
            needs::write(rules.fields(), out)?;
            Ok(Outcome::Done)
        }
        Err(problems) => {
            complain_of(Some(file), &problems);
            Ok(Outcome::Invalid)
        }
    }
}
