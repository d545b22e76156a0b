//! `meshmode test`: rule tests, cases in YAML that say what is to be decided.

mod case;
mod cluster;
mod files;
mod format;
mod given;
mod judge;
mod junit;
mod text;
mod watch;

use std::io::Write;
use std::path::PathBuf;

use regex::Regex;

use self::files::{Loaded, find};
use self::judge::{Judged, judge};
use super::explain::flags::colour;
use super::{Outcome, complain};

/// What `--help` says at its end.
const AFTER_HELP: &str = "\
Exit codes:
  0  all cases passed
  1  a case failed
  2  wrong input: a file, a configuration, a flag
  3  failed: a file that cannot be read

docs/rule-tests.md describes the format; `meshmode test --schema` is for editors.";

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people: a line a file, and all about what failed.
    Text,
    /// A list with an entry for each case.
    Json,
    /// XML for CI systems.
    Junit,
}

/// Flags of `meshmode test`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Files with rule tests, and folders: there every .yaml, .yml and .json that has some
    #[arg(value_name = "PATH", required_unless_present = "schema")]
    paths: Vec<PathBuf>,
    /// The configuration of files that name none; without it the embedded default
    #[arg(long, env = "MESHMODE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run only the cases whose name matches this regular expression
    #[arg(long, value_name = "REGEX")]
    run: Option<Regex>,
    /// Run again whenever a file or a configuration changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    output: Form,
    /// Print the JSON Schema of the files, and do nothing else
    #[arg(long, conflicts_with_all = ["paths", "run", "watch", "output"])]
    schema: bool,
}

/// Runs the tests.
///
/// # Errors
/// A file cannot be read, or standard output is gone.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if args.schema {
        writeln!(out, "{:#}", format::schema())?;
        return Ok(Outcome::Done);
    }
    match (args.watch, args.output) {
        (true, Form::Text) => match watch::run(args, out)? {},
        (true, Form::Json | Form::Junit) => {
            complain("--watch is for people: leave --output out");
            Ok(Outcome::Invalid)
        }
        (false, Form::Text | Form::Json | Form::Junit) => args.judge(&args.load()?, out),
    }
}

// === impl Args ===

impl Args {
    fn load(&self) -> anyhow::Result<Loaded> {
        let mut loaded = Loaded::default();
        loaded.read(&find(&self.paths)?, self.config.as_deref())?;
        Ok(loaded)
    }

    /// Runs the cases that were asked for, and prints what came out.
    fn judge(&self, loaded: &Loaded, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        if !loaded.mistakes.is_empty() {
            loaded.mistakes.iter().for_each(|mistake| complain(mistake));
            return Ok(Outcome::Invalid);
        }
        let is_wanted = |name: &str| self.run.as_ref().is_none_or(|run| run.is_match(name));
        let mut judged = Vec::new();
        for suite in &loaded.suites {
            let wanted = suite.cases.iter().filter(|case| is_wanted(&case.name));
            for case in wanted {
                judged.push(judge(case, &suite.file, &suite.configuration.placement)?);
            }
        }
        if let (Some(run), true) = (&self.run, judged.is_empty()) {
            complain(&format!("no case has a name that matches --run {run}"));
            return Ok(Outcome::Invalid);
        }
        print(&judged, self.output, out)?;
        let all_passed = judged.iter().all(|case| case.passed);
        Ok(if all_passed {
            Outcome::Done
        } else {
            Outcome::Found
        })
    }
}

fn print(judged: &[Judged], form: Form, out: &mut dyn Write) -> anyhow::Result<()> {
    match form {
        Form::Text => write!(out, "{}", text::page(judged, colour()))?,
        Form::Json => writeln!(out, "{}", serde_json::to_string_pretty(judged)?)?,
        Form::Junit => write!(out, "{}", junit::document(judged))?,
    }
    Ok(())
}
