//! Names are somebody else's: none talks to a terminal, and none leaves its place in a table, a page or a sheet.

use meshmode::report::Colour;

use crate::given::of;

#[test]
fn no_form_talks_to_the_terminal() {
    let forms = of("hostile", |report| {
        [
            ("text", report.text(Colour::None)),
            ("json", report.json().unwrap()),
            ("yaml", report.yaml().unwrap()),
            ("csv", report.csv()),
        ]
    });
    for (form, text) in forms {
        let odd =
            |c: char| (c.is_control() && !"\r\n".contains(c)) || "\u{202e}\u{2028}".contains(c);
        assert_eq!(text.chars().find(|c| odd(*c)), None, "{form}");
    }
}
