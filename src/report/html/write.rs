//! The one place where texts and figures become HTML. What is somebody else's goes through [`escaped`].

use serde_json::Value;

use crate::report::figure::{Figure, Piece, RowKind, Side, Table};
use crate::report::page::printable;

/// So many rows are not broken in print.
const SHORT: usize = 16;

/// A text for HTML, also within an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A sentence, or a cell.
pub(super) fn sentence(pieces: &[Piece]) -> String {
    let pieces = pieces.iter();
    pieces
        .map(|piece| match piece {
            Piece::Words(words) => escaped(&typographic(words)),
            Piece::Figure(figure) => {
                format!(
                    "<span {}>{}</span>",
                    attributes(figure),
                    escaped(&typographic(&figure.shown))
                )
            }
        })
        .collect()
}

/// Where a figure stands in the JSON report, and what stands there.
pub(super) fn attributes(figure: &Figure) -> String {
    let value = figure.value.map_or(Value::Null, Value::from);
    format!(
        "data-field=\"{}\" data-value=\"{value}\"",
        escaped(&figure.field)
    )
}

/// A minus before a figure is no hyphen.
pub(super) fn typographic(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => format!("\u{2212}{rest}"),
        Some(_) | None => text.replace("<-", "<\u{2212}"),
    }
}

/// A table with its caption; nothing where it has no rows.
pub(super) fn table(table: &Table) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let class = |side: Side| match side {
        Side::Left | Side::Below | Side::Wrapped => "",
        Side::Right => " class=\"n\"",
    };
    let mut html = format!(
        "<div class=\"scroll\"><table{}>\n<caption>{}</caption>\n",
        // It has room on one sheet.
        if table.rows.len() <= SHORT {
            " class=\"short\""
        } else {
            ""
        },
        escaped(&table.title)
    );
    if table.columns.iter().any(|column| !column.name.is_empty()) {
        html.push_str("<thead><tr>");
        for column in &table.columns {
            let (class, name) = (class(column.side), escaped(column.name));
            let cell = match column.name {
                "" => "<td></td>".to_owned(),
                _ => format!("<th scope=\"col\"{class}>{name}</th>"),
            };
            html.push_str(&cell);
        }
        html.push_str("</tr></thead>\n");
    }
    html.push_str("<tbody>\n");
    for row in &table.rows {
        html.push_str(match row.kind {
            RowKind::Usual => "<tr>",
            RowKind::Part => "<tr class=\"part\">",
        });
        for (index, (column, cell)) in table.columns.iter().zip(&row.cells).enumerate() {
            let (class, cell) = (class(column.side), sentence(std::slice::from_ref(cell)));
            html.push_str(&match index {
                0 => format!("<th scope=\"row\"{class}>{cell}</th>"),
                _ => format!("<td{class}>{cell}</td>"),
            });
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table></div>\n");
    html
}

/// Sentences, each for itself.
pub(super) fn list(sentences: &[String]) -> String {
    let mut html = "<ul>\n".to_owned();
    for sentence in sentences {
        html.push_str(&format!("<li>{}</li>\n", escaped(sentence)));
    }
    html.push_str("</ul>\n");
    html
}
