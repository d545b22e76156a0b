//! Text for a terminal: lines that are wrapped, indented, and coloured where there is a colour to show.

use unicode_width::UnicodeWidthStr;

/// Whether words may be coloured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colour {
    /// Plain text.
    None,
    /// Escape sequences.
    Ansi,
}

/// How a word looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Look {
    /// As what is around it.
    Plain,
    /// It stands back.
    Dim,
    /// It stands out.
    Strong,
    /// All is well.
    Good,
    /// To be looked at.
    Odd,
    /// Not well.
    Bad,
}

/// How long lines may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Paper {
    /// Wide enough for a sentence, narrow enough for half a screen; a word that is longer stays whole.
    Wide,
    /// A terminal of 80 columns, whatever is written.
    Narrow,
}

/// A text that grows line by line.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    colour: Colour,
    paper: Paper,
}

// === impl Page ===

impl Page {
    pub(crate) const fn new(colour: Colour, paper: Paper) -> Self {
        Self {
            text: String::new(),
            colour,
            paper,
        }
    }

    /// An empty line.
    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// `label`, and from the column `column` on the text, wrapped. A line without a label goes on with the
    /// one before.
    pub(crate) fn line(&mut self, indent: usize, label: (&str, Look), column: usize, text: &str) {
        let (label, look) = label;
        let head = format!("{:indent$}{}", "", self.painted(label, look));
        let used = indent + width(label);
        self.text.push_str(&head);
        let mut lines = self.wrapped(text, column).into_iter();
        if self.paper == Paper::Narrow && used >= column && !text.is_empty() {
            // The text has the next line to itself.
            self.text.push_str(&format!("\n{:column$}", ""));
            self.text.push_str(&lines.next().unwrap_or_default());
        } else if let Some(first) = lines.next() {
            let least = usize::from(!label.is_empty());
            let space = column.saturating_sub(used).max(least);
            self.text.push_str(&format!("{:space$}{first}", ""));
        }
        for line in lines {
            self.text.push_str(&format!("\n{:column$}{line}", ""));
        }
        self.gap();
    }

    /// A text of its own, wrapped; what follows its first line begins at the column `hang`.
    pub(crate) fn paragraph(&mut self, indent: usize, hang: usize, look: Look, text: &str) {
        let column = hang.max(indent);
        for (index, line) in self.wrapped(text, column).iter().enumerate() {
            let at = if index == 0 { indent } else { column };
            let line = self.painted(line, look);
            self.text.push_str(&format!("{:at$}{line}\n", ""));
        }
    }

    /// `head`, at `column` a word, and at the column `text` a text, wrapped.
    pub(crate) fn pair(
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
    pub(crate) fn block(&mut self, column: usize, text: &str) {
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
    pub(crate) fn done(self) -> String {
        // Whoever has an empty label has an indent before it.
        let lines = self.text.lines().map(str::trim_end);
        lines.map(|line| format!("{line}\n")).collect()
    }

    fn wrapped(&self, text: &str, column: usize) -> Vec<String> {
        let room = self.paper.width().saturating_sub(column);
        match self.paper {
            Paper::Wide => wrapped(text, room),
            Paper::Narrow => wrapped(&broken(text, room), room),
        }
    }

    fn painted(&self, text: &str, look: Look) -> String {
        let text = printable(text);
        let code = match (self.colour, look) {
            (Colour::None, _) | (Colour::Ansi, Look::Plain) => return text,
            (Colour::Ansi, Look::Dim) => "2",
            (Colour::Ansi, Look::Strong) => "1",
            (Colour::Ansi, Look::Good) => "32",
            (Colour::Ansi, Look::Odd) => "33",
            (Colour::Ansi, Look::Bad) => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

// === impl Paper ===

impl Paper {
    const fn width(self) -> usize {
        match self {
            Self::Wide => 110,
            Self::Narrow => 80,
        }
    }
}

/// Names and values are somebody else's: none of them breaks a line, talks to the terminal, or turns what is around it.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if is_unprintable(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Control characters, and those that nobody sees: breaks of lines, and what changes the direction of writing.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// How many columns a text takes: two for a wide character, as those of Chinese are.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
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

/// The text with words that are longer than `room` broken.
fn broken(text: &str, room: usize) -> String {
    let mut broken = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while width(rest) > room {
            let (part, after) = rest.split_at(fitting(rest, room));
            broken.push(part);
            rest = after;
        }
        broken.push(rest);
    }
    broken.join(" ")
}

/// How many bytes of `text` fit into `room` columns: a character at least.
fn fitting(text: &str, room: usize) -> usize {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let mut fits = ends.clone().take_while(|end| width(&text[..*end]) <= room);
    let least = ends.clone().next().unwrap_or_default();
    fits.by_ref().last().unwrap_or(least)
}

/// The text cut to `room` columns, with a sign where it was.
pub(crate) fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let end = fitting(text, room.saturating_sub(1));
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests;
