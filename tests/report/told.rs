//! What each form looks like.

use meshmode::report::Colour;

use crate::given::{NAMES, of};

#[test]
fn text() {
    for name in NAMES {
        let text = of(name, |report| report.text(Colour::None));
        insta::assert_snapshot!(format!("text_{name}"), text);
    }
}

#[test]
fn csv() {
    for name in NAMES {
        insta::assert_snapshot!(format!("csv_{name}"), of(name, |report| report.csv()));
    }
}

#[test]
fn markdown() {
    for name in NAMES {
        insta::assert_snapshot!(
            format!("markdown_{name}"),
            of(name, |report| report.markdown())
        );
    }
}

/// The style and the report within the page are left out: they are no text of the page.
#[test]
fn html() {
    for name in NAMES {
        let page = of(name, |report| report.html().unwrap());
        let (_, body) = page.split_once("<body>").unwrap();
        let (body, _) = body.split_once("<script").unwrap();
        insta::assert_snapshot!(format!("html_{name}"), body);
    }
}
