//! The draw target for bars on standard error.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

/// The maximum number of draws in a second.
const RATE: u8 = 20;

/// Returns a draw target for bars on standard error. Nothing is drawn if standard error is not a terminal.
///
/// Between two draws the cursor is in the row below the bars. `indicatif`'s own target leaves the cursor at the end of
/// the last bar. A `^C` that the terminal echoes there wraps into the next row, so that all later draws are a row too
/// low, and the last bar is never removed.
///
/// [`Bars::new`](crate::Bars::new) uses this target. Use the target for your own bars too, and for a
/// [`MultiProgress`](indicatif::MultiProgress) that is passed to [`Bars::on`](crate::Bars::on).
///
/// # Examples
///
/// ```
/// use indicatif::{MultiProgress, ProgressBar};
///
/// let screen = MultiProgress::with_draw_target(cancelable_indicatif::draw_target());
/// let bar = screen.add(ProgressBar::new(10));
/// bar.inc(1);
/// ```
#[must_use]
pub fn draw_target() -> ProgressDrawTarget {
    let term = Term::buffered_stderr();
    match term.is_term() {
        true => ProgressDrawTarget::term_like_with_hz(Box::new(BelowBars::new(term)), RATE),
        false => ProgressDrawTarget::hidden(),
    }
}

/// Returns the width of the terminal on standard error, or a usual width if there is no terminal.
pub(crate) fn columns() -> usize {
    Term::stderr().size().1.into()
}

/// A terminal that moves the cursor into the row below the bars after each draw, and back before the next.
#[derive(Debug)]
pub(crate) struct BelowBars<T> {
    to: T,
    /// True if text was written since the last flush.
    is_written: AtomicBool,
    /// True if the cursor is in the row below the bars.
    is_below: AtomicBool,
}

impl<T: TermLike> BelowBars<T> {
    pub(crate) fn new(to: T) -> Self {
        Self {
            to,
            is_written: AtomicBool::new(false),
            is_below: AtomicBool::new(false),
        }
    }

    /// Moves the cursor back to the last drawn row, and removes echoed text.
    ///
    /// Relaxed here and below: one thread at a time draws on a target, under its owner's lock.
    fn return_to_bars(&self) -> io::Result<()> {
        if self.is_below.swap(false, Relaxed) {
            self.to.clear_line()?;
            self.to.move_cursor_up(1)?;
        }
        Ok(())
    }

    /// Records that text was written at the cursor, in its own row.
    fn note_text(&self) {
        self.is_written.store(true, Relaxed);
        self.is_below.store(false, Relaxed);
    }
}

impl<T: TermLike> TermLike for BelowBars<T> {
    fn width(&self) -> u16 {
        self.to.width()
    }

    /// Returns the height without the row for the cursor.
    fn height(&self) -> u16 {
        self.to.height().saturating_sub(1)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        match n {
            // A draw with no bars before it.
            0 => Ok(()),
            _ => {
                self.return_to_bars()?;
                self.to.move_cursor_up(n)
            }
        }
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.to.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.to.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.to.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.note_text();
        // The row is complete, and the cursor is below it.
        self.is_written.store(false, Relaxed);
        self.to.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.note_text();
        self.to.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.return_to_bars()?;
        self.to.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        if self.is_written.swap(false, Relaxed) {
            // The rows are full and the cursor is in the last column; this moves it below.
            self.to.write_str("\r\n")?;
            self.is_below.store(true, Relaxed);
        }
        self.to.flush()
    }
}

#[cfg(test)]
#[path = "../tests/bars/screen.rs"]
mod screen;

#[cfg(test)]
mod tests {
    use super::screen::{self, Screen};
    use super::*;
    use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

    fn multi() -> (Screen, MultiProgress) {
        let screen = Screen::default();
        let terminal = Box::new(BelowBars::new(screen.clone()));
        let target = ProgressDrawTarget::term_like_with_hz(terminal, 255);
        (screen, MultiProgress::with_draw_target(target))
    }

    fn add(multi: &MultiProgress, text: &'static str) -> ProgressBar {
        let style = ProgressStyle::with_template("{wide_msg}").expect("it is a template");
        let bar = multi.add(ProgressBar::no_length().with_style(style));
        bar.set_message(text);
        bar.tick();
        bar
    }

    // The terminal echoes typed text, above all Ctrl-C, at the cursor.
    #[test]
    fn r38_no_bar_is_left_behind_for_what_a_terminal_echoes() {
        let (screen, multi) = multi();
        let bars = [add(&multi, "one"), add(&multi, "two")];
        assert_eq!(screen.lines(), ["one", "two"]);
        screen.write("^C");
        assert_eq!(screen.lines(), ["one", "two", "^C"]);
        bars[1].set_message("three");
        bars[1].tick();
        assert_eq!(screen.lines(), ["one", "three"]);
        screen.write("^C^C");
        for bar in &bars {
            bar.finish_and_clear();
            multi.remove(bar);
        }
        assert_eq!(screen.lines(), [""; 0]);
        // The next line of the program is written where the bars began.
        screen.write("report\n");
        assert_eq!(screen.lines(), ["report"]);
    }

    #[test]
    fn r38_text_above_the_bars_stays_and_so_does_what_comes_after_it() {
        let (screen, multi) = multi();
        let bar = add(&multi, "bar");
        multi.println("first").expect("it is a screen");
        multi.suspend(|| screen.write("second\n"));
        assert_eq!(screen.lines(), ["first", "second", "bar"]);
        bar.finish_and_clear();
        multi.remove(&bar);
        // With no bar below it.
        multi.println("third").expect("it is a screen");
        multi
            .println("x".repeat(screen::WIDTH + 1))
            .expect("it is a screen");
        let bar = add(&multi, "bar");
        screen.write("^C");
        bar.tick();
        bar.finish_and_clear();
        multi.remove(&bar);
        screen.write("shell\n");
        let long = "x".repeat(screen::WIDTH);
        assert_eq!(
            screen.lines(),
            ["first", "second", "third", &long, "x", "shell"]
        );
    }
}
