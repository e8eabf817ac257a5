//! The text of a user's value, escaped or raw. `Display` of the value is user code, and its panic is caught here.

use super::escape::Escaping;
use super::isolate::attempt;
use std::cell::Cell;
use std::fmt::{self, Display, Write};

/// Replaces a text whose `Display` panicked.
const PANICKED: &str = "an error whose text panicked";

/// Returns `text` in the form in which a log, a terminal or a page may show it: in one line, with escapes such as `\n`
/// and `\u{202e}` for characters that end a line, control a terminal, change the order of text or are invisible.
///
/// A panic of the value's `Display` is caught and [counted](crate::token::isolated_panics).
///
/// # Examples
///
/// ```
/// use cancelable_core::cause::escaped;
///
/// let name = "report\n#1 admin: running\u{1b}[2K";
/// assert_eq!(escaped(name).to_string(), "report\\n#1 admin: running\\u{1b}[2K");
/// ```
pub fn escaped<T: Display + ?Sized>(text: &T) -> impl Display {
    Escaped(text)
}

/// A text in one line, with escapes.
struct Escaped<'a, T: ?Sized>(&'a T);

/// The whole text is made before any of it is written, so a `Display` that panics leaves no partial text.
impl<T: Display + ?Sized> Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = text_of(self.0, f.alternate());
        Escaping(f).write_str(&text)
    }
}

/// Returns the text of a user's value, whose `Display` is user code and may panic.
///
/// A panic is not logged: the caller may be a logger that holds a lock.
fn text_of(value: &(impl Display + ?Sized), alternate: bool) -> String {
    match alternate {
        true => formatted(format_args!("{value:#}")),
        false => formatted(format_args!("{value}")),
    }
}

/// The part of [`text_of`] that is compiled once, instead of for each type of value.
fn formatted(value: fmt::Arguments<'_>) -> String {
    let Some(_nested) = Nested::enter() else {
        return TOO_DEEP.into();
    };
    let text = attempt(|| {
        let mut text = String::new();
        text.write_fmt(value).is_ok().then_some(text)
    });
    text.flatten().unwrap_or_else(|| PANICKED.into())
}

/// The limit of nested texts. Each text is made and escaped before it becomes part of the outer text, so a long chain
/// of errors would cost the square of its length, and stack space for each error.
const MAX_DEPTH: u32 = 16;

/// Replaces a text below the limit.
const TOO_DEEP: &str = "[more inside]";

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A text that this thread is making, counted in `DEPTH`.
struct Nested;

impl Nested {
    fn enter() -> Option<Self> {
        let depth = DEPTH.get();
        if depth >= MAX_DEPTH {
            return None;
        }
        DEPTH.set(depth + 1);
        Some(Self)
    }
}

/// Counts down in a drop, so that a panic does so too.
impl Drop for Nested {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Returns the raw text of a user's value, for code that stores it and does not show it.
pub(crate) fn raw_text(value: &(impl Display + ?Sized)) -> String {
    text_of(value, false)
}

#[cfg(test)]
mod tests {
    use super::escaped;
    use crate::sync::escape;

    #[test]
    fn r49_a_displayed_value_is_escaped_as_a_text_is() {
        for (text, shown) in [
            ("", ""),
            ("größer \\ ⚠\u{fe0f}", "größer \\ ⚠\u{fe0f}"),
            ("a\nb\u{202e}c\u{1b}", "a\\nb\\u{202e}c\\u{1b}"),
        ] {
            assert_eq!(escaped(text).to_string(), shown);
            assert_eq!(escape(text), shown);
        }
    }
}
