//! The report for a pull request, as GitHub and others render Markdown. What is somebody else's cannot be markup there.

use super::Report;
use super::figure::{Piece, Side, Table};
use super::page::printable;
use super::tables;
use super::words;
use crate::savings::Account;

/// Namespaces that are shown.
const NAMESPACES: usize = 15;
/// Other rows that are shown.
const ROWS: usize = 10;

/// The whole report: what counts first, the rest folded.
pub(super) fn page(report: &Report<'_>) -> String {
    let account = report.account;
    let mut page = format!(
        "### What the mesh costs\n\n{}\n\n",
        escaped(&words::scope(account))
    );
    warnings(&account.warnings, &mut page);
    say(
        &format!("**{}**", sentence(&words::lead(account))),
        &mut page,
    );
    for said in words::beside(account) {
        say(&sentence(&said), &mut page);
    }
    write_table(&tables::scenarios(account), "", &mut page);
    drift(report, &mut page);
    let namespaces = tables::namespaces(account).first(NAMESPACES);
    write_table(&namespaces, "`-o csv` has all", &mut page);
    page.push_str("<details>\n<summary>Roles, nodes, latency, assumptions</summary>\n\n");
    folded(account, &mut page);
    page.push_str("</details>\n");
    page
}

fn folded(account: &Account, page: &mut String) {
    write_table(&tables::bases(account), "", page);
    write_table(&tables::roles(account), "", page);
    write_table(
        &tables::kept::kept(account).first(ROWS),
        "`-o json` has all",
        page,
    );
    write_table(&tables::nodes(account), "", page);
    if !account.nodes.note.is_empty() {
        say(&escaped(&account.nodes.note), page);
    }
    write_table(&tables::latency(account), "", page);
    list("Assumptions", &account.assumptions, page);
    list("Left out", &account.left_out, page);
    for said in words::provenance(account) {
        say(&sentence(&said), page);
    }
}

fn drift(report: &Report<'_>, page: &mut String) {
    let currency = &report.account.currency;
    for (index, drift) in report.drift.iter().enumerate() {
        write_table(&tables::drift::figures(currency, index, drift), "", page);
        warnings(&drift.warnings, page);
        let namespaces = tables::drift::namespaces(currency, index, drift).first(ROWS);
        write_table(&namespaces, "`-o json` has all", page);
    }
}

fn warnings(warnings: &[String], page: &mut String) {
    if warnings.is_empty() {
        return;
    }
    page.push_str("> **Before you believe the figure**\n>\n");
    for warning in warnings {
        page.push_str(&format!("> - {}\n", escaped(warning)));
    }
    page.push('\n');
}

fn list(title: &str, sentences: &[String], page: &mut String) {
    if sentences.is_empty() {
        return;
    }
    say(&format!("**{title}**"), page);
    for sentence in sentences {
        page.push_str(&format!("- {}\n", escaped(sentence)));
    }
    page.push('\n');
}

fn say(text: &str, page: &mut String) {
    page.push_str(text);
    page.push_str("\n\n");
}

/// A table with its title; nothing where it has no rows.
fn write_table(table: &Table, rest_is_in: &str, page: &mut String) {
    if table.rows.is_empty() {
        return;
    }
    say(&format!("**{}**", escaped(&table.title)), page);
    let names = table.columns.iter().map(|column| escaped(column.name));
    page.push_str(&row(names));
    let sides = table.columns.iter().map(|column| match column.side {
        Side::Left | Side::Below | Side::Wrapped => "---".to_owned(),
        Side::Right => "---:".to_owned(),
    });
    page.push_str(&row(sides));
    for one in &table.rows {
        let cells = one.cells.iter();
        page.push_str(&row(cells.map(|cell| sentence(std::slice::from_ref(cell)))));
    }
    page.push('\n');
    if table.more > 0 {
        say(&format!("and {} more; {rest_is_in}", table.more), page);
    }
}

fn row(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |\n", cells.join(" | "))
}

fn sentence(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| escaped(piece.shown())).collect()
}

/// A text that is read as it is written: no markup, no HTML, no cell of a table, and nobody is called by a mention.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '@' => escaped.push_str("@\u{2060}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '{' | '}' | '|' | '~' | '#' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        for (name, text, expected) in [
            ("usual", "shop-1, 50 %", "shop-1, 50 %"),
            ("HTML", "<b>&amp;", "&lt;b&gt;&amp;amp;"),
            ("a cell", "a|b", "a\\|b"),
            ("an escaped cell", "a\\|b", "a\\\\\\|b"),
            ("bold, code", "*a* `b` _c_", "\\*a\\* \\`b\\` \\_c\\_"),
            ("a link", "[a](b)", "\\[a\\](b)"),
            ("mathematics", "$1 and $2", "\\$1 and \\$2"),
            ("a mention", "@org/team", "@\u{2060}org/team"),
            ("lines", "a\n\n# b", "a\u{fffd}\u{fffd}\\# b"),
        ] {
            assert_eq!(escaped(text), expected, "{name}");
        }
    }
}
