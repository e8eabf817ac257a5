//! The terminal: draws the view several times a second, and passes keys on.

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

/// The interval of draws without a key.
const INTERVAL: Duration = Duration::from_millis(100);

/// The terminal in its drawing mode. A drop restores it.
///
/// The restore of ratatui prints errors by `eprintln!`, also in a panic hook, which aborts the
/// process if the terminal is gone.
struct Screen {
    /// Never dropped, since its `Drop` prints.
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
        // A terminal that is gone needs no restore.
        let _ = self.terminal.show_cursor();
        let _ = execute!(io::stdout(), LeaveAlternateScreen);
        abandon();
    }
}

/// Shows the view until the user leaves or `stop` is cancelled, and in both cases until `load` has
/// ended. Blocks its thread.
///
/// # Errors
///
/// The terminal has failed or is gone. Then `load` is cancelled, since no user could end it any
/// more.
pub(crate) fn show(mut view: View, load: &Operation, stop: &CancellationToken) -> io::Result<()> {
    let shown = show_until_end(&mut view, load, stop);
    if let Err(error) = &shown {
        load.cancel_with(format!("the terminal failed: {error}"));
    }
    shown
}

/// Restores a halted terminal to which [`show`] is writing, as far as possible without a write.
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
        // Ends: only keys that are available already are read without a new draw.
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

/// Reads the pressed keys on a detached thread: the read of crossterm 0.29 spins for ever if the
/// terminal is gone, and the program has to end then.
fn read_keys(terminal: &Terminal) -> io::Result<Receiver<io::Result<Event>>> {
    let (sender, keys) = channel();
    let terminal = terminal.clone();
    thread::Builder::new().name("keys".into()).spawn(move || {
        if let Err(error) = send_keys(&terminal, &sender) {
            // The receiver is gone after the end of the screen.
            let _ = sender.send(Err(error));
        }
    })?;
    Ok(keys)
}

fn send_keys(terminal: &Terminal, to: &Sender<io::Result<Event>>) -> io::Result<()> {
    // Ends with the terminal, or with the process.
    loop {
        // The wait for input is here, because it notices the end of the terminal.
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
