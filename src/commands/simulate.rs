//! `meshmode simulate`: which workloads another configuration would give another mode.

pub(in crate::commands) mod cluster;
pub mod compare;
mod objects;
pub mod subjects;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;

use self::cluster::{ConfigMapName, Read, Running, Workloads};
use self::compare::{Comparison, compare};
use self::objects::Objects;
use self::subjects::subjects;
use super::explain::cluster::{Ask, Facts};
use super::explain::flags::{Where, colour};
use super::{Outcome, complain, complain_of, configuration};
use crate::config::{Configuration, DEFAULT, Problems};
use crate::placement::Rules;
use crate::placement::facts::{Fields, NoCluster};

/// What `--help` says at its end.
const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  with --fail-on-change: a workload would change its mode
  2  wrong input
  3  failed: a file that cannot be read, a cluster that does not answer

docs/simulate.md describes the output, and what is compared.";

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people: a table of what changes, and counts.
    Text,
    /// An object with the counts and the changes.
    Json,
    /// The same as YAML.
    Yaml,
}

/// Flags of `meshmode simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, group = clap::ArgGroup::new("workloads").multiple(false))]
pub struct Args {
    /// The new configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The running configuration; without it the ConfigMap of the cluster, else the embedded default
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// The ConfigMap with the running configuration, at its key config.yaml; without it meshmode-system/meshmode, if
    /// there is one
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = config_map, conflicts_with = "against")]
    configmap: Option<ConfigMapName>,
    /// A file with workloads, YAML or JSON, or - for standard input; may be repeated. No cluster is looked at, unless
    /// --cluster, --kubeconfig or --context says so
    #[arg(short, long, value_name = "FILE", group = "workloads")]
    filename: Vec<PathBuf>,
    /// All workloads of the cluster
    #[arg(short = 'A', long, group = "workloads")]
    all_namespaces: bool,
    /// The namespace of the workloads; with --filename of those that say none. Without it that of the context
    #[arg(short, long)]
    namespace: Option<String>,
    #[command(flatten)]
    place: Where,
    /// End with exit code 1 where a workload would change its mode
    #[arg(long)]
    fail_on_change: bool,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    output: Form,
}

/// What is printed for machines.
#[derive(Debug, Serialize)]
struct Printed<'c> {
    /// Where the running configuration is from.
    running: &'c str,
    /// Where the new one is from.
    new: String,
    #[serde(flatten)]
    comparison: &'c Comparison,
}

/// A configuration, and what it is called.
struct Named {
    name: String,
    configuration: Result<Configuration, Problems>,
}

/// Says what would change.
///
/// # Errors
/// A file or a cluster cannot be read, or standard output is gone.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if args.configmap.is_some() && args.ask(Fields::NONE).is_none() {
        let remedy = "add --cluster, --kubeconfig or --context";
        return Ok(wrong(&[format!(
            "--configmap is of a cluster, and with --filename none is looked at: {remedy}"
        )]));
    }
    let new = match configuration(Some(&args.config))? {
        Ok(configuration) => configuration,
        Err(problems) => {
            complain_of(Some(&args.config), &problems);
            return Ok(Outcome::Invalid);
        }
    };
    let mut objects = Objects::default();
    for file in &args.filename {
        objects.read(file)?;
    }
    if !objects.mistakes.is_empty() {
        return Ok(wrong(&objects.mistakes));
    }
    let running = args.running()?;
    let old = match running.configuration {
        Ok(configuration) => configuration,
        Err(problems) => {
            complain_of(Some(Path::new(&running.name)), &problems);
            return Ok(Outcome::Invalid);
        }
    };
    complain(&format!("running configuration: {}", running.name));
    let read = args.read([&old.placement, &new.placement])?;
    objects.objects.extend(read.objects);
    let subjects = match subjects(objects.objects, &read.namespace, &old.placement) {
        Ok(subjects) => subjects,
        Err(mistakes) => {
            let place = |index: usize| {
                objects
                    .places
                    .get(index)
                    .map_or("the cluster", |place| place)
            };
            let mistakes = mistakes.into_iter();
            let said = mistakes.map(|(index, mistake)| format!("{}: {mistake}", place(index)));
            return Ok(wrong(&said.collect::<Vec<_>>()));
        }
    };
    if subjects.is_empty() && !args.filename.is_empty() {
        return Ok(wrong(&["there is no workload in the files".to_owned()]));
    }
    if subjects.is_empty() {
        complain(&args.nothing_there(&read.namespace));
    }
    let comparison = compare(&subjects, &old.placement, &new.placement, &*read.facts)?;
    args.print(&comparison, &running.name, out)?;
    Ok(if args.fail_on_change && comparison.changed > 0 {
        Outcome::Found
    } else {
        Outcome::Done
    })
}

