//! What both sides of a comparison become: rules over tests of attributes, with one common list of the
//! attributes and of the predicates about each.

use std::collections::HashMap;

use super::attribute::Attribute;
use super::predicate::Predicate;

/// One side: it matches a request when one of its rules does.
pub(super) type Rules = Vec<Rule>;
/// One rule: all of its clauses have to match.
pub(super) type Rule = Vec<Clause>;
/// One clause: one of its alternatives has to match; without any it never does.
pub(super) type Clause = Vec<Alternative>;
/// One alternative: all of its tests have to hold; without any it always matches.
pub(super) type Alternative = Vec<Test>;

/// One attribute meets one of these predicates, or none of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Test {
    /// Its place in [`Space::attributes`].
    pub(super) attribute: usize,
    /// None of them.
    pub(super) negated: bool,
    /// Their places in the attribute's list; at least one.
    pub(super) any_of: Vec<usize>,
}

/// All attributes that one of the sides tests, each with its predicates.
#[derive(Debug, Default)]
pub(super) struct Space<'a> {
    pub(super) attributes: Vec<Tested<'a>>,
}

/// One attribute with the predicates about it, each once.
#[derive(Debug)]
pub(super) struct Tested<'a> {
    pub(super) attribute: Attribute,
    pub(super) predicates: Vec<Predicate<'a>>,
    places: HashMap<Predicate<'a>, usize>,
}

// === impl Space ===

impl<'a> Space<'a> {
    /// The test that `attribute` meets one of `any_of`, or none; no test where there are none.
    pub(super) fn test(
        &mut self,
        attribute: &Attribute,
        negated: bool,
        any_of: impl IntoIterator<Item = Predicate<'a>>,
    ) -> Option<Test> {
        let mut any_of = any_of.into_iter().peekable();
        any_of.peek()?;
        let place = self.place(attribute);
        let tested = self.attributes.get_mut(place)?;
        Some(Test {
            attribute: place,
            negated,
            any_of: any_of.map(|predicate| tested.place(predicate)).collect(),
        })
    }

    fn place(&mut self, attribute: &Attribute) -> usize {
        let mut all = self.attributes.iter();
        all.position(|tested| tested.attribute == *attribute)
            .unwrap_or_else(|| {
                self.attributes.push(Tested {
                    attribute: attribute.clone(),
                    predicates: Vec::new(),
                    places: HashMap::new(),
                });
                self.attributes.len() - 1
            })
    }
}

// === impl Tested ===

impl<'a> Tested<'a> {
    fn place(&mut self, predicate: Predicate<'a>) -> usize {
        let next = self.predicates.len();
        let place = *self.places.entry(predicate.clone()).or_insert(next);
        if place == next {
            self.predicates.push(predicate);
        }
        place
    }
}
