//! `meshmode generate admission-policy`: the rules as a MutatingAdmissionPolicy with its binding
//! (`admissionregistration.k8s.io/v1`, Kubernetes 1.36 and newer). Data goes to standard output, what the policy lacks
//! to standard error, and into the YAML as comments.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::commands::{Outcome, complain, complain_of, configuration};
use crate::placement::admission_policy::{self, Named, Policy};

/// Flags of `meshmode generate admission-policy`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration; without it the embedded default
    #[arg(long, env = "MESHMODE_CONFIG")]
    config: Option<PathBuf>,
    /// The name of the policy and of its binding
    #[arg(long, default_value = "meshmode.io", value_parser = name)]
    name: String,
    /// What becomes of a Pod on which the policy errs: created as it is, or refused
    #[arg(long, value_enum, default_value_t = FailurePolicy::Ignore)]
    failure_policy: FailurePolicy,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Form::Yaml)]
    output: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailurePolicy {
    /// It is created as it is.
    Ignore,
    /// It is refused.
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Two YAML documents, with comments.
    Yaml,
    /// A List.
    Json,
}

/// The longest name of an object.
const MAX_NAME: usize = 253;
const API_VERSION: &str = "admissionregistration.k8s.io/v1";
/// The label that asks for meshmode, as in `manifests/base`.
const SCOPE: &str = "meshmode.io/webhook";
/// Never, whatever their label says; as in `manifests/base`.
const NEVER: [&str; 5] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "istio-system",
    "meshmode-system",
];

/// Prints the policy and its binding.
///
/// # Errors
/// The configuration cannot be read, or standard output is gone.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let configuration = match configuration(args.config.as_deref())? {
        Ok(configuration) => configuration,
        Err(problems) => {
            complain_of(args.config.as_deref(), &problems);
            return Ok(Outcome::Invalid);
        }
    };
    let failure = match args.failure_policy {
        FailurePolicy::Ignore => admission_policy::FailurePolicy::Ignore,
        FailurePolicy::Fail => admission_policy::FailurePolicy::Fail,
    };
    let policy = admission_policy::policy(&configuration.placement, failure);
    let lacks = lacks(&policy);
    for line in &lacks {
        complain(line);
    }
    let objects = [object(args, &policy), binding(args)];
    match args.output {
        Form::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
            writeln!(out, "{list:#}")?;
        }
        Form::Yaml => {
            writeln!(
                out,
                "# Made by: meshmode generate admission-policy. Where it and the webhook cover the same"
            )?;
            writeln!(
                out,
                "# namespace, it comes first, and the webhook finds the Pod placed."
            )?;
            for line in &lacks {
                writeln!(out, "# {line}")?;
            }
            let [policy, binding] = objects.map(|object| serde_saphyr::to_string(&object));
            write!(out, "{}---\n{}", policy?, binding?)?;
        }
    }
    Ok(Outcome::Done)
}

/// A sentence for everything that the webhook does and the policy does not.
fn lacks(policy: &Policy) -> Vec<String> {
    let left_out = policy
        .left_out
        .iter()
        .map(|left_out| format!("left out: {left_out}"));
    let silent = policy.silent.iter().map(|rule| {
        format!("rule {rule}: its warnings are not shown: a MutatingAdmissionPolicy has none")
    });
    left_out.chain(silent).collect()
}

fn object(args: &Args, policy: &Policy) -> Value {
    let failure = match args.failure_policy {
        FailurePolicy::Ignore => "Ignore",
        FailurePolicy::Fail => "Fail",
    };
    let named = |list: &[Named]| -> Vec<Value> {
        list.iter()
            .map(|named| json!({"name": named.name, "expression": named.expression}))
            .collect()
    };
    let mutations: Vec<Value> = policy
        .mutations
        .iter()
        .map(
            |expression| json!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}),
        )
        .collect();
    json!({
        "apiVersion": API_VERSION,
        "kind": "MutatingAdmissionPolicy",
        "metadata": metadata(args),
        "spec": {
            "failurePolicy": failure,
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {"matchExpressions": [
                    {"key": SCOPE, "operator": "In", "values": ["enabled"]},
                    {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": NEVER},
                ]},
                "objectSelector": {"matchExpressions": [
                    {"key": SCOPE, "operator": "NotIn", "values": ["disabled"]},
                ]},
                "resourceRules": [{
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["pods"],
                    "scope": "Namespaced",
                }],
            },
            "matchConditions": named(&policy.conditions),
            "variables": named(&policy.variables),
            "mutations": mutations,
        },
    })
}

fn binding(args: &Args) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": metadata(args),
        "spec": {"policyName": args.name},
    })
}

fn metadata(args: &Args) -> Value {
    json!({"name": args.name, "labels": {"app.kubernetes.io/name": "meshmode"}})
}

/// A name that Kubernetes takes: a DNS subdomain.
fn name(text: &str) -> Result<String, String> {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().copied().is_some_and(inner)
            && bytes.last().copied().is_some_and(inner)
            && bytes.iter().all(|c| inner(*c) || *c == b'-')
    };
    if text.len() <= MAX_NAME && text.split('.').all(label) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "a name has at most {MAX_NAME} lower-case letters, digits, - and ., and begins and ends with a letter or digit, such as meshmode.io"
    ))
}
