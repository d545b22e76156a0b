//! Texts: each literal, one or more for each pattern, for each pair of a beginning and an end, and some
//! that are probably met by none.

use std::collections::BTreeSet;

use crate::authorization::enforcement::attribute::Value;
use crate::authorization::enforcement::predicate::{How, Pattern, Predicate};
use crate::authorization::enforcement::template::Template;

/// What stands for a `*`.
const FILLER: &str = "x";
/// How many pairs of a beginning and an end are tried.
const PAIRS: usize = 1 << 12;

/// Texts for an attribute that is a text; `others` are those that it may well have anyway.
pub(super) fn candidates(predicates: &[Predicate<'_>], others: &[&str]) -> Vec<Value> {
    let (mut patterns, mut templates) = (Vec::new(), Vec::new());
    for predicate in predicates {
        if let Predicate::Text(pattern) = predicate {
            patterns.push(pattern);
        }
        if let Predicate::Path(template) = predicate {
            templates.push(template);
        }
    }
    let mut texts = of_patterns(&patterns);
    texts.extend(of_templates(&templates, &texts));
    texts.extend(others.iter().map(|text| (*text).to_owned()));
    texts.into_iter().map(Value::Text).collect()
}

/// Pairs of issuer and subject.
pub(super) fn tokens(predicates: &[Predicate<'_>]) -> Vec<Value> {
    let (mut issuers, mut subjects) = (Vec::new(), Vec::new());
    for predicate in predicates {
        if let Predicate::Token(issuer, _) | Predicate::Issuer(issuer) = predicate {
            issuers.push(issuer);
        }
        if let Predicate::Token(_, subject) | Predicate::Subject(subject) = predicate {
            subjects.push(subject);
        }
    }
    let with = |patterns: &[&Pattern<'_>], other: &str| {
        let mut texts = of_patterns(patterns);
        texts.push(other.to_owned());
        let mut seen = BTreeSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        texts
    };
    let issuers = with(&issuers, "https://issuer.example");
    let subjects = with(&subjects, "someone");
    let pairs = issuers.iter().flat_map(|issuer| {
        subjects.iter().map(|subject| Value::Token {
            issuer: issuer.clone(),
            subject: subject.clone(),
        })
    });
    pairs.take(PAIRS).collect()
}

/// Texts that meet the patterns, one by one and beginnings with ends.
pub(super) fn of_patterns(patterns: &[&Pattern<'_>]) -> Vec<String> {
    let mut texts = Vec::new();
    for pattern in patterns {
        let text = &*pattern.text;
        match pattern.how {
            How::Present => texts.push(FILLER.to_owned()),
            How::Exact => texts.push(text.to_owned()),
            How::Prefix => texts.extend([text.to_owned(), format!("{text}{FILLER}")]),
            How::Suffix => {
                let start = if text.starts_with('/') { "/x" } else { FILLER };
                texts.extend([
                    format!("{start}{text}"),
                    format!("/{FILLER}{text}"),
                    text.to_owned(),
                ]);
            }
        }
    }
    let of = |how: How| patterns.iter().filter(move |pattern| pattern.how == how);
    let pairs = of(How::Prefix).flat_map(|begin| of(How::Suffix).map(move |end| (begin, end)));
    let both = pairs.map(|(begin, end)| format!("{}{FILLER}{}", begin.text, end.text));
    texts.extend(both.take(PAIRS));
    texts
}

/// Paths for each template: with fillers, and with the segments that the other paths have at that depth.
fn of_templates(templates: &[&Template<'_>], paths: &[String]) -> Vec<String> {
    let plain: Vec<String> = templates
        .iter()
        .map(|template| template.example(|_| FILLER, FILLER))
        .collect();
    let others: Vec<&String> = paths.iter().chain(&plain).collect();
    let mut texts = plain.clone();
    for template in templates {
        for other in &others {
            let like = |depth: usize| {
                let segment = other.split('/').nth(depth);
                segment.filter(|text| !text.is_empty()).unwrap_or(FILLER)
            };
            texts.push(template.example(like, FILLER));
            let end = other.trim_start_matches('/');
            texts.push(template.example(|_| FILLER, end));
        }
    }
    texts
}
