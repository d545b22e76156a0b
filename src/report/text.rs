//! The report for a terminal: the one figure first, and before it what should make somebody doubt it.

use super::Report;
use super::figure::{Piece, Row, RowKind, Sentence, Side, Table, plain};
use super::page::{Colour, Look, Page, Paper, cut, printable, width};
use super::tables;
use super::words::{self, Standing};
use crate::savings::Account;

/// Namespaces that are shown.
const NAMESPACES: usize = 15;
/// Other rows that are shown.
const ROWS: usize = 10;
/// Warnings that stand before the figure; more of them stand at the end.
const WARNINGS: usize = 3;
/// The width of the paper.
const WIDTH: usize = 80;
/// Between two columns.
const GAP: usize = 2;
/// No label.
const PLAIN: (&str, Look) = ("", Look::Plain);

/// The whole report.
pub(super) fn page(report: &Report<'_>, colour: Colour) -> String {
    let account = report.account;
    let mut page = Page::new(colour, Paper::Narrow);
    page.paragraph(0, 0, Look::Dim, &words::scope(account));
    page.gap();
    first_warnings(account, &mut page);
    write_lead(account, &mut page);
    write_table(&tables::scenarios(account), &mut page);
    write_table(&tables::bases(account), &mut page);
    write_table(&tables::roles(account), &mut page);
    let namespaces = tables::namespaces(account).first(NAMESPACES);
    write_table(&namespaces, &mut page);
    if namespaces.more > 0 {
        let more = format!("and {} more; -o csv has all", namespaces.more);
        page.line(2, (&more, Look::Dim), 0, "");
    }
    write_table(&tables::kept::kept(account).first(ROWS), &mut page);
    write_table(&tables::nodes(account), &mut page);
    page.paragraph(2, 2, Look::Dim, &account.nodes.note);
    write_table(&tables::latency(account), &mut page);
    write_drift(report, &mut page);
    write_list("Assumptions", &account.assumptions, &mut page);
    write_list("Left out", &account.left_out, &mut page);
    if account.warnings.len() > WARNINGS {
        write_list("Warnings", &account.warnings, &mut page);
    }
    page.gap();
    for sentence in words::provenance(account) {
        page.paragraph(0, 0, Look::Dim, &plain(&sentence));
    }
    page.done()
}

/// Who reads the figure has read these before.
fn first_warnings(account: &Account, page: &mut Page) {
    for warning in account.warnings.iter().take(WARNINGS) {
        page.line(0, ("Warning", Look::Odd), 9, warning);
    }
    let more = account.warnings.len().saturating_sub(WARNINGS);
    if more > 0 {
        let text = format!("and {more} more at the end");
        page.line(0, PLAIN, 9, &text);
    }
    if !account.warnings.is_empty() {
        page.gap();
    }
}

fn write_lead(account: &Account, page: &mut Page) {
    let look = match Standing::of(account) {
        Standing::Saves => Look::Good,
        Standing::Loses => Look::Bad,
        Standing::Open => Look::Odd,
        Standing::Nothing => Look::Strong,
    };
    let say = |sentence: &Sentence, look: Look, page: &mut Page| {
        page.paragraph(0, 0, look, &plain(sentence));
    };
    say(&words::lead(account), look, page);
    for sentence in words::beside(account) {
        say(&sentence, Look::Plain, page);
    }
}

fn write_drift(report: &Report<'_>, page: &mut Page) {
    let currency = &report.account.currency;
    for (index, drift) in report.drift.iter().enumerate() {
        write_table(&tables::drift::figures(currency, index, drift), page);
        for warning in &drift.warnings {
            page.line(2, ("Warning", Look::Odd), 11, warning);
        }
        let namespaces = tables::drift::namespaces(currency, index, drift).first(ROWS);
        write_table(&namespaces, page);
        if namespaces.more > 0 {
            let more = format!("and {} more; -o json has all", namespaces.more);
            page.line(2, (&more, Look::Dim), 0, "");
        }
    }
}

