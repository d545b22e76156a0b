//! The outcome for people: a line a file, what failed with all that helps, and a summary. Pure.

use super::judge::{Difference, Judged, Relation, RuleAnswer};
use crate::report::page::{Colour, Look, Page, Paper};

/// Where values begin.
const COLUMN: usize = 12;
/// Where the word before a value begins.
const INDENT: usize = 2;
/// Where a value begins that has a word before it.
const VALUE: usize = COLUMN + 10;

/// All cases, file by file.
pub(super) fn page(judged: &[Judged], colour: Colour) -> String {
    let mut page = Page::new(colour, Paper::Narrow);
    for cases in judged.chunk_by(|one, next| one.file == next.file) {
        let failed = failures(cases);
        let (word, look) = match failed {
            0 => ("ok", Look::Good),
            _ => ("FAIL", Look::Bad),
        };
        let file = cases.first().map_or("", |case| &case.file);
        page.line(
            0,
            (word, look),
            6,
            &format!("{file}: {}", counts(cases.len(), failed)),
        );
    }
    for case in judged.iter().filter(|case| !case.passed) {
        page.gap();
        case.write(&mut page);
    }
    page.gap();
    let failed = failures(judged);
    let summary = format!("{}: {}", cases(judged.len()), counts(judged.len(), failed));
    let look = if failed == 0 { Look::Good } else { Look::Bad };
    page.line(0, (&summary, look), 0, "");
    page.done()
}

fn failures(judged: &[Judged]) -> usize {
    judged.iter().filter(|case| !case.passed).count()
}

fn cases(count: usize) -> String {
    match count {
        1 => "1 case".to_owned(),
        count => format!("{count} cases"),
    }
}

fn counts(all: usize, failed: usize) -> String {
    match (all - failed, failed) {
        (passed, 0) => format!("{passed} passed"),
        (passed, failed) => format!("{passed} passed, {failed} failed"),
    }
}

// === impl Judged ===

impl Judged {
    fn write(&self, page: &mut Page) {
        page.line(0, (&self.name, Look::Strong), 0, "");
        page.line(
            INDENT,
            (&format!("{}:{}", self.file, self.line), Look::Plain),
            0,
            "",
        );
        for difference in &self.differences {
            difference.write(page);
        }
        let shown = |field| self.differences.iter().any(|one| one.field == field);
        if !shown("reason") {
            page.line(INDENT, ("reason", Look::Plain), COLUMN, &self.reason);
        }
        for warning in self.warnings.iter().filter(|_| !shown("warnings")) {
            page.line(INDENT, ("warning", Look::Odd), COLUMN, warning);
        }
        let mut label = "rules";
        let room = self.rules.iter().map(|rule| rule.name.len()).max();
        for rule in &self.rules {
            rule.write(label, room.unwrap_or_default(), page);
            if self.is_about(rule) {
                rule.write_read(room.unwrap_or_default(), page);
            }
            label = "";
        }
    }

    /// Whether the rule is one that was to decide, or did, or could not.
    fn is_about(&self, rule: &RuleAnswer) -> bool {
        let rules = self.differences.iter().filter(|one| one.field == "rule");
        let mut expected = rules.flat_map(|one| &one.expected);
        rule.name == self.rule
            || rule.error.is_some()
            || expected.any(|expected| *expected == rule.name)
    }
}

// === impl Difference ===

impl Difference {
    fn write(&self, page: &mut Page) {
        let head = if self.field.len() + INDENT < COLUMN {
            self.field.as_str()
        } else {
            page.line(INDENT, (&self.field, Look::Plain), 0, "");
            ""
        };
        let wanted = match self.relation {
            Relation::Equal => "expected",
            Relation::Contains => "has no",
        };
        let mut first = head;
        for (word, look, values) in [
            (wanted, Look::Good, &self.expected),
            ("got", Look::Bad, &self.got),
        ] {
            let mut word = word;
            let nothing = ["nothing".to_owned()];
            let values = if values.is_empty() {
                &nothing[..]
            } else {
                values
            };
            for value in values {
                page.pair(INDENT, first, COLUMN, (word, look), VALUE, value);
                (first, word) = ("", "");
            }
        }
    }
}

// === impl RuleAnswer ===

impl RuleAnswer {
    fn write(&self, label: &str, room: usize, page: &mut Page) {
        let (look, said) = match (self.mode, &self.error) {
            (Some(mode), _) => (Look::Good, format!("held: {mode}")),
            (None, Some(why)) => (Look::Odd, format!("{}: {why}", self.said())),
            (None, None) => (Look::Plain, self.said().to_owned()),
        };
        let column = COLUMN + room + 2;
        page.pair(INDENT, label, COLUMN, (&self.name, look), column, &said);
    }

    /// What it looked at.
    fn write_read(&self, room: usize, page: &mut Page) {
        let column = COLUMN + room + 2;
        for read in &self.read {
            let value = read.value.as_deref().unwrap_or("not there");
            let text = format!("{} is {value}", read.path);
            page.paragraph(column, column + 2, Look::Dim, &text);
        }
    }

    fn said(&self) -> &'static str {
        match self.result {
            "did-not-hold" => "did not hold",
            "no-mode" => "gave no mode",
            "failed" => "could not be evaluated",
            other => other,
        }
    }
}
