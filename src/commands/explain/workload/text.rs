//! Placements for people: entries go in, a text of 80 columns comes out.

use serde_json::Value;

use super::entry::{Decision, Entry, Now, Read, Rule};
use crate::report::page::{Colour, Look, Page, Paper};

/// Where the values of the head begin.
const HEAD: usize = 12;
/// Where what a rule answers begins.
const RESULT: usize = 30;
/// Where what is patched begins.
const PATCHED: usize = 16;
/// Where the reasons of Istio begin.
const REASON: usize = 18;

/// All of them, in the order of the input.
pub(super) fn page(entries: &[Entry], colour: Colour) -> String {
    let mut page = Page::new(colour, Paper::Narrow);
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            page.gap();
        }
        entry.write(&mut page);
    }
    page.done()
}

// === impl Entry ===

impl Entry {
    fn write(&self, page: &mut Page) {
        page.paragraph(0, 2, Look::Strong, &self.headline());
        self.write_now(page);
        let mode = match self.mode {
            "leave" => "leave: meshmode changes nothing",
            mode => mode,
        };
        let head = [
            ("mode", mode),
            ("rule", &self.rule),
            ("reason", &self.reason),
        ];
        for (label, text) in head {
            page.line(2, (label, Look::Dim), HEAD, text);
        }
        self.write_new_revision(page);
        for warning in &self.warnings {
            page.line(2, ("warning", Look::Odd), HEAD, warning);
        }
        page.gap();
        self.write_rules(page);
        page.gap();
        self.write_patch(page);
        page.gap();
        self.write_outcome(page);
    }

    fn headline(&self) -> String {
        let name = self.name.as_deref().unwrap_or("without a name");
        let name = match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{name}", self.kind),
            None => format!("{} {name}", self.kind),
        };
        match &self.workload {
            Some(workload) => format!("{name} of {} {}", workload.kind, workload.name),
            None => name,
        }
    }

    /// What is there, before what would be.
    fn write_now(&self, page: &mut Page) {
        let text = match &self.now {
            Now::Nothing(()) => return,
            Now::Placed(decision) => decision.said(),
            Now::Unplaced { reason, .. } => format!("no placement: {reason}"),
        };
        let (label, next) = if self.kind == "Pod" {
            ("has now", "A Pod like it, created now, would get:")
        } else {
            ("Pods have", "Pods of a new revision would get:")
        };
        page.line(2, (label, Look::Dim), HEAD, &text);
        page.line(2, (next, Look::Plain), HEAD, "");
    }

    fn write_new_revision(&self, page: &mut Page) {
        let same = |new: &&Decision| new.mode != self.mode;
        if let Some(new) = self.new_revision.as_ref().filter(same) {
            let text = format!("a new revision gets {}", new.said());
            page.line(2, ("but", Look::Odd), HEAD, &text);
        }
    }

    fn write_rules(&self, page: &mut Page) {
        let decides = self.decides();
        let whether = match self.decided_by {
            "author" => "what they say; the Pod's own choice wins",
            "left-alone" => "what they say; such Pods are left alone always",
            "revision" => "what they say; Pods keep what their revision has",
            "not-carried-out" => "the first that holds decides, if Istio can do it",
            _ => "the first that holds decides",
        };
        page.line(2, ("Rules, in order:", Look::Strong), 19, whether);
        for (index, rule) in self.rules.iter().enumerate() {
            let place = match decides {
                Some(first) if index == first => Place::Decides,
                Some(first) if index > first => Place::Behind,
                Some(_) | None => Place::Before,
            };
            rule.write(place, self.mode, page);
        }
    }

    /// The rule that decided: nothing where it was something else.
    fn decides(&self) -> Option<usize> {
        let of_rules = matches!(self.decided_by, "rules" | "not-carried-out");
        let mut rules = self.rules.iter();
        of_rules.then(|| rules.position(|rule| rule.name == self.rule))?
    }

    fn write_patch(&self, page: &mut Page) {
        let nothing = if self.patch.is_empty() { "none" } else { "" };
        page.line(2, ("Patch:", Look::Strong), 9, nothing);
        for (map, key, value) in self.patch.iter().flat_map(additions) {
            let text = format!("{key}: {value}");
            page.line(4, (map, Look::Good), PATCHED, &text);
        }
    }

    fn write_outcome(&self, page: &mut Page) {
        let outcome = &self.outcome;
        let does = match outcome.result {
            "injected" => "gives it a sidecar",
            "both" => "gives it a sidecar, though ztunnel claims it too",
            "captured" => "captures it with ztunnel",
            "refused" => "does not let it be created",
            _ => "leaves it out of the mesh",
        };
        page.line(2, ("Istio", Look::Strong), 8, does);
        for reason in &outcome.reasons {
            let (label, text) = reason.split_once(": ").unwrap_or(("", reason));
            page.line(4, (label, Look::Dim), REASON, text);
        }
        for warning in &outcome.warnings {
            page.line(4, ("warning", Look::Odd), REASON, warning);
        }
        for assumed in &outcome.assumed {
            page.line(4, ("assumed", Look::Dim), REASON, assumed);
        }
    }
}

