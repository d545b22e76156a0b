//! `meshmode explain`: the mode of Pods and workloads, with all that it rests on.

mod assumed;
mod entry;
mod fresh;
mod outcome;
mod subject;
mod text;

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use super::cluster::{self, Facts, Looked};
use super::documents::{self, Document, Found, Sort};
use super::fetch;
use super::flags::{Form, Where};
use super::named::{self, Named};
use super::policy::say;
use crate::cluster::Cluster;
use crate::cluster::convert::template::template;
use crate::commands::{Outcome, complain_of, configuration};
use crate::placement::facts::{Missing, NoCluster, Source};

use self::entry::Entry;
use self::subject::Subject;

/// What `--help` says at its end.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  2  wrong input
  3  failed: a file that cannot be read, a cluster that does not answer

docs/explain.md describes the output.";

/// Flags of `meshmode explain`.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("workloads").required(true).multiple(false))]
pub(super) struct Args {
    /// A Pod of the cluster, or KIND/NAME: deployment/web, sts/db, ds/agent, job/load; several at once
    #[arg(value_name = "NAME", group = "workloads", value_parser = named::parse)]
    names: Vec<Named>,
    /// A file with Pods and workloads, YAML or JSON, or - for standard input; may be repeated. No cluster is looked at,
    /// unless --cluster, --kubeconfig or --context says so
    #[arg(short, long, value_name = "FILE", group = "workloads")]
    filename: Vec<PathBuf>,
    /// The namespace; with --filename of what says none. Without it that of the context
    #[arg(short, long)]
    namespace: Option<String>,
    #[command(flatten)]
    place: Where,
    /// The configuration with the rules; without it the embedded default
    #[arg(long, env = "MESHMODE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    output: Form,
}

/// What is explained, and by what.
struct Input {
    documents: Vec<Document>,
    /// Of what says none; empty where nobody says it.
    namespace: String,
    cluster: Option<Cluster>,
}

/// Explains Pods and workloads.
///
/// # Errors
/// A file or a cluster cannot be read, or standard output is gone.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let rules = match configuration(args.config.as_deref())? {
        Ok(configuration) => configuration.placement,
        Err(problems) => {
            complain_of(args.config.as_deref(), &problems);
            return Ok(Outcome::Invalid);
        }
    };
    let Some(input) = input(args, Facts::OfRules(rules.fields()))? else {
        return Ok(Outcome::Invalid);
    };
    let mut entries = Vec::new();
    let mut mistakes = Vec::new();
    for document in &input.documents {
        let subject = Subject::of(&document.json, &input.namespace, &rules);
        let entry = subject.and_then(|subject| Entry::of(&subject, &rules, input.source()));
        match entry {
            Ok(entry) => entries.push(entry),
            Err(mistake) => mistakes.push(format!("{}: {mistake}", document.place)),
        }
    }
    if !mistakes.is_empty() {
        say(&mistakes);
        return Ok(Outcome::Invalid);
    }
    let page = |colour| text::page(&entries, colour);
    args.output.print(page, || entries.iter().collect(), out)?;
    Ok(Outcome::Done)
}

/// All that is to be explained; none where it has mistakes, which have been said.
fn input(args: &Args, facts: Facts) -> anyhow::Result<Option<Input>> {
    let mut found = Found::default();
    for file in &args.filename {
        found.extend(documents::from_file(file, "Pod and no workload", sort)?);
    }
    if !found.mistakes.is_empty() {
        say(&found.mistakes);
        return Ok(None);
    }
    if args.names.is_empty() && !args.place.is_named() {
        return Ok(Some(Input {
            documents: found.objects,
            namespace: args.namespace.clone().unwrap_or_default(),
            cluster: None,
        }));
    }
    let ask = args.place.ask(args.namespace.as_deref(), facts);
    let Looked {
        cluster,
        namespace,
        found: of_cluster,
    } = cluster::look(ask, async |client, namespace| {
        fetch::workloads(client, &args.names, namespace).await
    })?;
    found.extend(of_cluster);
    let known = Source::namespace(&cluster, &namespace);
    if !found.mistakes.is_empty() && matches!(known, Err(Missing::NotSeen { .. })) {
        found.mistakes = vec![format!(
            "there is no namespace {namespace} in the cluster (-n names another)"
        )];
    }
    say(&found.mistakes);
    Ok(found.mistakes.is_empty().then_some(Input {
        documents: found.objects,
        namespace,
        cluster: Some(cluster),
    }))
}

/// Whether an object has a Pod template.
fn sort(object: &Value) -> Sort {
    match template(object) {
        Ok(Some(_)) => Sort::Wanted,
        Ok(None) => Sort::Other,
        Err(error) => Sort::Mistake(error.to_string()),
    }
}

// === impl Input ===

impl Input {
    fn source(&self) -> &dyn Source {
        match &self.cluster {
            Some(cluster) => cluster,
            None => &NoCluster,
        }
    }
}
