//! `meshmode explain policy`: the verdict on AuthorizationPolicies, with all that it rests on.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use super::cluster::{self, Facts, Looked};
use super::documents::{self, Document, Found, Sort};
use super::fetch::{self, Which};
use super::flags::{Form, Where};
use super::text::{self, Explained};
use crate::authorization::verdict::entry::Entry;
use crate::authorization::{
    AuthorizationPolicy, FactsSource, Malformed, Settings, WhyUnknown, judge,
};
use crate::commands::{Outcome, complain, complain_of, configuration};

const GROUP: &str = "security.istio.io";
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const KIND: &str = "AuthorizationPolicy";

/// What `--help` says at its end.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing fails open
  1  a policy fails open
  2  wrong input
  3  failed: a file that cannot be read, a cluster that does not answer

docs/explain.md describes the output.";

/// Flags of `meshmode explain policy`.
#[derive(Debug, clap::Args)]
#[group(skip)]
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
    #[command(flatten)]
    place: Where,
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
    let entries = || {
        let entries = explained.iter();
        let entries = entries.map(|one| Entry::of(&one.policy, &one.verdict));
        entries.collect::<Vec<_>>()
    };
    let page = |colour| text::page(&explained, colour);
    args.output.print(page, entries, out)?;
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
        found.extend(documents::from_file(file, KIND, sort)?);
    }
    if !found.mistakes.is_empty() {
        say(&found.mistakes);
        return Ok(None);
    }
    let Some(looked) = args.looked()? else {
        return Ok(Some(Input {
            documents: found.objects,
            namespace: args.namespace.clone(),
            source: Box::new(WhyUnknown::NoCluster),
        }));
    };
    let Looked {
        cluster,
        namespace,
        found: policies,
    } = looked;
    found.extend(policies);
    say(&found.mistakes);
    Ok(found.mistakes.is_empty().then(|| Input {
        documents: found.objects,
        namespace: Some(namespace),
        source: Box::new(cluster),
    }))
}

/// Whether an object is a policy.
pub(super) fn sort(object: &Value) -> Sort {
    let text = |field| object.get(field).and_then(Value::as_str);
    let version = text("apiVersion").unwrap_or_default();
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    match (
        text("kind") == Some(KIND) && group == GROUP,
        VERSIONS.contains(&version),
    ) {
        (true, true) => Sort::Wanted,
        (true, false) => Sort::Mistake(format!(
            "apiVersion: {group}/{version} is none that Istio reads; allowed: {GROUP}/{}, {GROUP}/{}",
            VERSIONS[0], VERSIONS[1]
        )),
        (false, _) => Sort::Other,
    }
}

pub(super) fn say(mistakes: &[String]) {
    mistakes.iter().for_each(|mistake| complain(mistake));
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
        match which {
            Which::None if !self.place.is_named() => Ok(None),
            Which::None | Which::Named(_) | Which::Namespace | Which::Everywhere => {
                let ask = self.place.ask(self.namespace.as_deref(), Facts::OfVerdicts);
                cluster::look(ask, async |client, namespace| {
                    fetch::policies(client, which, namespace).await
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
