//! A checked tree to a [`Configuration`]. Nothing is repaired: a file with a mistake gives no configuration.

use std::collections::BTreeMap;

use serde::de::IntoDeserializer;
use serde::de::value::{Error as NoSuchName, StrDeserializer};

use super::check::{self, join};
use super::fields::{FILE, MAX_OWNER_WAIT, duration};
use super::problem::{Problem, Problems};
use super::tree::{self, Node, Value};
use super::{DEFAULT, sample};
use crate::authorization::Settings;
use crate::authorization::settings::BreakGlass;
use crate::placement::Mode;
use crate::placement::decide::RESERVED;
use crate::placement::expression::Expression;
use crate::placement::rules::{self, Gives, ModeLabels, OnUnknown, Part, Rule, Rules, Variable};

/// All that an operator configures.
#[derive(Debug)]
pub struct Configuration {
    /// How Pods are placed.
    pub placement: Rules,
    /// How AuthorizationPolicies are judged.
    pub authorization_policies: Settings,
}

/// What parsing the deepest expression needs, and more: 100 KiB a bracket in a debug build.
const STACK: usize = 16 << 20;

/// Reads the configuration in `text`, which is YAML.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(text: &str) -> Result<Configuration, Problems> {
    // The parsers recurse: a thread of their own has the room, and where one of them panics all the same
    // it takes nothing with it.
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new()
            .name("config".to_owned())
            .stack_size(STACK);
        match builder.spawn_scoped(scope, || read_here(text)) {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(unreadable())),
            Err(_) => read_here(text),
        }
    })
}

/// Reads the configuration in a file of this `content`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_bytes(content: &[u8]) -> Result<Configuration, Problems> {
    match std::str::from_utf8(content) {
        Ok(text) => read(text),
        Err(error) => Err(not_text(content, error.valid_up_to())),
    }
}

/// `content` is text up to its byte number `valid`, from 0.
fn not_text(content: &[u8], valid: usize) -> Problems {
    let text = std::str::from_utf8(&content[..valid]).unwrap_or_default();
    let last = text.rsplit('\n').next().unwrap_or_default();
    let (line, column) = (text.matches('\n').count() + 1, last.chars().count() + 1);
    let message = "is not UTF-8 from here on; save the file as UTF-8".to_owned();
    whole_file(line as u64, column as u64, message)
}

fn unreadable() -> Problems {
    let message = "cannot be read: the parser failed; see the log".to_owned();
    whole_file(1, 1, message)
}

/// One problem that is of no field.
fn whole_file(line: u64, column: u64, message: String) -> Problems {
    let mut problems = Problems::default();
    problems.push(Problem {
        line,
        column,
        field: String::new(),
        message,
    });
    problems
}

fn read_here(text: &str) -> Result<Configuration, Problems> {
    let mut problems = Problems::default();
    let file = tree::read(text).map_err(|error| {
        let message = format!("is not YAML: {}", error.message);
        whole_file(error.place.line, error.place.column, message)
    })?;
    check::section(&file, "", FILE, &mut problems);
    let mut reader = Reader { text, problems };
    let placement = reader.placement(file.get("placement"));
    reader.try_out(&placement, file.get("placement"));
    let authorization_policies = settings(file.get("authorizationPolicies"));
    if reader.problems.is_empty() {
        return Ok(Configuration {
            placement,
            authorization_policies,
        });
    }
    Err(reader.problems.sorted())
}

/// Turns what is well-formed into rules, and adds what is wrong with its meaning.
struct Reader<'t> {
    text: &'t str,
    problems: Problems,
}

