//! The program: parse, run, map the outcome to an exit code.

use std::process::ExitCode;

use meshmode::commands::{self, Cli};

fn main() -> ExitCode {
    commands::run(Cli::of_process())
}
