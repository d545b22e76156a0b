//! Texts: each literal, one or more for each pattern, for each pair of a beginning and an end, and some
//! that are probably met by none.

use std::collections::BTreeSet;

use super::{COMBINATIONS, first};
use crate::authorization::enforcement::attribute::Value;
use crate::authorization::enforcement::predicate::{How, Pattern, Predicate};
use crate::authorization::enforcement::template::Template;

/// What stands for a `*`.
const FILLER: &str = "x";

/// Texts for an attribute that is a text; `others` are those that it may well have anyway.
pub(super) fn candidates(
    predicates: &[Predicate<'_>],
    others: &[&str],
    is_cut: &mut bool,
) -> Vec<Value> {
    let (mut patterns, mut templates) = (Vec::new(), Vec::new());
    for predicate in predicates {
        if let Predicate::Text(pattern) = predicate {
            patterns.push(pattern);
        }
        if let Predicate::Path(template) = predicate {
            templates.push(template);
        }
    }
    let mut texts = of_patterns(&patterns, is_cut);
    texts.extend(of_templates(&templates, &texts, is_cut));
    texts.extend(others.iter().map(|text| (*text).to_owned()));
    texts.into_iter().map(Value::Text).collect()
}

/// Pairs of issuer and subject.
pub(super) fn tokens(predicates: &[Predicate<'_>], is_cut: &mut bool) -> Vec<Value> {
    let (mut issuers, mut subjects) = (Vec::new(), Vec::new());
    for predicate in predicates {
        if let Predicate::Token(issuer, _) | Predicate::Issuer(issuer) = predicate {
            issuers.push(issuer);
        }
        if let Predicate::Token(_, subject) | Predicate::Subject(subject) = predicate {
            subjects.push(subject);
        }
    }
    let mut with = |patterns: &[&Pattern<'_>], other: &str| {
        let mut texts = of_patterns(patterns, is_cut);
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
    first(COMBINATIONS, pairs, is_cut)
}

/// Texts that meet the patterns, one by one and beginnings with ends.
fn of_patterns(patterns: &[&Pattern<'_>], is_cut: &mut bool) -> Vec<String> {
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
    texts.extend(first(COMBINATIONS, both, is_cut));
    texts
}

/// Paths for each template: with fillers, and with the segments that the other paths have at that depth.
fn of_templates(templates: &[&Template<'_>], paths: &[String], is_cut: &mut bool) -> Vec<String> {
    let plain = templates.iter().map(|one| one.example(|_| FILLER, FILLER));
    let plain: Vec<String> = plain.collect();
    let pairs = templates
        .iter()
        .flat_map(|template| paths.iter().chain(&plain).map(move |path| (template, path)));
    let like_others =
        first(COMBINATIONS, pairs, is_cut)
            .into_iter()
            .flat_map(|(template, path)| {
                let like = |depth: usize| {
                    let segment = path.split('/').nth(depth);
                    segment.filter(|text| !text.is_empty()).unwrap_or(FILLER)
                };
                let end = path.trim_start_matches('/');
                [
                    template.example(like, FILLER),
                    template.example(|_| FILLER, end),
                ]
            });
    let like_others: Vec<String> = like_others.collect();
    plain.into_iter().chain(like_others).collect()
}