fn write_list(title: &str, sentences: &[String], page: &mut Page) {
    if sentences.is_empty() {
        return;
    }
    page.gap();
    page.line(0, (title, Look::Strong), 0, "");
    for sentence in sentences {
        page.line(2, ("-", Look::Plain), 4, sentence);
    }
}

// === tables ===

/// A table with its title; nothing where it has no rows.
fn write_table(table: &Table, page: &mut Page) {
    if table.rows.is_empty() {
        return;
    }
    page.gap();
    page.line(0, (&table.title, Look::Strong), 0, "");
    let widths = widths(table);
    let head: Vec<String> = table
        .columns
        .iter()
        .map(|column| column.name.to_owned())
        .collect();
    if head.iter().any(|name| !name.is_empty()) {
        write_row(table, &widths, &head, Look::Dim, page);
    }
    for row in &table.rows {
        write_row(table, &widths, &shown(row), Look::Plain, page);
        write_below(table, &row.cells, page);
    }
}

/// What stands in a row; a part of another one stands back.
fn shown(row: &Row) -> Vec<String> {
    let cells = row.cells.iter().enumerate();
    cells
        .map(|(index, cell)| match (index, row.kind) {
            (0, RowKind::Part) => format!("{:GAP$}{}", "", printable(cell.shown())),
            (_, RowKind::Part | RowKind::Usual) => printable(cell.shown()),
        })
        .collect()
}

fn write_row(table: &Table, widths: &[usize], cells: &[String], look: Look, page: &mut Page) {
    let last = table.columns.last().zip(cells.last());
    let wrapped = last.filter(|(column, _)| column.side == Side::Wrapped);
    let wrapped = wrapped.map_or("", |(_, cell)| cell.as_str());
    let taken = widths.iter().filter(|width| **width > 0);
    let column = 2 + taken.map(|width| width + GAP).sum::<usize>();
    let label = line(table, widths, cells);
    page.line(2, (&label, look), column.min(WIDTH / 2), wrapped);
}

/// The cells that have a line of their own.
fn write_below(table: &Table, cells: &[Piece], page: &mut Page) {
    for (column, cell) in table.columns.iter().zip(cells) {
        if column.side == Side::Below && !cell.shown().is_empty() {
            page.paragraph(6, 6, Look::Dim, cell.shown());
        }
    }
}

/// How wide each column is: as its widest cell; the first gives way where there is no room.
fn widths(table: &Table) -> Vec<usize> {
    let rows: Vec<Vec<String>> = table.rows.iter().map(shown).collect();
    let cells = |index: usize| {
        rows.iter()
            .filter_map(move |row| Some(width(row.get(index)?)))
    };
    let columns = table.columns.iter().enumerate();
    let mut widths: Vec<usize> = columns
        .map(|(index, column)| match column.side {
            Side::Below | Side::Wrapped => 0,
            Side::Left | Side::Right => cells(index).max().unwrap_or(0).max(width(column.name)),
        })
        .collect();
    let others: usize = widths
        .iter()
        .skip(1)
        .filter(|width| **width > 0)
        .map(|width| width + GAP)
        .sum();
    if let Some(first) = widths.first_mut() {
        let room = WIDTH.saturating_sub(2 + others).max(8);
        *first = (*first).min(room);
    }
    widths
}

fn line(table: &Table, widths: &[usize], cells: &[String]) -> String {
    let mut line = String::new();
    for (index, ((column, room), cell)) in table.columns.iter().zip(widths).zip(cells).enumerate() {
        if *room == 0 {
            continue;
        }
        if index > 0 {
            line.push_str(&" ".repeat(GAP));
        }
        let cell = cut(cell, *room);
        let space = " ".repeat(room.saturating_sub(width(&cell)));
        match column.side {
            Side::Left | Side::Below | Side::Wrapped => line.push_str(&format!("{cell}{space}")),
            Side::Right => line.push_str(&format!("{space}{cell}")),
        }
    }
    line.trim_end().to_owned()
}
