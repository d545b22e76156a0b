//! Every message about a policy, as a person at a terminal sees it: `kubectl apply` in a cluster with Istio,
//! with meshmode that knows the cluster.
//!
//! The table at the end has a line for each code; one that was not seen fails the step.

mod cases;
mod intent;
mod targets;
mod terminal;
mod values;
mod world;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use meshmode::authorization::code::Code;
use serde_json::Value;

use super::mesh::{IN_FORCE, Mesh};
use crate::support::ControlPlane;
use crate::support::manifests::{Webhooks, render};
use crate::support::meshmode::Meshmode;
use crate::support::report::{Shown, say};

/// A policy, and what somebody who applies it sees.
struct Case {
    name: &'static str,
    namespace: &'static str,
    metadata: Value,
    spec: Value,
    outcome: Outcome,
    /// What is said, by the code that it belongs to.
    says: Vec<(Code, &'static str)>,
    /// What would be said of codes that `meshmode explain` tells, and nobody else.
    hides: Vec<(Code, &'static str)>,
}

/// What comes of `kubectl apply`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Stored, and meshmode says nothing.
    Silent,
    /// Stored, with warnings.
    Warned,
    /// Not stored, and meshmode's message says why.
    Refused,
    /// Not stored, as the API server refuses it by Istio's CRD: it asks no webhook then.
    RefusedBefore,
}

/// What was seen.
#[derive(Default)]
struct Seen {
    codes: BTreeMap<Code, String>,
    cases: usize,
    problems: Vec<String>,
}

/// The program, with a connection to the cluster and a configuration that the test may change.
struct Program {
    meshmode: Meshmode,
    folder: tempfile::TempDir,
}

/// All of them.
pub(crate) async fn seen(mesh: &Mesh) -> Shown {
    let cluster = &mesh.cluster;
    let program = Program::start(cluster).await;
    let base = Webhooks::of(&render(cluster, "base").await);
    let base = base.reaching(&program.meshmode.endpoint());
    base.register(cluster, IN_FORCE).await;
    let _kwok = world::create(mesh).await;
    let mut seen = Seen::default();
    let tables = [
        cases::unattached(),
        cases::values(),
        targets::gateways(),
        targets::services(),
        cases::others(),
        cases::unvalidated(),
    ];
    for case in tables.iter().flatten() {
        seen.check(cluster, case).await;
    }
    values::trust_domain(cluster, &mut seen).await;
    intent::admitted(mesh, &program, &mut seen).await;
    intent::explained(cluster);
    intent::one_file(cluster).await;
    intent::settings(cluster, &program, &mut seen).await;
    mesh.webhooks.register(cluster, IN_FORCE).await;
    seen.print();
    seen.complete()
}

// === impl Program ===

impl Program {
    async fn start(cluster: &ControlPlane) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "{}");
        let flags = [
            "--cluster=required".to_owned(),
            format!("--kubeconfig={}", cluster.kubeconfig().display()),
            format!("--config={}", folder.path().join("config.yaml").display()),
        ];
        let meshmode = Meshmode::start_with(&flags).await;
        Self { meshmode, folder }
    }

    /// Gives it another section `authorizationPolicies`, which it reads in a moment.
    fn configure(&self, policies: &str) {
        write(self.folder.path(), policies);
    }
}

fn write(folder: &Path, policies: &str) {
    let text = format!(
        "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nauthorizationPolicies: {policies}\n"
    );
    std::fs::write(folder.join("config.yaml"), text).unwrap();
}

// === impl Seen ===

impl Seen {
    /// Applies a policy. One that is not as expected does not keep the others from being seen.
    async fn check(&mut self, cluster: &ControlPlane, case: &Case) {
        let Case { name, outcome, .. } = case;
        self.cases += 1;
        if let Err(problem) = terminal::check(cluster, case).await {
            return self.problems.push(format!("{name}: {problem}"));
        }
        for (code, _) in &case.says {
            self.note(*code, &format!("{} ({name})", outcome.said()));
        }
        for (code, _) in &case.hides {
            self.note(
                *code,
                &format!("nothing: meshmode explain tells it ({name})"),
            );
        }
    }

    /// The first that is seen of a code is what the table has.
    fn note(&mut self, code: Code, what: &str) {
        self.codes.entry(code).or_insert_with(|| what.to_owned());
    }

    fn print(&self) {
        let mut table = String::new();
        for code in Code::ALL {
            let what = self.codes.get(code).map(String::as_str);
            let what = what.unwrap_or("NOT SEEN");
            let _ = writeln!(table, "  {} {:<26} {what}", code.id, code.word);
        }
        say(&format!("\nwhat kubectl shows of each code:\n{table}"));
    }

    /// All is as expected, and each code was seen.
    fn complete(self) -> Shown {
        let Self {
            codes,
            cases,
            problems,
        } = self;
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        for code in Code::ALL {
            assert!(codes.contains_key(code), "{code:?} was not seen");
        }
        Shown::Cases(cases)
    }
}

// === impl Outcome ===

impl Outcome {
    const fn said(self) -> &'static str {
        match self {
            Self::Silent => "nothing",
            Self::Warned => "a warning",
            Self::Refused => "in a refusal",
            Self::RefusedBefore => "nothing: the API server refuses it before us",
        }
    }
}
