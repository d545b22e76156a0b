//! Text for a terminal: lines that are wrapped, indented, and coloured where there is a colour to show.

use anstream::{AutoStream, ColorChoice};

/// Whether words may be coloured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::commands) enum Colour {
    /// Plain text.
    None,
    /// Escape sequences.
    Ansi,
}

/// How a word looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::commands) enum Look {
    /// As what is around it.
    Plain,
    /// It stands out.
    Strong,
    /// All is well.
    Good,
    /// To be looked at.
    Odd,
    /// Not well.
    Bad,
}

/// A text that grows line by line.
#[derive(Debug)]
pub(in crate::commands) struct Page {
    text: String,
    colour: Colour,
}

/// Columns: wide enough for a sentence, narrow enough for half a screen.
const WIDTH: usize = 110;

// === impl Colour ===

impl Colour {
    /// On a terminal only, and as `NO_COLOR` and `CLICOLOR` say.
    pub(in crate::commands) fn of_output() -> Self {
        match AutoStream::choice(&std::io::stdout()) {
            ColorChoice::Always | ColorChoice::AlwaysAnsi => Self::Ansi,
            ColorChoice::Auto | ColorChoice::Never => Self::None,
        }
    }
}

// === impl Page ===

impl Page {
    pub(in crate::commands) const fn new(colour: Colour) -> Self {
        Self {
            text: String::new(),
            colour,
        }
    }

    /// An empty line.
    pub(in crate::commands) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// `label`, and from the column `column` on the text, wrapped. A line without a label goes on with the
    /// one before.
    pub(in crate::commands) fn line(
        &mut self,
        indent: usize,
        label: (&str, Look),
        column: usize,
        text: &str,
    ) {
        let (label, look) = label;
        let head = format!("{:indent$}{}", "", self.painted(label, look));
        let used = indent + width(label);
        self.text.push_str(&head);
        let mut lines = wrapped(text, WIDTH.saturating_sub(column)).into_iter();
        if let Some(first) = lines.next() {
            let least = usize::from(!label.is_empty());
            let space = column.saturating_sub(used).max(least);
            self.text.push_str(&format!("{:space$}{first}", ""));
        }
        for line in lines {
            self.text.push_str(&format!("\n{:column$}{line}", ""));
        }
        self.gap();
    }

    /// `head`, at `column` a word, and at the column `text` a text, wrapped.
    pub(in crate::commands) fn pair(
        &mut self,
        indent: usize,
        head: &str,
        column: usize,
        word: (&str, Look),
        text_column: usize,
        text: &str,
    ) {
        let space = column.saturating_sub(indent + width(head));
        self.text
            .push_str(&format!("{:indent$}{}{:space$}", "", printable(head), ""));
        // The line has got as far as `column` already.
        let used = self.text.len();
        self.line(column, word, text_column, text);
        self.text.replace_range(used..used + column, "");
    }

    /// Lines as they are: YAML is to be copied. What is long and no YAML is wrapped.
    pub(in crate::commands) fn block(&mut self, column: usize, text: &str) {
        for line in text.lines() {
            if line.starts_with(' ') {
                self.text
                    .push_str(&format!("{:column$}{}\n", "", printable(line)));
            } else {
                self.line(column, ("", Look::Plain), column, line);
            }
        }
    }

    /// What was written.
    pub(in crate::commands) fn done(self) -> String {
        // Whoever has an empty label has an indent before it.
        let lines = self.text.lines().map(str::trim_end);
        lines.map(|line| format!("{line}\n")).collect()
    }

    fn painted(&self, text: &str, look: Look) -> String {
        let text = printable(text);
        let code = match (self.colour, look) {
            (Colour::None, _) | (Colour::Ansi, Look::Plain) => return text,
            (Colour::Ansi, Look::Strong) => "1",
            (Colour::Ansi, Look::Good) => "32",
            (Colour::Ansi, Look::Odd) => "33",
            (Colour::Ansi, Look::Bad) => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Names and values are somebody else's: none of them breaks a line or talks to the terminal.
pub(in crate::commands) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

pub(in crate::commands) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Lines of whole words; a word that is longer has one of its own.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace().map(printable) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(&word) <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            Some(_) | None => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_lines_short() {
        assert_eq!(wrapped("", 10), [] as [&str; 0]);
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a-very-long-word b", 5), ["a-very-long-word", "b"]);
    }

    #[test]
    fn nobody_else_talks_to_the_terminal() {
        let mut page = Page::new(Colour::None);
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
            let mut page = Page::new(colour);
            page.line(0, ("a", Look::Bad), 2, "b");
            assert_eq!(page.done(), expected);
        }
    }
}