impl Reader<'_> {
    fn placement(&mut self, node: Option<&Node>) -> Rules {
        let Some(node) = node else {
            return default_placement();
        };
        let variables = self.variables(node.get("variables"));
        let rules = self.rules(node.get("rules"), &variables);
        let default = default(node.get("default"));
        let mut rules = Rules::new(variables, rules, default, mode_labels(node.get("modes")));
        let wait = text(node, "ownerWait").and_then(|text| duration(text, MAX_OWNER_WAIT));
        rules.owner_wait = wait.unwrap_or(rules.owner_wait);
        rules
    }

    fn variables(&mut self, node: Option<&Node>) -> Vec<Variable> {
        let mut variables: Vec<Variable> = Vec::new();
        for (index, element) in node
            .map(Node::elements)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let path = format!("placement.variables[{index}]");
            let Some((name, node)) = text(element, "name").zip(element.get("name")) else {
                continue;
            };
            if variables.iter().any(|earlier| earlier.name == name) {
                self.problems.add(
                    node,
                    &join(&path, "name"),
                    format!("{name:?} is declared twice"),
                );
            }
            if let Some(expression) = self.expression(element, &path, "expression", &variables) {
                variables.push(Variable {
                    name: name.to_owned(),
                    expression,
                });
            }
        }
        variables
    }

    fn rules(&mut self, node: Option<&Node>, declared: &[Variable]) -> Vec<Rule> {
        let elements = node.map(Node::elements).unwrap_or_default();
        let rules = elements.iter().enumerate().filter_map(|(index, element)| {
            let path = format!("placement.rules[{index}]");
            let earlier = elements[..index]
                .iter()
                .filter_map(|rule| text(rule, "name"));
            self.name(element, &path, earlier);
            self.rule(element, &path, declared)
        });
        rules.collect()
    }

    fn name<'n>(&mut self, rule: &'n Node, path: &str, mut earlier: impl Iterator<Item = &'n str>) {
        let Some(name) = rule.get("name") else { return };
        let Some(text) = name.text() else { return };
        let path = join(path, "name");
        if earlier.any(|earlier| earlier == text) {
            self.problems.add(
                name,
                &path,
                format!("{text:?} is the name of an earlier rule; names are unique"),
            );
        }
        if RESERVED.contains(&text) {
            let message =
                format!("{text:?} is what records call something else; choose another name");
            self.problems.add(name, &path, message);
        }
    }

    fn rule(&mut self, node: &Node, path: &str, declared: &[Variable]) -> Option<Rule> {
        let when = self.expression(node, path, "when", declared);
        let warning = self.expression(node, path, "warningExpression", declared);
        let reason_expression = self.expression(node, path, "reasonExpression", declared);
        let gives = self.gives(node, path, declared);
        let name = text(node, "name")?;
        let reason = text(node, "reason").map_or_else(|| format!("rule {name}"), str::to_owned);
        let on_unknown = match text(node, "onUnknown") {
            Some("next") => OnUnknown::Next,
            Some(_) | None => OnUnknown::Leave,
        };
        Some(Rule {
            name: name.to_owned(),
            when: when?,
            gives: gives?,
            reason,
            reason_expression,
            on_unknown,
            warning,
        })
    }

    fn gives(&mut self, node: &Node, path: &str, declared: &[Variable]) -> Option<Gives> {
        let expression = self.expression(node, path, "modeExpression", declared);
        match (node.get("mode"), node.get("modeExpression")) {
            (Some(_), None) => mode(node).map(Gives::Mode),
            (None, Some(_)) => expression.map(Gives::Expression),
            (Some(mode), Some(_)) => {
                self.problems.add(
                    mode,
                    path,
                    "has both mode and modeExpression; leave one".to_owned(),
                );
                None
            }
            (None, None) if matches!(node.value, Value::Map(_)) => {
                self.problems.add(
                    node,
                    path,
                    "has neither mode nor modeExpression; add one".to_owned(),
                );
                None
            }
            (None, None) => None,
        }
    }

    /// The expression at `key`, compiled.
    fn expression(
        &mut self,
        node: &Node,
        path: &str,
        key: &str,
        declared: &[Variable],
    ) -> Option<Expression> {
        let (source, place) = (text(node, key)?, node.get(key)?);
        if source.is_empty() {
            return None; // The check of the form has said so.
        }
        let path = join(path, key);
        match Expression::compile(source, declared) {
            Ok(expression) => Some(expression),
            Err(errors) => {
                for error in errors {
                    let (line, column) = self.locate(place, source, error.line, error.column);
                    let (field, message) = (path.clone(), error.message);
                    self.problems.push(Problem {
                        line,
                        column,
                        field,
                        message,
                    });
                }
                None
            }
        }
    }

    /// Evaluates the rules on a sample, for what compiling does not find.
    fn try_out(&mut self, rules: &Rules, placement: Option<&Node>) {
        let nodes = placement
            .and_then(|node| node.get("rules"))
            .map(Node::elements)
            .unwrap_or_default();
        for failure in sample::failures(rules) {
            let key = match failure.part {
                Part::When => "when",
                Part::Mode => "modeExpression",
                Part::Warning => "warningExpression",
                Part::Reason => "reasonExpression",
            };
            let named = |node: &Node| text(node, "name") == Some(failure.rule);
            let Some(index) = nodes.iter().position(named) else {
                continue;
            };
            let path = format!("placement.rules[{index}].{key}");
            if let Some(node) = nodes[index].get(key) {
                self.problems.add(
                    node,
                    &path,
                    format!("cannot be evaluated: {}", failure.cause),
                );
            }
        }
    }

    /// The place in the file of a place in an expression, where the text stands there as it is (quoted on
    /// one line, or as a block); else where the expression begins.
    fn locate(&self, node: &Node, source: &str, line: usize, column: usize) -> (u64, u64) {
        let start = (node.place.line, node.place.column);
        let Some(wanted) = source
            .lines()
            .nth(line - 1)
            .filter(|wanted| !wanted.trim().is_empty())
        else {
            return start;
        };
        let from = usize::try_from(node.place.line - 1).unwrap_or_default();
        let lines = self.text.lines().enumerate().skip(from);
        let found = lines
            .take(source.lines().count() + 1)
            .find_map(|(number, text)| {
                text.find(wanted)
                    .map(|offset| (number, text[..offset].chars().count()))
            });
        found.map_or(start, |(number, before)| {
            (number as u64 + 1, (before + column) as u64)
        })
    }
}

