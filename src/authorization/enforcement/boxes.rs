//! Sets of requests: a box has, for each attribute, a set of its values, a bit each.
//!
//! Rules are unions of boxes, and what is in one union and not in another is found by cutting off a box
//! what the boxes of the other union have of it, one after the other.

use super::terms::{Alternative, Rule, Rules, Test};
use super::values::Values;

/// One box: the words of its first attribute, then those of the second …
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Requests(Vec<u64>);

/// Which words belong to which attribute.
#[derive(Debug)]
pub(super) struct Layout {
    /// Where the words of each attribute begin, and where the last ones end.
    starts: Vec<usize>,
    /// Everything.
    all: Requests,
}

/// How much may still be done.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    is_used_up: bool,
}

const WORD: usize = u64::BITS as usize;

// === impl Layout ===

impl Layout {
    pub(super) fn new<'v>(values: impl Iterator<Item = &'v Values>) -> Self {
        let mut starts = vec![0];
        let mut all = Vec::new();
        for values in values {
            let count = values.values.len();
            all.resize(all.len() + count / WORD, u64::MAX);
            if !count.is_multiple_of(WORD) {
                all.push((1 << (count % WORD)) - 1);
            }
            starts.push(all.len());
        }
        Self {
            starts,
            all: Requests(all),
        }
    }

    /// One after the other for each attribute.
    fn attributes(&self) -> impl Iterator<Item = (usize, usize)> {
        let ends = self.starts.iter().skip(1);
        self.starts.iter().copied().zip(ends.copied())
    }

    /// The boxes of some rules; at least one of each rule, not all when the budget is used up.
    pub(super) fn boxes(
        &self,
        rules: &Rules,
        values: &[Values],
        budget: &mut Budget,
    ) -> Vec<Requests> {
        let boxes = rules.iter().map(|rule| self.of_rule(rule, values, budget));
        boxes.collect::<Vec<_>>().concat()
    }

    /// The boxes of one rule that have something in them: an alternative of each clause.
    fn of_rule(&self, rule: &Rule, values: &[Values], budget: &mut Budget) -> Vec<Requests> {
        let mut boxes = vec![self.all.clone()];
        for clause in rule {
            let some = budget.of(clause.len());
            boxes.truncate(budget.of(boxes.len() * some) / some.max(1));
            budget.spend(boxes.len() * some);
            let all = boxes.iter().flat_map(|whole| {
                let alternatives = clause.iter().take(some);
                alternatives.filter_map(move |one| self.within(whole, one, values))
            });
            boxes = all.collect();
        }
        boxes
    }

    /// What of a box meets all tests.
    fn within(
        &self,
        whole: &Requests,
        alternative: &Alternative,
        values: &[Values],
    ) -> Option<Requests> {
        let mut part = whole.clone();
        for test in alternative {
            let start = *self.starts.get(test.attribute)?;
            let end = *self.starts.get(test.attribute + 1)?;
            let words = part.0.get_mut(start..end)?;
            let mut any = 0;
            for (at, word) in words.iter_mut().enumerate() {
                *word &= meeting(test, values, at);
                any |= *word;
            }
            if any == 0 {
                return None;
            }
        }
        Some(part)
    }

    /// Whether the two have no request in common.
    fn are_apart(&self, one: &Requests, other: &Requests) -> bool {
        self.attributes().any(|(start, end)| {
            let one = one.0.get(start..end).unwrap_or_default();
            let other = other.0.get(start..end).unwrap_or_default();
            one.iter().zip(other).all(|(one, other)| one & other == 0)
        })
    }

    /// A part of `whole` that is in none of `others`.
    ///
    /// What an other box has of a part is cut off: for each attribute in turn the part outside of it, where
    /// all attributes before are inside. Such parts have nothing in common.
    pub(super) fn outside(
        &self,
        whole: &Requests,
        others: &[Requests],
        budget: &mut Budget,
    ) -> Option<Requests> {
        // Mostly one other box has it all: then nothing is cut.
        if !budget.spend(others.len()) || others.iter().any(|other| whole.is_within(other)) {
            return None;
        }
        let mut parts = vec![(whole.clone(), 0)];
        while let Some((part, from)) = parts.pop() {
            let later = others.iter().enumerate().skip(from);
            let mut tried = 0;
            let next = later
                .inspect(|_| tried += 1)
                .find(|(_, other)| !self.are_apart(&part, other));
            if !budget.spend(tried.max(1)) {
                return None;
            }
            let Some((at, other)) = next else {
                return Some(part);
            };
            self.cut_off(part, other, |piece| parts.push((piece, at + 1)));
        }
        None
    }

    fn cut_off(&self, mut part: Requests, other: &Requests, mut keep: impl FnMut(Requests)) {
        for (start, end) in self.attributes() {
            let inside = other.0.get(start..end).unwrap_or_default();
            let own = part.0.get(start..end).unwrap_or_default();
            let is_inside = own
                .iter()
                .zip(inside)
                .all(|(own, inside)| own & !inside == 0);
            if is_inside {
                continue;
            }
            let mut piece = part.clone();
            if let Some(words) = piece.0.get_mut(start..end) {
                for (word, inside) in words.iter_mut().zip(inside) {
                    *word &= !inside;
                }
            }
            keep(piece);
            if let Some(words) = part.0.get_mut(start..end) {
                for (word, inside) in words.iter_mut().zip(inside) {
                    *word &= inside;
                }
            }
        }
    }

    /// For each attribute its values in a box.
    pub(super) fn values_in(&self, whole: &Requests) -> Vec<Vec<usize>> {
        let of_attribute = |(start, end)| {
            let words = whole.0.get(start..end).unwrap_or_default();
            let is_set = |at: usize| {
                let word = words.get(at / WORD).copied().unwrap_or_default();
                word >> (at % WORD) & 1 == 1
            };
            (0..words.len() * WORD).filter(|at| is_set(*at)).collect()
        };
        self.attributes().map(of_attribute).collect()
    }

    /// For each attribute that matters in `part`, the first of its values there.
    ///
    /// An attribute does not matter if `part` stays within `whole` and outside of `others` whatever its
    /// value is.
    pub(super) fn point(
        &self,
        mut part: Requests,
        whole: &Requests,
        others: &[Requests],
    ) -> Vec<(usize, usize)> {
        let attributes: Vec<(usize, usize)> = self.attributes().collect();
        for (start, end) in attributes.iter().rev().copied() {
            let is_free =
                |requests: &Requests| requests.0.get(start..end) == self.all.0.get(start..end);
            if is_free(whole) && !is_free(&part) {
                let mut wider = part.clone();
                let all = self.all.0.iter().enumerate().skip(start).take(end - start);
                for (at, all) in all {
                    if let Some(word) = wider.0.get_mut(at) {
                        *word = *all;
                    }
                }
                if others.iter().all(|other| self.are_apart(&wider, other)) {
                    part = wider;
                }
            }
        }
        let fixed = attributes.into_iter().enumerate();
        fixed
            .filter_map(|(at, (start, end))| {
                let words = part.0.get(start..end)?;
                (self.all.0.get(start..end)? != words).then_some((at, first(words)?))
            })
            .collect()
    }
}

