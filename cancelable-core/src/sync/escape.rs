//! Foreign text as a log, a terminal or a page may show it: the one rule for all of them.
//!
//! Names, messages and the texts of errors and panics may come from outside. Shown as they are, they
//! could look like a line of their own, move the cursor of a terminal, turn the order of what stands
//! beside them, or carry what nobody sees. So whatever is shown passes through here; what a program
//! reads (`name()`, `message()`, `error()`) is the raw text.
//!
//! A backslash is not escaped, so what was escaped already stays as it is: a sentence may be part of
//! another one.

use super::isolate::attempt;
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Display, Write};

/// Stands where a user's `Display` panicked.
const WORDLESS: &str = "an error whose text panicked";

/// Returns `text` as a log, a terminal or a page may show it: in one line, with escapes such as `\n`
/// and `\u{202e}` for what ends a line, steers a terminal, changes the order of text or is not seen.
///
/// A panic of its `Display` is [counted](crate::token::isolated_panics) and ends here.
///
/// # Examples
///
/// ```
/// use cancelable_core::cause::escaped;
///
/// let name = "report\n#1 admin: running\u{1b}[2K";
/// assert_eq!(escaped(name).to_string(), "report\\n#1 admin: running\\u{1b}[2K");
/// ```
pub fn escaped<T: Display + ?Sized>(text: &T) -> Escaped<'_, T> {
    Escaped(text)
}

/// Text in one line, with escapes, from [`escaped`].
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a, T: ?Sized>(&'a T);

/// The text is made before anything of it is written, so that the panic of a `Display` leaves no half
/// of it.
impl<T: Display + ?Sized> Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = text_of(self.0, f.alternate());
        Escaping(f).write_str(&text)
    }
}

/// The text of a user's value, which is the user's code and may panic.
///
/// Not logged: it may be a logger that asks for the text, with a lock of its own held.
fn text_of(value: &(impl Display + ?Sized), alternate: bool) -> String {
    match alternate {
        true => written(format_args!("{value:#}")),
        false => written(format_args!("{value}")),
    }
}

/// Apart from `text_of`, which is compiled for each type of a value.
fn written(value: fmt::Arguments<'_>) -> String {
    let Some(_deeper) = Deeper::enter() else {
        return DEEPER.into();
    };
    let text = attempt(|| {
        let mut text = String::new();
        text.write_fmt(value).is_ok().then_some(text)
    });
    text.flatten().unwrap_or_else(|| WORDLESS.into())
}

/// How many errors may stand inside one another in a text. Each is made whole and escaped before it becomes a
/// part of the one around it, so a longer line of them would cost the square of its length, and each takes
/// room on the stack.
const MOST_INSIDE: u32 = 16;

/// Stands for what is further inside.
const DEEPER: &str = "[more inside]";

thread_local! {
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// While it lives, one more text is being made on this thread.
struct Deeper;

impl Deeper {
    fn enter() -> Option<Self> {
        let inside = INSIDE.get();
        if inside >= MOST_INSIDE {
            return None;
        }
        INSIDE.set(inside + 1);
        Some(Self)
    }
}

/// In a drop, so that a panic counts down too.
impl Drop for Deeper {
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
    }
}

/// The raw text of a user's value, for what keeps it and does not show it.
pub(crate) fn words_of(value: &(impl Display + ?Sized)) -> String {
    text_of(value, false)
}

/// A text that lies in memory, as it may be shown. Not copied where nothing of it is escaped.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    // Writing to a string cannot fail.
    let _ = write_escaped(&mut shown, text);
    Cow::Owned(shown)
}

/// Passes text on to a formatter, with escapes.
pub(crate) struct Escaping<'a, 'b>(pub(crate) &'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_escaped(self.0, text)
    }
}

fn write_escaped(to: &mut impl Write, text: &str) -> fmt::Result {
    let mut rest = text;
    // Ends: each turn takes a character off. Plain text is looked through once and written whole.
    while let Some((at, found)) = rest.char_indices().find(|(_, found)| is_escaped(*found)) {
        let (before, after) = rest.split_at(at);
        to.write_str(before)?;
        write!(to, "{}", found.escape_default())?;
        rest = after.strip_prefix(found).unwrap_or_default();
    }
    to.write_str(rest)
}

/// Whether a character is shown by its escape: the controls, the separators of lines, and what Unicode
/// lists as `Default_Ignorable_Code_Point`, which includes the bidi controls, the zero-width characters
/// and the tags. U+FE0E and U+FE0F stay: they choose how the character before them looks, as in many an
/// emoji.
fn is_escaped(character: char) -> bool {
    // Most text is plain.
    if matches!(character, ' '..='~') {
        return false;
    }
    character.is_control()
        || matches!(
            character,
            // Separators of lines and paragraphs.
            '\u{2028}' | '\u{2029}'
            // Soft hyphen, and joiners and fillers without width.
            | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}'
            // The order of text.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            // The word joiner, the invisible operators, the isolates and the old format controls.
            | '\u{2060}'..='\u{206f}'
            // Selectors of variants, and annotations between lines.
            | '\u{fe00}'..='\u{fe0d}' | '\u{fff0}'..='\u{fffb}'
            // Controls of shorthand and of music.
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            // Tags and more selectors.
            | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::{escape, escaped, is_escaped};

    #[test]
    fn r49_what_steers_or_hides_is_escaped_and_what_is_seen_is_not() {
        let hidden = [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0100}',
        ];
        for character in hidden {
            assert!(is_escaped(character), "{character:?}");
            let text = format!("a{character}b");
            let shown = escape(&text);
            assert_eq!(shown, format!("a{}b", character.escape_default()));
            assert_eq!(escaped(&text).to_string(), shown);
            assert_eq!(escape(&shown), shown, "an escape is not escaped again");
        }
        for text in [
            "",
            "plain text \\ \"~\"",
            "größer",
            "日本",
            "ü ⚠\u{fe0f} 🚀",
            "a\u{a0}b",
        ] {
            assert!(
                matches!(escape(text), std::borrow::Cow::Borrowed(_)),
                "{text}"
            );
            assert_eq!(escaped(text).to_string(), text);
        }
    }
}
