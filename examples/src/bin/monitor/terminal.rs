//! The state of the terminal: present or gone.

#[cfg(not(unix))]
pub(crate) use other::Terminal;
#[cfg(unix)]
pub(crate) use unix::Terminal;

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, IsTerminal};
    use std::os::fd::AsFd;
    use std::sync::Arc;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use crate::screen::gone;

    /// The descriptors for reading and drawing.
    #[derive(Clone, Debug)]
    pub(crate) struct Terminal {
        input: Arc<File>,
        output: Arc<File>,
    }

    impl Terminal {
        /// Standard input if that is a terminal, or else the controlling terminal, as in crossterm;
        /// and standard output.
        pub(crate) fn open() -> io::Result<Self> {
            let (input, output) = (io::stdin(), io::stdout());
            let input = match input.is_terminal() {
                true => File::from(input.as_fd().try_clone_to_owned()?),
                false => File::open("/dev/tty").map_err(|error| {
                    let text = format!("there is no terminal to read keys from: {error}");
                    io::Error::new(error.kind(), text)
                })?,
            };
            Ok(Self {
                input: Arc::new(input),
                output: Arc::new(File::from(output.as_fd().try_clone_to_owned()?)),
            })
        }

        /// Checks that the terminal is present.
        pub(crate) fn check(&self) -> io::Result<()> {
            self.is_typed_within(Duration::ZERO).map(drop)
        }

        /// Waits for input; false if there is none within `limit`.
        pub(crate) fn is_typed_within(&self, limit: Duration) -> io::Result<bool> {
            let mut ends = [
                PollFd::new(&*self.input, PollFlags::IN),
                // Without a requested event, `poll` still reports that the terminal is gone.
                PollFd::new(&*self.output, PollFlags::empty()),
            ];
            let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
            match poll(&mut ends, Some(&limit)) {
                Ok(_) => {}
                // Interrupted without input; the caller waits again.
                Err(rustix::io::Errno::INTR) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            let is_gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
            match ends.iter().any(|end| end.revents().intersects(is_gone)) {
                true => Err(gone()),
                false => Ok(ends[0].revents().contains(PollFlags::IN)),
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;
    use std::time::Duration;

    use ratatui::crossterm::event;

    /// A console, which ends its processes when it closes.
    #[derive(Clone, Debug)]
    pub(crate) struct Terminal;

    impl Terminal {
        pub(crate) fn open() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn check(&self) -> io::Result<()> {
            Ok(())
        }

        pub(crate) fn is_typed_within(&self, limit: Duration) -> io::Result<bool> {
            event::poll(limit)
        }
    }
}