// === impl Decision ===

impl Decision {
    fn said(&self) -> String {
        let Self { mode, rule, reason } = self;
        format!("{mode} (rule {rule}: {reason})")
    }
}

/// Where a rule stands.
#[derive(Clone, Copy)]
enum Place {
    Before,
    Decides,
    Behind,
}

// === impl Rule ===

impl Rule {
    fn write(&self, place: Place, mode: &str, page: &mut Page) {
        let why = self.error.as_deref().unwrap_or_default();
        let gives = self.mode.unwrap_or_default();
        let (text, odd) = match (self.result, place) {
            ("held", Place::Decides) => (format!("held, decides: {gives}"), false),
            ("held", Place::Behind) => (format!("not reached (would give {gives})"), false),
            ("held", Place::Before) => (format!("held: {gives}"), false),
            ("did-not-hold", _) => ("did not hold".to_owned(), false),
            ("no-mode", _) => (format!("held, but gives no mode: {why}"), true),
            ("off", _) => (
                "off: reads facts of a cluster (--cluster)".to_owned(),
                false,
            ),
            (_, Place::Decides) => (format!("could not be evaluated, so {mode}: {why}"), true),
            (_, Place::Before | Place::Behind) => (format!("could not be evaluated: {why}"), true),
        };
        let look = match place {
            Place::Decides => Look::Good,
            Place::Before | Place::Behind if odd => Look::Odd,
            Place::Before | Place::Behind => Look::Plain,
        };
        page.line(4, (&self.name, look), RESULT, &text);
        for read in self.read.iter().filter(|read| self.is_news(read)) {
            let text = match &read.value {
                Some(value) => format!("{} = {value}", read.path),
                None => format!("{} is not there", read.path),
            };
            page.paragraph(6, 8, Look::Dim, &text);
        }
    }

    /// Nobody looked for a rule that is off; and in what is empty or not there nothing is.
    fn is_news(&self, read: &Read) -> bool {
        let holds_nothing = |whole: &&Read| {
            let value = whole.value.as_deref().unwrap_or("{}");
            let rest = read.path.strip_prefix(&whole.path);
            matches!(value, "{}" | "[]") && rest.is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        let whole = self.read.iter().find(holds_nothing);
        self.result != "off" && (read.value.is_some() || whole.is_none())
    }
}

/// What an operation of a patch adds: to which map, the key, the value.
fn additions(operation: &Value) -> Vec<(&'static str, String, String)> {
    let path = operation.get("path").and_then(Value::as_str);
    let path = path.unwrap_or_default();
    let map = if path.starts_with("/metadata/labels") {
        "label"
    } else {
        "annotation"
    };
    let shown = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    match operation.get("value") {
        Some(Value::Object(entries)) => entries
            .iter()
            .map(|(key, value)| (map, key.clone(), shown(value)))
            .collect(),
        Some(value) => {
            let key = path.rsplit('/').next().unwrap_or_default();
            let key = key.replace("~1", "/").replace("~0", "~");
            vec![(map, key, shown(value))]
        }
        None => Vec::new(),
    }
}
