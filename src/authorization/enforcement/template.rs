//! Paths with `{*}`, one segment, and `{**}`, any number of them: Envoy's URI templates.

/// A path with wildcards.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Template<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Part<'a> {
    Literal(&'a str),
    /// `{*}`: at least one character, none of them a slash.
    Segment,
    /// `{**}`: any characters, slashes too, or none.
    Rest,
}

const SEGMENT: &str = "{*}";
const REST: &str = "{**}";

// === impl Template ===

impl<'a> Template<'a> {
    /// None where the path has no wildcard of this kind.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut left = path;
        while let Some((before, part, after)) = next_wildcard(left) {
            if !before.is_empty() {
                parts.push(Part::Literal(before));
            }
            parts.push(part);
            left = after;
        }
        if parts.is_empty() {
            return None;
        }
        if !left.is_empty() {
            parts.push(Part::Literal(left));
        }
        Some(Self { parts })
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        matches(&self.parts, path)
    }

    /// A path that it matches: `segment` is asked what stands for a `{*}`, by the number of slashes
    /// before it; `rest` stands for a `{**}`.
    pub(super) fn example<'s>(&self, segment: impl Fn(usize) -> &'s str, rest: &str) -> String {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => path.push_str(text),
                Part::Segment => {
                    let depth = path.matches('/').count();
                    path.push_str(segment(depth));
                }
                Part::Rest => path.push_str(rest),
            }
        }
        path
    }
}

fn next_wildcard(path: &str) -> Option<(&str, Part<'_>, &str)> {
    let (at, _) = path.match_indices('{').find(|(at, _)| {
        let from = path.get(*at..).unwrap_or_default();
        from.starts_with(SEGMENT) || from.starts_with(REST)
    })?;
    let (before, from) = path.split_at_checked(at)?;
    from.strip_prefix(SEGMENT)
        .map(|after| (before, Part::Segment, after))
        .or_else(|| Some((before, Part::Rest, from.strip_prefix(REST)?)))
}

fn matches(parts: &[Part<'_>], path: &str) -> bool {
    let Some((first, others)) = parts.split_first() else {
        return path.is_empty();
    };
    let ends = |from: usize, to: usize| {
        let mut ends = (from..=to).filter_map(|at| path.get(at..));
        ends.any(|rest| matches(others, rest))
    };
    match first {
        Part::Literal(text) => path
            .strip_prefix(text)
            .is_some_and(|rest| matches(others, rest)),
        Part::Segment => ends(1, path.find('/').unwrap_or(path.len())),
        Part::Rest => ends(0, path.len()),
    }
}
