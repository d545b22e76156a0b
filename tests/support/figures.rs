//! The figures of a page in HTML: each has its place in the JSON report, and what stands there.

use regex::Regex;
use serde_json::Value;

/// A figure of a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    /// Such as `monthly.now`.
    pub(crate) field: String,
    /// What the page says stands there.
    pub(crate) value: Value,
    /// How people read it.
    pub(crate) text: String,
}

/// All figures of a page, in its order.
pub(crate) fn figures(page: &str) -> Vec<Shown> {
    let figure = Regex::new(r#"data-field="([^"]*)" data-value="([^"]*)">([^<]*)<"#).unwrap();
    let all = figure.captures_iter(page).map(|found| Shown {
        field: found[1].to_owned(),
        value: serde_json::from_str(&found[2]).unwrap(),
        text: found[3].to_owned(),
    });
    let all: Vec<Shown> = all.collect();
    assert_eq!(
        all.len(),
        page.matches(" data-field=").count(),
        "a figure is written otherwise"
    );
    all
}

/// The report within a page.
pub(crate) fn embedded(page: &str) -> Value {
    let begin = "<script type=\"application/json\" id=\"report\">";
    let (_, rest) = page.split_once(begin).unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

/// The figures that are not what stands in the JSON report.
pub(crate) fn wrong<'a>(shown: &'a [Shown], json: &Value) -> Vec<&'a Shown> {
    let stands = |shown: &&Shown| {
        let place = format!("/{}", shown.field.replace('.', "/"));
        let stands = json.pointer(&place);
        // `3` of a count and `3.0` are the same number.
        stands.is_some_and(|stands| {
            stands == &shown.value
                || (stands.is_number() && stands.as_f64() == shown.value.as_f64())
        })
    };
    shown.iter().filter(|one| !stands(one)).collect()
}
