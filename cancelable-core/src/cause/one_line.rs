//! Text that stays in its line: a name or a message may come from outside, and must not look like a
//! line of the log, of a tree or of a dump.

use std::fmt::{self, Display, Write};

/// A name as it stands in a sentence. One that is empty shows as two quotation marks.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("\"\""),
            text => Escaping(f).write_str(text),
        }
    }
}

/// A thing of some kind by its name, such as `finalizer flush`. One that has no name of its own is
/// called by its kind, and that is said once.
pub(crate) struct Named<'a>(pub(crate) &'a str, pub(crate) &'a str);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, name) = *self;
        match name == kind {
            true => f.write_str(kind),
            false => write!(f, "{kind} {}", OneLine(name)),
        }
    }
}

/// Writes what `tell` does as one line.
pub(crate) fn one_line(
    f: &mut fmt::Formatter<'_>,
    tell: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    struct Told<T>(T);

    impl<T: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> Display for Told<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }

    write!(Escaping(f), "{}", Told(tell))
}

/// Passes text on, with escapes for what would end its line or be obeyed by a terminal.
struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        // Ends: each turn takes a character off. Plain text is looked through once and written whole.
        while let Some((at, found)) = rest.char_indices().find(|(_, found)| is_escaped(*found)) {
            let (before, after) = rest.split_at(at);
            self.0.write_str(before)?;
            write!(self.0, "{}", found.escape_default())?;
            rest = after.strip_prefix(found).unwrap_or_default();
        }
        self.0.write_str(rest)
    }
}

fn is_escaped(character: char) -> bool {
    // The last two are the separators of lines and paragraphs.
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}
