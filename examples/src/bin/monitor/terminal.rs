//! Whether the terminal is there.

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

    /// The descriptors that are read and drawn on.
    #[derive(Clone, Debug)]
    pub(crate) struct Terminal {
        input: Arc<File>,
        output: Arc<File>,
    }

    impl Terminal {
        /// Standard input if that is a terminal, and else the one that controls the process, as
        /// crossterm has it; and standard output.
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

        /// Asks that the terminal is there.
        pub(crate) fn check(&self) -> io::Result<()> {
            self.is_typed_within(Duration::ZERO).map(drop)
        }

        /// Waits until something is typed; false if nothing is within `limit`.
        pub(crate) fn is_typed_within(&self, limit: Duration) -> io::Result<bool> {
            let mut ends = [
                PollFd::new(&*self.input, PollFlags::IN),
                // For what is told unasked: that it is gone.
                PollFd::new(&*self.output, PollFlags::empty()),
            ];
            let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
            match poll(&mut ends, Some(&limit)) {
                Ok(_) => {}
                // Nothing is typed yet, and the caller asks again.
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

    /// A console, which ends its processes when it goes.
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
