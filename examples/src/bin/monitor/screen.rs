//! The terminal: draws the view a few times a second, and hands keys on.

use std::io;
use std::time::Duration;

use cancelable_core::Operation;
use ratatui::crossterm::event::{self, Event};

use crate::draw::draw;
use crate::keys::action;
use crate::view::View;

/// How often the screen is drawn when no key is pressed.
const INTERVAL: Duration = Duration::from_millis(100);

/// Gives the terminal back, whatever happens.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Shows the view until the user leaves, or until something else asks `load` to stop, and in both
/// cases until `load` has ended. Blocks its thread.
pub(crate) fn show(mut view: View, load: &Operation) -> io::Result<()> {
    let shown = show_until_end(&mut view, load);
    if shown.is_err() {
        // Nobody could end it any more.
        load.cancel_with("the terminal failed");
    }
    shown
}

fn show_until_end(view: &mut View, load: &Operation) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let _restored = Restored;
    loop {
        view.is_quitting |= load.is_cancelled();
        view.refresh();
        terminal.draw(|frame| draw(frame, view))?;
        if view.is_quitting && load.status().is_closed() {
            return Ok(());
        }
        let mut wait = INTERVAL;
        // Ends: only keys that are there already are read without a new picture.
        while event::poll(wait)? {
            if let Event::Key(key) = event::read()? {
                view.act(action(view.mode, key), load);
            }
            wait = Duration::ZERO;
        }
    }
}
