//! The log: on standard error, as text for people or JSON for machines.

use std::fmt;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log for the whole process. `filter` is a level (`info`) or a tracing filter
/// (`meshmode=debug`).
///
/// # Errors
/// A filter that cannot be read, or a log that is there already.
pub fn start(format: LogFormat, filter: &str) -> Result<(), anyhow::Error> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log could not be started: {error}"))?;
    std::panic::set_hook(Box::new(panicked));
    Ok(())
}

fn panicked(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let message = info.payload_as_str().unwrap_or_default();
    tracing::error!(
        location,
        message,
        "meshmode panicked: please report this with the line above or below"
    );
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}
