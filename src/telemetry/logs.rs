//! The log: on standard error, as text for people or JSON for machines.

mod json;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::str::FromStr as _;

use memchr::memchr2_iter;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt as lines};

pub(crate) use self::json::Json;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log for the whole process. `filter` is a level (`info`) or a list of levels by module
/// (`info,meshmode=debug`).
///
/// # Errors
/// A filter that cannot be read, or a log that is there already.
pub fn start(format: LogFormat, filter: &str) -> Result<(), anyhow::Error> {
    let mut levels = filter.parse::<Targets>()?;
    if !filter.contains("kube") {
        // It says at each attempt what we say once (`cluster/watch`).
        levels = levels.with_target("kube_runtime::watcher", LevelFilter::ERROR);
    }
    let layer = match format {
        LogFormat::Text => lines::layer()
            .with_ansi(io::stderr().is_terminal())
            .with_writer(|| Stderr)
            .boxed(),
        LogFormat::Json => lines::layer()
            .event_format(Json)
            .with_writer(io::stderr)
            .boxed(),
    };
    let started = Registry::default().with(levels).with(layer).try_init();
    started.map_err(|error| anyhow::anyhow!("the log could not be started: {error}"))?;
    std::panic::set_hook(Box::new(panicked));
    Ok(())
}

/// Standard error, for whole lines of text. `tracing_subscriber` leaves some control characters of a message as they are
/// (DEL, and U+0080 to U+009F, which terminals take for the start of a command): they are escaped here.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(&escaped(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn escaped(line: &[u8]) -> Cow<'_, [u8]> {
    let mut text = Vec::new();
    let mut from = 0;
    for at in memchr2_iter(0x7f, 0xc2, line) {
        let (code, end) = match (line[at], line.get(at + 1)) {
            (0x7f, _) => (0x7f, at + 1),
            (_, Some(&code @ 0x80..=0x9f)) => (code, at + 2),
            (_, Some(_) | None) => continue,
        };
        text.extend_from_slice(&line[from..at]);
        text.extend_from_slice(format!("\\u{code:04x}").as_bytes());
        from = end;
    }
    if from == 0 {
        return Cow::Borrowed(line);
    }
    text.extend_from_slice(&line[from..]);
    Cow::Owned(text)
}

/// A filter that can be read, for a flag.
///
/// # Errors
/// What is none, and a bare word that is no level: tracing takes that for the name of a module, and then
/// nothing else is logged at all.
pub fn filter(text: &str) -> Result<String, String> {
    const ALLOWED: &str =
        "allowed: error, warn, info, debug, trace, off, or such as info,hyper=debug";
    let wrong = |part: &str| format!("`{part}` is no level; {ALLOWED}");
    let levels = text.split(',').filter(|part| !part.contains('='));
    for part in levels {
        LevelFilter::from_str(part.trim()).map_err(|_| wrong(part))?;
    }
    text.parse::<Targets>()
        .map_err(|error| format!("{error}; {ALLOWED}"))?;
    Ok(text.to_owned())
}

fn panicked(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let said = info.payload_as_str().unwrap_or_default();
    tracing::error!(
        location,
        said,
        "meshmode panicked: please report this with the line above or below"
    );
}

/// `error` with its causes, `error: cause: cause`: our errors leave the cause to `source`. To be logged as a
/// text, not with `%`: then what others chose of it can neither begin a new line nor fill the disk.
pub fn chain(error: &dyn Error) -> String {
    let mut text = said(error);
    let mut source = error.source();
    while let Some(cause) = source {
        let said = said(cause);
        // Errors of others may have their cause in their text.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    if let Some((end, _)) = text.char_indices().nth(MAX_ERROR) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The text of an error. kube says what an API server answers twice, the second time as Rust has it.
fn said(error: &dyn Error) -> String {
    let mut text = error.to_string();
    if let Some(begin) = text.find(" (Status { ")
        && let Some(end) = text.rfind("})")
    {
        text.replace_range(begin..end + 2, "");
    }
    text
}

/// The longest error in the log, in characters.
const MAX_ERROR: usize = 4096;

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the file: check it")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("the disk says no")]
    struct Middle(#[source] std::io::Error);

    #[test]
    fn a_chain_has_every_cause_once() {
        let error = Outer(Middle(std::io::Error::other("sector 5")));
        let expected = "cannot read the file: check it: the disk says no: sector 5";
        assert_eq!(chain(&error), expected);
        let error = anyhow::Error::new(error).context("at the start");
        assert_eq!(chain(&*error), format!("at the start: {expected}"));
    }

    #[test]
    fn what_an_api_server_says_is_said_once() {
        let status =
            kube::core::Status::failure("pods is forbidden: no", "Forbidden").with_code(403);
        let api = kube::Error::Api(Box::new(status));
        assert!(api.to_string().contains("Status {"), "{api}");
        let error = anyhow::Error::new(api).context("cannot list pods");
        assert_eq!(
            chain(&*error),
            "cannot list pods: ApiError: pods is forbidden: no: Forbidden"
        );
    }

    #[test]
    fn control_characters_that_are_left_are_escaped() {
        let rows = [
            ("nothing to escape: ü £ \u{a0} 🦀", None),
            ("", None),
            ("a\u{9d}0;title\u{9c}b", Some(r"a\u009d0;title\u009cb")),
            ("\u{80}", Some(r"\u0080")),
            ("\u{7f}\u{9f}ü", Some(r"\u007f\u009fü")),
        ];
        for (text, expected) in rows {
            let escaped = escaped(text.as_bytes());
            assert_eq!(str::from_utf8(&escaped), Ok(expected.unwrap_or(text)));
        }
        assert_eq!(escaped(b"cut off \xc2"), &b"cut off \xc2"[..]);
    }

    #[test]
    fn an_endless_error_is_cut() {
        let error = std::io::Error::other("ü".repeat(1 << 20));
        assert_eq!(chain(&error).chars().count(), MAX_ERROR + 1);
    }
}