fn wrong(mistakes: &[String]) -> Outcome {
    mistakes.iter().for_each(|mistake| complain(mistake));
    Outcome::Invalid
}

/// `NAMESPACE/NAME` of a flag.
pub(in crate::commands) fn config_map(text: &str) -> Result<ConfigMapName, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => Ok(ConfigMapName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }),
        Some(_) | None => Err("allowed: NAMESPACE/NAME".to_owned()),
    }
}

// === impl Args ===

impl Args {
    fn workloads(&self) -> Workloads {
        match (self.filename.as_slice(), self.all_namespaces) {
            ([], true) => Workloads::Everywhere,
            ([], false) => Workloads::OfNamespace,
            (_, _) => Workloads::None,
        }
    }

    /// Which cluster is looked at, if any.
    fn ask(&self, fields: Fields) -> Option<Ask<'_>> {
        let is_asked = self.place.is_named() || self.workloads() != Workloads::None;
        let namespace = self.namespace.as_deref();
        is_asked.then(|| self.place.ask(namespace, Facts::OfRules(fields)))
    }

    /// What the cluster says to these rules; where none is to be looked at, nothing.
    fn read(&self, rules: [&Rules; 2]) -> anyhow::Result<Read> {
        let fields = rules.into_iter().flat_map(|rules| rules.fields().iter());
        match self.ask(fields.collect()) {
            Some(ask) => cluster::read(ask, self.workloads()),
            None => Ok(Read {
                namespace: self.namespace.clone().unwrap_or("default".to_owned()),
                objects: Vec::new(),
                facts: Box::new(NoCluster),
            }),
        }
    }

    fn running(&self) -> anyhow::Result<Named> {
        if let Some(file) = &self.against {
            return Ok(Named {
                name: file.display().to_string(),
                configuration: configuration(Some(file)).context("--against")?,
            });
        }
        let usual = ConfigMapName::usual();
        let name = self.configmap.as_ref().unwrap_or(&usual);
        let default = "the embedded default";
        let asked = self
            .ask(Fields::NONE)
            .map(|ask| cluster::configuration(ask, name));
        let (name, text) = match asked.transpose()? {
            Some(Running::Text(text)) => (name.to_string(), text),
            Some(Running::NotThere) if self.configmap.is_some() => bail!("there is no {name}"),
            Some(Running::NotThere) => (
                format!("{default}, as there is no {name}"),
                DEFAULT.to_owned(),
            ),
            None => (default.to_owned(), DEFAULT.to_owned()),
        };
        Ok(Named {
            name,
            configuration: crate::config::read(&text),
        })
    }

    fn nothing_there(&self, namespace: &str) -> String {
        if self.all_namespaces {
            "there is no workload in the cluster".to_owned()
        } else {
            format!(
                "there is no workload in namespace {namespace}; -n names another, -A looks at all"
            )
        }
    }

    fn print(
        &self,
        comparison: &Comparison,
        running: &str,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let printed = Printed {
            running,
            new: self.config.display().to_string(),
            comparison,
        };
        match self.output {
            Form::Text => write!(out, "{}", text::page(comparison, colour()))?,
            Form::Json => writeln!(out, "{}", serde_json::to_string_pretty(&printed)?)?,
            Form::Yaml => write!(out, "{}", serde_saphyr::to_string(&printed)?)?,
        }
        Ok(())
    }
}
