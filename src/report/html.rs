//! The report as one page for a browser or a printer: no network, no script, charts drawn here. Each figure of the JSON
//! report names its place (`data-field`) and has it exactly (`data-value`), and the whole report is in the page.

mod bars;
mod chart;
mod even;
mod lines;
mod over_time;
mod sections;
mod style;
mod write;

use super::Report;
use super::data;
use super::words::{self, Standing};
use crate::savings::Account;
use write::{escaped, sentence};

/// Nothing is loaded, and nothing runs.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole page.
pub(super) fn page(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let account = report.account;
    let title = escaped(&format!("What the mesh costs: {}", words::scope(account)));
    let json = data::within_html(&data::json(report)?);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
        style::STYLE
    );
    page.push_str(&head(account));
    for section in sections::all(report) {
        page.push_str(&section);
    }
    page.push_str("</main>\n");
    page.push_str(&foot(account));
    page.push_str(&format!(
        "<script type=\"application/json\" id=\"report\">\n{json}</script>\n</body>\n</html>\n"
    ));
    Ok(page)
}

/// The one figure, its range, and what should make somebody doubt it.
fn head(account: &Account) -> String {
    let (class, before, after) = match Standing::of(account) {
        Standing::Saves => ("saves", "", " less a month, if what can be ambient were"),
        Standing::Loses => ("loses", "You would lose ", " a month"),
        Standing::Open => ("open", "Open whether it saves: ", " a month as a mean"),
        Standing::Nothing => ("nothing", "", " a month to save"),
    };
    let figure = sentence(&[words::central(account)]);
    let mut head = format!(
        "<header class=\"{class}\">\n<p class=\"scope\">{}</p>\n{}\
         <h1>{before}<strong>{figure}</strong>{after}</h1>\n<p class=\"lead\">{}</p>\n",
        escaped(&words::scope(account)),
        warnings(&account.warnings),
        sentence(&words::range(account)),
    );
    for said in words::beside(account) {
        head.push_str(&format!("<p>{}</p>\n", sentence(&said)));
    }
    head.push_str("</header>\n");
    head
}

fn warnings(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let title = "Before you believe the figure";
    format!(
        "<aside class=\"warnings\" aria-label=\"Warnings\">\n<p><b>{title}</b></p>\n{}</aside>\n",
        write::list(warnings)
    )
}

fn foot(account: &Account) -> String {
    let mut foot = "<footer>\n".to_owned();
    for said in words::provenance(account) {
        foot.push_str(&format!("<p>{}</p>\n", sentence(&said)));
    }
    foot.push_str("</footer>\n");
    foot
}
