//! `meshmode explain policy`: the verdict on AuthorizationPolicies, with all that it rests on.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};

use super::cluster::{self, Ask, Looked, Which};
use super::documents::{self, Document, Found};
use super::page::Colour;
use super::text::{self, Explained};
use crate::authorization::verdict::entry::Entry;
use crate::authorization::{
    AuthorizationPolicy, FactsSource, Malformed, Settings, WhyUnknown, judge,
};
use crate::commands::{Outcome, complain, complain_of, configuration};

/// What `--help` says at its end.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing fails open
  1  a policy fails open
  2  wrong input
  3  failed: a file that cannot be read, a cluster that does not answer

docs/explain.md describes the output.";

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people, the worst policy first.
    Text,
    /// A list with an entry for each policy, in the order of the input.
    Json,
    /// The same as YAML.
    Yaml,
}

/// Flags of `meshmode explain policy`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("policies").required(true).multiple(false))]
pub(super) struct Args {
    /// Policies of the cluster, by name
    #[arg(value_name = "NAME", group = "policies")]
    names: Vec<String>,
    /// A file with policies, YAML or JSON, or - for standard input; may be repeated. No cluster is looked at, unless
    /// --cluster, --kubeconfig or --context says so
    #[arg(short, long, value_name = "FILE", group = "policies")]
    filename: Vec<PathBuf>,
    /// All policies of the namespace
    #[arg(long, group = "policies")]
    all: bool,
    /// All policies of the cluster
    #[arg(short = 'A', long, group = "policies")]
    all_namespaces: bool,
    /// The namespace of the policies; with --filename of those that say none. Without it that of the context
    #[arg(short, long)]
    namespace: Option<String>,
    /// Look at the cluster of the current context
    #[arg(long)]
    cluster: bool,
    /// The kubeconfig of the cluster; without it that of KUBECONFIG, or ~/.kube/config
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; without it the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// How long the cluster may take to answer, and then to be read
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    timeout: Duration,
    /// The namespace that Istio is installed in, with ConfigMap `istio`
    #[arg(long, value_name = "NAMESPACE", default_value = "istio-system")]
    istio_namespace: String,
    /// The configuration, with how strict verdicts are; without it the embedded default
    #[arg(long, env = "MESHMODE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    output: Form,
}

/// What is judged, and by what.
struct Input {
    documents: Vec<Document>,
    /// For policies that say none.
    namespace: Option<String>,
    source: Box<dyn FactsSource>,
}

/// Explains the policies.
///
/// # Errors
/// A file or a cluster cannot be read, or standard output is gone.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let settings = match configuration(args.config.as_deref())? {
        Ok(configuration) => configuration.authorization_policies,
        Err(problems) => {
            complain_of(args.config.as_deref(), &problems);
            return Ok(Outcome::Invalid);
        }
    };
    let Some(input) = input(args)? else {
        return Ok(Outcome::Invalid);
    };
    let explained: Result<Vec<_>, _> = input
        .documents
        .iter()
        .map(|document| input.explain(document, &settings))
        .collect();
    let Ok(explained) = explained else {
        input.complain_of_malformed();
        return Ok(Outcome::Invalid);
    };
    print(&explained, args.output, out)?;
    let fails_open = |one: &Explained<'_>| one.verdict.fails_open();
    Ok(if explained.iter().any(fails_open) {
        Outcome::Found
    } else {
        Outcome::Done
    })
}

/// All that is to be judged; none where it has mistakes, which have been said.
fn input(args: &Args) -> anyhow::Result<Option<Input>> {
    let mut found = Found::default();
    for file in &args.filename {
        found.extend(from_file(file)?);
    }
    if !found.mistakes.is_empty() {
        say(&found.mistakes);
        return Ok(None);
    }
    let Some(looked) = args.looked()? else {
        return Ok(Some(Input {
            documents: found.policies,
            namespace: args.namespace.clone(),
            source: Box::new(WhyUnknown::NoCluster),
        }));
    };
    let Looked {
        cluster,
        namespace,
        policies,
    } = looked;
    found.extend(policies);
    say(&found.mistakes);
    Ok(found.mistakes.is_empty().then(|| Input {
        documents: found.policies,
        namespace: Some(namespace),
        source: Box::new(cluster),
    }))
}

/// Says what is passed over; a file without any policy is a mistake, as it hardly is the one that was meant.
fn from_file(file: &Path) -> anyhow::Result<Found> {
    let mut found = documents::read(file)?;
    let name = file.display();
    if !found.others.is_empty() {
        let others = found.others.join(", ");
        complain(&format!("{name}: passed over {others}"));
    }
    if found.policies.is_empty() && found.mistakes.is_empty() {
        let mistake = format!("{name}: there is no AuthorizationPolicy in it");
        found.mistakes.push(mistake);
    }
    Ok(found)
}

fn say(mistakes: &[String]) {
    mistakes.iter().for_each(|mistake| complain(mistake));
}

fn print(explained: &[Explained<'_>], form: Form, out: &mut dyn Write) -> anyhow::Result<()> {
    let entries = || {
        let entries = explained.iter();
        let entries = entries.map(|one| Entry::of(&one.policy, &one.verdict));
        entries.collect::<Vec<_>>()
    };
    match form {
        Form::Text => write!(out, "{}", text::page(explained, colour()))?,
        Form::Json => writeln!(out, "{}", serde_json::to_string_pretty(&entries())?)?,
        Form::Yaml => write!(out, "{}", serde_saphyr::to_string(&entries())?)?,
    }
    Ok(())
}

/// On a terminal only, and as `NO_COLOR` and `CLICOLOR` say.
fn colour() -> Colour {
    match AutoStream::choice(&std::io::stdout()) {
        ColorChoice::Always | ColorChoice::AlwaysAnsi => Colour::Ansi,
        ColorChoice::Auto | ColorChoice::Never => Colour::None,
    }
}

// === impl Args ===

impl Args {
    /// What the cluster says, if one is to be looked at.
    fn looked(&self) -> anyhow::Result<Option<Looked>> {
        let which = match (self.names.as_slice(), self.all, self.all_namespaces) {
            ([], false, false) => Which::None,
            (_, _, true) => Which::Everywhere,
            (_, true, false) => Which::Namespace,
            (names, false, false) => Which::Named(names),
        };
        let is_named = self.cluster || self.kubeconfig.is_some() || self.context.is_some();
        match which {
            Which::None if !is_named => Ok(None),
            Which::None | Which::Named(_) | Which::Namespace | Which::Everywhere => {
                cluster::look(Ask {
                    kubeconfig: self.kubeconfig.as_deref(),
                    context: self.context.as_deref(),
                    namespace: self.namespace.as_deref(),
                    istio_namespace: &self.istio_namespace,
                    timeout: self.timeout,
                    which,
                })
                .map(Some)
            }
        }
    }
}

// === impl Input ===

impl Input {
    fn explain<'a>(
        &'a self,
        document: &'a Document,
        settings: &Settings,
    ) -> Result<Explained<'a>, Malformed> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let policy = AuthorizationPolicy::parse(&document.json)?.in_namespace(namespace);
        let facts = self.source.facts_for(&policy);
        let verdict = judge(&policy, None, settings, &facts);
        Ok(Explained {
            policy,
            facts,
            verdict,
        })
    }

    fn complain_of_malformed(&self) {
        for document in &self.documents {
            if let Err(malformed) = AuthorizationPolicy::parse(&document.json) {
                complain(&format!("{}: {malformed}", document.place));
            }
        }
    }
}
