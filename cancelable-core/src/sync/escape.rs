//! Escapes for foreign text in a log, on a terminal or on a page.
//!
//! Names, messages and the texts of errors and panics may come from outside. Raw text could imitate a line of the
//! log, move the cursor of a terminal, change the order of the text beside it, or contain invisible characters. So
//! all text that is shown passes through [`escape`]; text for programs (`name()`, `message()`, `error()`) stays raw.
//!
//! A backslash is not escaped, so escaping escaped text changes nothing: a sentence may contain another sentence.
//!
//! This file calls no user code. The text of a user's value is made in `user_text.rs`.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Returns `text` with escapes; borrowed if no character needs an escape.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    // Writing to a string cannot fail.
    let _ = write_escaped(&mut shown, text);
    Cow::Owned(shown)
}

/// A writer that escapes text and passes it to a formatter.
pub(crate) struct Escaping<'a, 'b>(pub(crate) &'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_escaped(self.0, text)
    }
}

fn write_escaped(to: &mut impl Write, text: &str) -> fmt::Result {
    let mut rest = text;
    // Ends: each round removes a character. Plain text is scanned once and written whole.
    while let Some((at, found)) = rest.char_indices().find(|(_, found)| is_escaped(*found)) {
        let (before, after) = rest.split_at(at);
        to.write_str(before)?;
        write!(to, "{}", found.escape_default())?;
        rest = after.strip_prefix(found).unwrap_or_default();
    }
    to.write_str(rest)
}

/// Returns whether a character is shown as an escape: a control character, a line separator, or a
/// `Default_Ignorable_Code_Point` of Unicode, which includes the bidi controls, the zero-width characters
/// and the tags. U+FE0E and U+FE0F stay: they select how the character before them looks, as in many
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
    use super::{escape, is_escaped};

    #[test]
    fn r49_control_and_invisible_characters_are_escaped_and_visible_ones_are_not() {
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
        }
    }
}
