//! What changes for people: a table and the counts. Pure.

use super::compare::{Change, Comparison};
use crate::report::page::{Colour, Look, Page, Paper, printable, width};

const HEAD: [&str; 6] = ["NAMESPACE", "KIND", "NAME", "NOW", "NEW", "RULE"];

/// The table, and below it the counts.
pub(super) fn page(comparison: &Comparison, colour: Colour) -> String {
    let mut page = Page::new(colour, Paper::Wide);
    if !comparison.changes.is_empty() {
        let rows: Vec<[String; 6]> = comparison.changes.iter().map(row).collect();
        let widths = widths(&rows);
        page.line(0, (&line(&HEAD, widths), Look::Strong), 0, "");
        for row in &rows {
            let texts = row.each_ref().map(String::as_str);
            page.line(0, (&line(&texts, widths), Look::Plain), 0, "");
        }
        page.gap();
    }
    for text in counts(comparison) {
        page.line(0, (&text, Look::Plain), 0, "");
    }
    page.done()
}

fn row(change: &Change) -> [String; 6] {
    let (now, new) = (&change.now, &change.new);
    let texts = [
        &change.namespace,
        &change.kind,
        &change.name,
        now.mode,
        new.mode,
        &new.rule,
    ];
    texts.map(|text| match text {
        "" => "-".to_owned(),
        text => printable(text),
    })
}

fn widths(rows: &[[String; 6]]) -> [usize; 6] {
    let mut widths = HEAD.map(width);
    for row in rows {
        for (most, text) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(text));
        }
    }
    widths
}

fn line(texts: &[&str; 6], widths: [usize; 6]) -> String {
    let columns = texts.iter().zip(widths);
    let line: Vec<String> = columns
        .map(|(text, room)| format!("{text:room$}"))
        .collect();
    line.join("  ").trim_end().to_owned()
}

fn counts(comparison: &Comparison) -> Vec<String> {
    let Comparison {
        workloads, changed, ..
    } = comparison;
    let mut lines = Vec::new();
    if *changed == 0 {
        lines.push(format!("none of {} changes", many(*workloads, "workload")));
    } else {
        let namespaces = many(comparison.namespaces(), "namespace");
        let of = many(*workloads, "workload");
        let verb = if *changed == 1 { "changes" } else { "change" };
        lines.push(format!("{changed} of {of} {verb}, in {namespaces}"));
    }
    for transition in &comparison.transitions {
        let (now, new) = (transition.now, transition.new);
        lines.push(format!("  {} from {now} to {new}", transition.workloads));
    }
    if comparison.same_mode_other_rule > 0 {
        let count = many(comparison.same_mode_other_rule, "workload");
        let verb = if comparison.same_mode_other_rule == 1 {
            "keeps its"
        } else {
            "keep their"
        };
        lines.push(format!("{count} {verb} mode, by another rule"));
    }
    lines
}

fn many(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}
