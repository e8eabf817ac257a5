//! The terminal: draws the view a few times a second, and hands keys on.

use std::io;
use std::mem::ManuallyDrop;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use cancelable_core::{CancellationToken, Operation};
use ratatui::DefaultTerminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::draw::draw;
use crate::keys::action;
use crate::terminal::Terminal;
use crate::view::View;

/// How often the screen is drawn when no key is pressed.
const INTERVAL: Duration = Duration::from_millis(100);

/// The terminal while the view is on it. Dropping this gives it back.
///
/// ratatui's own way prints what fails by `eprintln!`, in a hook of panics too, which ends the process by
/// an abort where the terminal is gone.
struct Screen {
    /// Never dropped, as its `Drop` prints.
    terminal: ManuallyDrop<DefaultTerminal>,
}

impl Screen {
    fn open() -> io::Result<Self> {
        enable_raw_mode()?;
        let opened = execute!(io::stdout(), EnterAlternateScreen)
            .and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(io::stdout())));
        match opened {
            Ok(terminal) => Ok(Self {
                terminal: ManuallyDrop::new(terminal),
            }),
            Err(error) => {
                abandon();
                Err(error)
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // One that is gone needs nothing, and has nobody to be told.
        let _ = self.terminal.show_cursor();
        let _ = execute!(io::stdout(), LeaveAlternateScreen);
        abandon();
    }
}

/// Shows the view until the user leaves, or until `stop` asks for it, and in both cases until `load` has
/// ended. Blocks its thread.
///
/// # Errors
///
/// The terminal has failed or is gone. Then `load` is asked to stop: nobody could end it any more.
pub(crate) fn show(mut view: View, load: &Operation, stop: &CancellationToken) -> io::Result<()> {
    let shown = show_until_end(&mut view, load, stop);
    if let Err(error) = &shown {
        load.cancel_with(format!("the terminal failed: {error}"));
    }
    shown
}

/// Leaves a terminal to which [`show`] is writing and that takes nothing: as far as that can be done
/// without a write.
pub(crate) fn abandon() {
    let _ = disable_raw_mode();
}

fn show_until_end(view: &mut View, load: &Operation, stop: &CancellationToken) -> io::Result<()> {
    let terminal = Terminal::open()?;
    let mut screen = Screen::open()?;
    let keys = read_keys(&terminal)?;
    loop {
        view.is_quitting |= stop.is_cancelled();
        view.refresh();
        terminal.check()?;
        screen.terminal.draw(|frame| draw(frame, view))?;
        if view.is_quitting && load.status().is_terminal() {
            return Ok(());
        }
        let mut wait = INTERVAL;
        // Ends: only keys that are there already are taken without a new picture.
        loop {
            match keys.recv_timeout(wait) {
                Ok(event) => {
                    if let Event::Key(key) = event? {
                        view.act(action(view.mode, key), load);
                    }
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            }
            wait = Duration::ZERO;
        }
    }
}

pub(crate) fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the terminal is gone")
}

/// The keys that are pressed, read on a thread that nothing waits for: crossterm 0.29 goes round for
/// ever in its read of a terminal that is gone, and this program must end then.
fn read_keys(terminal: &Terminal) -> io::Result<Receiver<io::Result<Event>>> {
    let (sender, keys) = channel();
    let terminal = terminal.clone();
    thread::Builder::new().name("keys".into()).spawn(move || {
        if let Err(error) = send_keys(&terminal, &sender) {
            // Nobody listens any more once the screen has ended.
            let _ = sender.send(Err(error));
        }
    })?;
    Ok(keys)
}

fn send_keys(terminal: &Terminal, to: &Sender<io::Result<Event>>) -> io::Result<()> {
    // Ends with the terminal, or with the process.
    loop {
        // What is typed is waited for here, where an end of the terminal is seen.
        if terminal.is_typed_within(INTERVAL)? {
            while event::poll(Duration::ZERO)? {
                if to.send(event::read()).is_err() {
                    return Ok(());
                }
                terminal.check()?;
            }
        }
    }
}
