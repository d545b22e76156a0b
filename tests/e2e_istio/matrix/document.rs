//! The matrix as people read it: `docs/placement-matrix.md`, written by the test and held equal to it.

use std::env;
use std::fmt::Write as _;
use std::fs;

use meshmode::placement::Mode;
use meshmode::placement::outcome::Outcome;

use super::cases::NamespaceCase;
use crate::support::report::say;

/// One Pod in one namespace.
pub(crate) struct Row {
    what: &'static str,
    placed: Mode,
    gets: &'static str,
    reason: String,
}

/// The Pods in one namespace.
pub(crate) struct Section<'s> {
    pub(crate) namespace: &'s NamespaceCase,
    pub(crate) rows: &'s [Row],
}

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/placement-matrix.md");
/// Set, the document is written in place of being compared.
const WRITE: &str = "MESHMODE_WRITE_MATRIX";

const HEAD: &str = "\
# What becomes of a Pod

Written by `make matrix`, checked by `make e2e-istio`: each of these Pods was created through meshmode with its
default rules and a real istiod (`tests/istio/go.mod` names its version), with revision `default`, a second
revision `other`, and a tag `tag`. What is said here is what `placement::outcome` predicted, and what came back:
whether there is an `istio-proxy`, which webhook put it there (the API server's audit log), and whether
ztunnel captures the Pod (istio-cni's own code, the usual selectors).

- **placed** is what meshmode decided: `leave` where the Pod's author has chosen, or where nothing can be done.
- **gets**: `injected`, `captured` by ztunnel, `both` (both claim it, the sidecar wins), `neither`, or `refused`
  by the injector.
- In the column Pod, `inject`, `dataplane-mode`, `rev` and `templates` stand for `sidecar.istio.io/inject`,
  `istio.io/dataplane-mode`, `istio.io/rev` and `inject.istio.io/templates`.
";

// === impl Row ===

impl Row {
    pub(crate) fn new(what: &'static str, placed: Mode, outcome: &Outcome<'_>) -> Self {
        Self {
            what,
            placed,
            gets: outcome.as_str(),
            reason: outcome.to_string(),
        }
    }
}

/// Prints the outcomes: a line for each namespace and outcome.
pub(crate) fn print(sections: &[Section<'_>]) {
    let mut table = String::from("\nthe placement matrix:\n");
    for section in sections {
        let _ = writeln!(table, "  namespace {}", section.title());
        for row in section.rows {
            let Row {
                what, placed, gets, ..
            } = row;
            let placed = placed.as_str();
            let _ = writeln!(table, "    {placed:<8} {gets:<9} {what}");
        }
    }
    say(&table);
}

/// Writes the document where that is asked for, and sees otherwise that it says the same.
pub(crate) fn keep(sections: &[Section<'_>]) {
    let text = text(sections);
    if env::var_os(WRITE).is_some() {
        fs::write(PATH, text).unwrap();
        return;
    }
    let kept = fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        kept == text,
        "docs/placement-matrix.md says otherwise than this run; `make matrix` writes it anew"
    );
}

fn text(sections: &[Section<'_>]) -> String {
    let mut text = HEAD.to_owned();
    let count: usize = sections.iter().map(|section| section.rows.len()).sum();
    let _ = writeln!(text, "\n{count} Pods in {} namespaces.", sections.len());
    for section in sections {
        let _ = writeln!(text, "\n## Namespace {}\n", section.title());
        text.push_str("| Pod | placed | gets | why |\n|---|---|---|---|\n");
        for row in section.rows {
            let Row {
                what,
                placed,
                gets,
                reason,
            } = row;
            let _ = writeln!(text, "| {what} | {placed} | **{gets}** | {reason} |");
        }
    }
    text
}

// === impl Section ===

impl Section<'_> {
    fn title(&self) -> String {
        let labels: Vec<String> = self
            .namespace
            .labels
            .iter()
            .map(|(key, value)| format!("`{key}={value}`"))
            .collect();
        match (self.namespace.name, labels.is_empty()) {
            (_, true) => "without labels".to_owned(),
            (name @ "local-path-storage", false) => {
                format!("`{name}` with {}", labels.join(", "))
            }
            (_, false) => format!("with {}", labels.join(", ")),
        }
    }
}
