//! Regular expressions that mean the same to the `regex` crate and to RE2, which Kubernetes uses.

/// The first construct of `pattern` that may mean something else to RE2, or that it lacks. What is left is
/// literals, escaped punctuation, `.`, `^`, `$`, groups, alternatives, repetitions and plain classes.
pub(super) fn differing(pattern: &str) -> Option<String> {
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        match (c, next) {
            // `\d`, `\w`, `\s` and `\b` are Unicode's in the crate and ASCII in RE2.
            ('\\', Some(escaped)) if escaped.is_ascii_alphanumeric() => {
                return Some(format!("\\{escaped}"));
            }
            ('\\', _) => {
                rest.next();
            }
            ('(', Some('?')) if !in_class => {
                rest.next();
                if rest.peek() != Some(&':') {
                    return Some("(?".to_owned());
                }
            }
            // `[[:alpha:]]`, nested classes and `&&`, `--`, `~~` in classes.
            ('[', _) if in_class => return Some("[ in a class".to_owned()),
            ('&' | '-' | '~', Some(same)) if in_class && same == c => {
                return Some(format!("{c}{c} in a class"));
            }
            ('[', _) => {
                in_class = true;
                if rest.peek() == Some(&'^') {
                    rest.next();
                }
                // A bracket that comes first stands for itself.
                if rest.peek() == Some(&']') {
                    return Some("] first in a class".to_owned());
                }
            }
            (']', _) => in_class = false,
            // RE2 repeats a thousand times at most.
            ('{', Some(digit)) if !in_class && digit.is_ascii_digit() => {
                let count: String = rest.clone().take_while(|c| *c != '}').collect();
                if count.split(',').any(|count| count.len() > 3) {
                    return Some(format!("{{{count}}}"));
                }
            }
            (_, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::differing;

    #[test]
    fn what_both_read_alike_and_what_not() {
        for (pattern, expected) in [
            ("^(high-scale|[+-]?[0-9]+)$", None),
            ("^(high-scale|[+]?0*(1[1-9]|[1-9][0-9]{2,}))$", None),
            (r"^a\.b$", None),
            ("(?:a|b){1,100}", None),
            (r"\d+", Some(r"\d")),
            (r"[\w-]", Some(r"\w")),
            ("(?i)a", Some("(?")),
            ("(?P<name>a)", Some("(?")),
            ("[[:alpha:]]", Some("[ in a class")),
            ("[a-z&&[^b]]", Some("&& in a class")),
            ("[]a]", Some("] first in a class")),
            ("a{1,1001}", Some("{1,1001}")),
        ] {
            assert_eq!(differing(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
