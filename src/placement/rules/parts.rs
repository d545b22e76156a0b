//! What rules consist of, for who writes them down in another form.

use std::fmt;

use super::{Gives, Part, Rule, Rules, Variable};
use crate::placement::expression::{Declared, Expression, Known};
use crate::placement::mode::Mode;

impl Declared for Variable {
    fn name(&self) -> &str {
        &self.name
    }

    fn gives(&self) -> Option<Known> {
        self.expression.gives()
    }
}

// === impl Rules ===

impl Rules {
    /// The variables, in order: each may read those before it.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The rules, in order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|guarded| &guarded.rule)
    }

    /// The mode where no rule decides, and why.
    pub fn default_decision(&self) -> (Mode, &str) {
        (self.default.mode, &self.default.reason)
    }
}

// === impl Rule ===

impl Rule {
    /// The expressions that decide and what each is, in the order in which they are evaluated.
    pub fn parts(&self) -> impl Iterator<Item = (Part, &Expression)> {
        let mode = match &self.gives {
            Gives::Mode(_) => None,
            Gives::Expression(expression) => Some((Part::Mode, expression)),
        };
        let warning = self.warning.iter().map(|warning| (Part::Warning, warning));
        warning.chain([(Part::When, &self.when)]).chain(mode)
    }
}

// === impl Part ===

impl fmt::Display for Part {
    /// The name of the field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::When => "when",
            Self::Mode => "modeExpression",
            Self::Warning => "warningExpression",
            Self::Reason => "reasonExpression",
        })
    }
}
