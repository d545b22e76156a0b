//! Names are somebody else's: none talks to a terminal, and no line of it is too long.

use meshmode::report::Colour;
use unicode_width::UnicodeWidthStr;

use crate::given::{NAMES, of};

#[test]
fn no_form_talks_to_the_terminal() {
    let forms = of("hostile", |report| {
        [
            ("text", report.text(Colour::None)),
            ("json", report.json().unwrap()),
            ("yaml", report.yaml().unwrap()),
            ("csv", report.csv()),
            ("markdown", report.markdown()),
            ("html", report.html().unwrap()),
        ]
    });
    for (form, text) in forms {
        let odd =
            |c: char| (c.is_control() && !"\r\n".contains(c)) || "\u{202e}\u{2028}".contains(c);
        assert_eq!(text.chars().find(|c| odd(*c)), None, "{form}");
    }
}

#[test]
fn the_text_has_80_columns() {
    for name in NAMES {
        let text = of(name, |report| report.text(Colour::None));
        for line in text.lines() {
            assert!(line.width() <= 80, "{name}: {line}");
        }
    }
}

#[test]
fn colours_are_all_that_a_terminal_is_told() {
    for name in NAMES {
        let [plain, coloured] = of(name, |report| {
            [Colour::None, Colour::Ansi].map(|colour| report.text(colour))
        });
        let mut bare = coloured.clone();
        for code in ["0", "1", "2", "31", "32", "33"] {
            bare = bare.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_ne!(plain, coloured, "{name}");
        let trimmed = |text: &str| {
            text.lines()
                .map(str::trim_end)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(trimmed(&bare), trimmed(&plain), "{name}");
    }
}