/// Whether a request with these values, one for each attribute, meets the rules.
pub(super) fn matches(rules: &Rules, values: &[Values], point: &[usize]) -> bool {
    let holds = |test: &Test| {
        let value = point.get(test.attribute).copied().unwrap_or_default();
        meeting(test, values, value / WORD) >> (value % WORD) & 1 == 1
    };
    rules.iter().any(|rule| {
        let mut clauses = rule.iter();
        clauses.all(|clause| clause.iter().any(|one| one.iter().all(holds)))
    })
}

/// The values that meet a test, one word of them.
fn meeting(test: &Test, values: &[Values], at: usize) -> u64 {
    let meeting = values.get(test.attribute).map(|values| &values.meeting);
    let any = test.any_of.iter().fold(0, |any, predicate| {
        let words = meeting.and_then(|meeting| meeting.get(*predicate));
        any | words
            .and_then(|words| words.get(at))
            .copied()
            .unwrap_or_default()
    });
    if test.negated { !any } else { any }
}

/// The place of the first bit that is set.
fn first(words: &[u64]) -> Option<usize> {
    let mut words = words.iter().enumerate();
    let (at, word) = words.find(|(_, word)| **word != 0)?;
    Some(at * WORD + usize::try_from(word.trailing_zeros()).ok()?)
}

// === impl Requests ===

impl Requests {
    fn is_within(&self, other: &Self) -> bool {
        let mut words = self.0.iter().zip(&other.0);
        words.all(|(own, other)| own & !other == 0)
    }
}

// === impl Budget ===

impl Budget {
    pub(super) fn new(steps: usize) -> Self {
        Self {
            left: steps,
            is_used_up: false,
        }
    }

    fn spend(&mut self, steps: usize) -> bool {
        match self.left.checked_sub(steps) {
            Some(left) => self.left = left,
            None => self.is_used_up = true,
        }
        !self.is_used_up
    }

    /// As many of `count` as are left, at least one; it is used up if that is not all.
    fn of(&mut self, count: usize) -> usize {
        let most = self.left.max(1);
        self.is_used_up |= count > most;
        count.min(most)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.is_used_up
    }
}
