//! `meshmode version`.

use std::io::Write;

use super::Outcome;

/// The form of the output.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    Text,
    Json,
}

/// Flags of `meshmode version`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    output: Form,
}

/// Prints the version.
///
/// # Errors
/// Standard output is gone.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let version = env!("CARGO_PKG_VERSION");
    match args.output {
        Form::Text => writeln!(out, "meshmode {version}")?,
        Form::Json => writeln!(out, "{}", serde_json::json!({"version": version}))?,
    }
    Ok(Outcome::Done)
}