/// The placement of the embedded default, which a test holds to be without mistakes.
fn default_placement() -> Rules {
    match read(DEFAULT) {
        Ok(configuration) => configuration.placement,
        Err(_) => {
            let default = rules::Default::new(Mode::Leave, String::new());
            Rules::new(Vec::new(), Vec::new(), default, mode_labels(None))
        }
    }
}

fn default(node: Option<&Node>) -> rules::Default {
    let reason = node
        .and_then(|node| text(node, "reason"))
        .unwrap_or("no rule decided");
    let mode = node.and_then(mode).unwrap_or(Mode::Leave);
    rules::Default::new(mode, reason.to_owned())
}

fn mode(node: &Node) -> Option<Mode> {
    text(node, "mode").and_then(|mode| mode.parse().ok())
}

fn mode_labels(node: Option<&Node>) -> ModeLabels {
    let labels = |mode: Mode, dataplane: &str, inject: &str| -> BTreeMap<String, String> {
        let configured = node
            .and_then(|node| node.get(mode.as_str()))
            .and_then(|n| n.get("labels"));
        let defaults = [
            ("istio.io/dataplane-mode", dataplane),
            ("sidecar.istio.io/inject", inject),
        ];
        let entries: Vec<(&str, &str)> = configured.map_or_else(
            || defaults.to_vec(),
            |n| {
                n.entries()
                    .filter_map(|(key, value)| Some((key, value.text()?)))
                    .collect()
            },
        );
        entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    };
    ModeLabels {
        ambient: labels(Mode::Ambient, "ambient", "false"),
        sidecar: labels(Mode::Sidecar, "none", "true"),
        none: labels(Mode::None, "none", "false"),
    }
}

fn settings(node: Option<&Node>) -> Settings {
    let defaults = Settings::default();
    let Some(node) = node else { return defaults };
    Settings {
        attachment: choice(node, "attachment").unwrap_or(defaults.attachment),
        annotation: choice(node, "annotation").unwrap_or(defaults.annotation),
        fail_open: choice(node, "failOpen").unwrap_or(defaults.fail_open),
        break_glass: node
            .get("breakGlass")
            .and_then(Node::bool)
            .map_or(defaults.break_glass, BreakGlass::from),
    }
}

fn choice<T: for<'de> serde::Deserialize<'de>>(node: &Node, key: &str) -> Option<T> {
    let deserializer: StrDeserializer<'_, NoSuchName> = text(node, key)?.into_deserializer();
    T::deserialize(deserializer).ok()
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key).and_then(Node::text)
}
