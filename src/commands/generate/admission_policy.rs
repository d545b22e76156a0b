//! `meshmode generate admission-policy`: the rules as a MutatingAdmissionPolicy with its binding
//! (`admissionregistration.k8s.io/v1`, Kubernetes 1.36 and newer). Data goes to standard output, what the policy lacks
//! to standard error, and into the YAML as comments.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;
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

/// An object, with its fields in the order in which people read them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a, S> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: S,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    name: &'a str,
    labels: Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicySpec<'a> {
    failure_policy: &'static str,
    reinvocation_policy: &'static str,
    match_constraints: Value,
    match_conditions: Vec<NamedExpression<'a>>,
    variables: Vec<NamedExpression<'a>>,
    mutations: Vec<Mutation<'a>>,
}

#[derive(Debug, Serialize)]
struct NamedExpression<'a> {
    name: &'a str,
    expression: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Mutation<'a> {
    patch_type: &'static str,
    json_patch: Expression<'a>,
}

#[derive(Debug, Serialize)]
struct Expression<'a> {
    expression: &'a str,
}

/// The longest name of an object.
const MAX_NAME: usize = 253;
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

const MADE_BY: &str = "# Made by: meshmode generate admission-policy
# Place Pods of a namespace by this or by the webhook: this comes first, and the webhook finds them placed.";

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
    let (policy, binding) = (object(args, &policy), binding(args));
    match args.output {
        Form::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": [policy, binding]});
            writeln!(out, "{list:#}")?;
        }
        Form::Yaml => {
            writeln!(out, "{MADE_BY}")?;
            for line in &lacks {
                writeln!(out, "# {line}")?;
            }
            write!(out, "{}", serde_saphyr::to_string(&policy)?)?;
            write!(out, "---\n{}", serde_saphyr::to_string(&binding)?)?;
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
    let plain = policy
        .plain
        .iter()
        .map(|plain| format!("with its fixed reason: {plain}"));
    left_out.chain(plain).chain(silent).collect()
}

fn object<'p>(args: &'p Args, policy: &'p Policy) -> Object<'p, PolicySpec<'p>> {
    let failure_policy = match args.failure_policy {
        FailurePolicy::Ignore => "Ignore",
        FailurePolicy::Fail => "Fail",
    };
    let spec = PolicySpec {
        failure_policy,
        reinvocation_policy: "Never",
        match_constraints: match_constraints(),
        match_conditions: named(&policy.conditions),
        variables: named(&policy.variables),
        mutations: policy
            .mutations
            .iter()
            .map(|expression| Mutation {
                patch_type: "JSONPatch",
                json_patch: Expression { expression },
            })
            .collect(),
    };
    Object::new(args, "MutatingAdmissionPolicy", spec)
}

fn named(list: &[Named]) -> Vec<NamedExpression<'_>> {
    list.iter()
        .map(|Named { name, expression }| NamedExpression { name, expression })
        .collect()
}

/// As those of the webhook in `manifests/base`.
fn match_constraints() -> Value {
    json!({
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
    })
}

fn binding(args: &Args) -> Object<'_, Value> {
    let spec = json!({"policyName": args.name});
    Object::new(args, "MutatingAdmissionPolicyBinding", spec)
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

// === impl Object ===

impl<'a, S> Object<'a, S> {
    fn new(args: &'a Args, kind: &'static str, spec: S) -> Self {
        Self {
            api_version: "admissionregistration.k8s.io/v1",
            kind,
            metadata: Metadata {
                name: &args.name,
                labels: json!({"app.kubernetes.io/name": "meshmode"}),
            },
            spec,
        }
    }
}
