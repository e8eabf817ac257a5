//! The error of starting a process or of learning how it ended.

use cancelable_core::Cancelled;
use cancelable_core::cause::OperationLabel;
use cancelable_core::cause::escaped;
use std::error::Error;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// A process was not started, or how it ended could not be learned.
#[derive(Clone, Debug)]
pub struct ProcessError {
    name: Arc<str>,
    kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Refused(Arc<io::Error>),
    Cancelled(Cancelled),
    /// The scope had ended before anything was started.
    Closed(OperationLabel),
    /// The scope ended while the process was being started.
    Killed(OperationLabel),
    NoRuntime(OperationLabel),
    CannotSend(&'static str),
    Lost(Arc<io::Error>),
}

impl ProcessError {
    pub(crate) fn new(name: &Arc<str>, kind: Kind) -> Self {
        Self {
            name: Arc::clone(name),
            kind,
        }
    }

    /// Named by the program as it was given: where that is a path, the path may be what is wrong.
    pub(crate) fn refused(program: &OsStr, error: io::Error) -> Self {
        let name = program.to_string_lossy().into();
        Self::new(&name, Kind::Refused(Arc::new(error)))
    }

    /// Whether no process was started.
    #[must_use]
    pub fn is_not_started(&self) -> bool {
        !matches!(self.kind, Kind::Lost(_) | Kind::Killed(_))
    }

    /// Whether there is no such program: 127, as shells count it.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(&self.kind, Kind::Refused(error) if error.kind() == ErrorKind::NotFound)
    }

    /// The cancellation of the operation or token for which it was to be started, if that is why.
    #[must_use]
    pub fn cancellation(&self) -> Option<&Cancelled> {
        match &self.kind {
            Kind::Cancelled(cancelled) => Some(cancelled),
            _ => None,
        }
    }

    /// What the system said, if that is why.
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        match &self.kind {
            Kind::Refused(error) | Kind::Lost(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escaped(&self.name);
        match &self.kind {
            Kind::Refused(error) => write!(f, "cannot start {name}: {}", escaped(error)),
            Kind::Cancelled(cancelled) => write!(f, "{name} was not started: {cancelled}"),
            Kind::Closed(operation) => write!(
                f,
                "{name} was not started: scope {operation} has ended, start it while that runs"
            ),
            Kind::Killed(operation) => {
                write!(
                    f,
                    "{name} was killed: scope {operation} ended as it was started"
                )
            }
            Kind::NoRuntime(operation) => write!(
                f,
                "{name} was not started: scope {operation} has no runtime, build it with one"
            ),
            Kind::CannotSend(signal) => write!(
                f,
                "{name} was not started: {signal} cannot be sent, ask with another signal"
            ),
            Kind::Lost(error) => write!(f, "how {name} ended is not known: {}", escaped(error)),
        }
    }
}

impl Error for ProcessError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            Kind::Cancelled(cancelled) => Some(cancelled),
            _ => self.io_error().map(|error| error as _),
        }
    }
}
