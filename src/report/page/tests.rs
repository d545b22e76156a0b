//! What a page looks like, whatever is written on it.

use super::*;

#[test]
fn words_stay_whole_and_lines_short() {
    assert_eq!(wrapped("", 10), [] as [&str; 0]);
    assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
    assert_eq!(wrapped("a-very-long-word b", 5), ["a-very-long-word", "b"]);
}

#[test]
fn narrow_paper_has_80_columns_whatever_is_written() {
    let long = "x".repeat(200);
    let mut page = Page::new(Colour::None, Paper::Narrow);
    page.line(
        4,
        (&"y".repeat(40), Look::Plain),
        28,
        &format!("a {long} b"),
    );
    page.line(4, ("z", Look::Plain), 28, &format!("{long} b"));
    page.paragraph(6, 8, Look::Dim, &format!("path = {long}"));
    let page = page.done();
    assert!(page.lines().all(|line| width(line) <= 80), "{page}");
    let letters = page.chars().filter(|letter| *letter == 'x').count();
    assert_eq!(letters, 600, "nothing is lost");
}

#[test]
fn a_wide_character_takes_two_columns() {
    assert_eq!(width("名前-a"), 6);
    assert_eq!(cut("名前-a", 6), "名前-a");
    assert_eq!(cut("名前-a", 5), "名前…");
    assert_eq!(cut("名前-a", 4), "名…");
    let mut page = Page::new(Colour::None, Paper::Narrow);
    page.paragraph(0, 0, Look::Plain, &"名".repeat(100));
    let page = page.done();
    assert!(page.lines().all(|line| width(line) <= 80), "{page}");
    assert_eq!(page.matches('名').count(), 100, "nothing is lost");
}

#[test]
fn nobody_else_turns_the_line() {
    for (name, odd) in [
        ("override", '\u{202e}'),
        ("isolate", '\u{2066}'),
        ("mark", '\u{200f}'),
        ("line separator", '\u{2028}'),
        ("zero width", '\u{200b}'),
        ("byte order mark", '\u{feff}'),
        ("delete", '\u{7f}'),
        ("C1", '\u{9b}'),
    ] {
        assert_eq!(printable(&format!("a{odd}b")), "a\u{fffd}b", "{name}");
    }
    assert_eq!(printable("名前 é -"), "名前 é -");
}

#[test]
fn nobody_else_talks_to_the_terminal() {
    let mut page = Page::new(Colour::None, Paper::Wide);
    page.line(0, ("a\x1b[31m", Look::Bad), 4, "b\x07\nc");
    page.block(2, "  d\x1b[2J");
    assert!(!page.done().contains(['\x1b', '\x07']));
}

#[test]
fn a_colour_is_shown_only_where_there_is_one() {
    for (colour, expected) in [
        (Colour::None, "a b\n"),
        (Colour::Ansi, "\x1b[31ma\x1b[0m b\n"),
    ] {
        let mut page = Page::new(colour, Paper::Wide);
        page.line(0, ("a", Look::Bad), 2, "b");
        assert_eq!(page.done(), expected);
    }
}
