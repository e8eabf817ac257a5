//! The error of a process that was not started, or whose exit status is lost.

use cancelable_core::Cancelled;
use cancelable_core::cause::OperationLabel;
use cancelable_core::cause::escaped;
use std::error::Error;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// The error of a process that was not started, or whose exit status is lost.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_process::Command;
///
/// let dump = rt::scope("dump").try_run(async |op| {
///     match Command::new("no-such-program").spawn(&op) {
///         Err(error) if error.is_not_found() => Ok(println!("install the program")),
///         Err(error) => Err(error),
///         Ok(process) => process.wait().await.map(drop),
///     }
/// });
/// rt::block_on(dump).complete()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ProcessError {
    name: Arc<str>,
    kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Refused(Arc<io::Error>),
    Cancelled(Cancelled),
    /// The scope had ended before the process was started.
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

    /// The error has the program as it was given, because a path may be wrong.
    pub(crate) fn refused(program: &OsStr, error: io::Error) -> Self {
        let name = program.to_string_lossy().into();
        Self::new(&name, Kind::Refused(Arc::new(error)))
    }

    /// Returns whether no process was started.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_core::CancellationToken;
    /// use cancelable_process::Command;
    ///
    /// let stop = CancellationToken::new();
    /// stop.cancel();
    /// let error = Command::new("sleep").spawn_on(&rt::current()?, &stop).unwrap_err();
    /// assert!(error.is_not_started());
    /// assert!(error.cancellation().is_some());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_not_started(&self) -> bool {
        !matches!(self.kind, Kind::Lost(_) | Kind::Killed(_))
    }

    /// Returns whether there is no such program, for which shells exit with 127.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(&self.kind, Kind::Refused(error) if error.kind() == ErrorKind::NotFound)
    }

    /// The cancellation of the operation or token, if the process was not started because of it.
    #[must_use]
    pub fn cancellation(&self) -> Option<&Cancelled> {
        match &self.kind {
            Kind::Cancelled(cancelled) => Some(cancelled),
            _ => None,
        }
    }

    /// The error of the system, if there is one.
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
                "{name} was not started: scope {operation} has ended; start it while the scope runs"
            ),
            Kind::Killed(operation) => {
                write!(
                    f,
                    "{name} was killed: scope {operation} ended while it was started"
                )
            }
            Kind::NoRuntime(operation) => write!(
                f,
                "{name} was not started: scope {operation} has no runtime; build the scope with one"
            ),
            Kind::CannotSend(signal) => write!(
                f,
                "{name} was not started: {signal} cannot be sent; set another stop signal"
            ),
            Kind::Lost(error) => write!(f, "the exit status of {name} is lost: {}", escaped(error)),
        }
    }
}

/// `{:?}` is the sentence of `{}`, because a `main` that returns the error prints `{:?}`. `{:#?}` shows the fields.
impl fmt::Debug for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("ProcessError")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish()
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
