//! The phases in which a server stops, and the report of its end.

use cancelable_core::Cause;
use cancelable_core::operation::Straggler;
use std::fmt;
use std::time::Duration;

/// The time that a server gives to each phase of its stop.
///
/// | phase | what happens | ends |
/// |---|---|---|
/// | *unready* | the readiness answers 503, connections are still accepted, responses carry `connection: close`, HTTP/2 connections get a GOAWAY | after [`unready`](Self::unready) |
/// | *draining* | the queue of connections is accepted, then the listener closes; idle connections close; requests finish | with the last request, or after [`finish`](Self::finish) |
/// | *asked* | open requests are cancelled with [`Reason::ShuttingDown`](cancelable_core::Reason::ShuttingDown) | with the last request, or after [`grace`](Self::grace) |
/// | *cut* | connections are aborted; what still runs is named in [`Drained::cut`] | |
///
/// Another stop request moves to the next phase at once.
///
/// # Examples
///
/// ```
/// use cancelable_axum::Drain;
/// use std::time::Duration;
///
/// let drain = Drain::new()
///     .unready(Duration::from_secs(5))
///     .finish(Duration::from_secs(20))
///     .grace(Duration::from_secs(3));
/// # let _ = drain;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    pub(crate) unready: Duration,
    pub(crate) finish: Duration,
    pub(crate) grace: Duration,
}

impl Drain {
    /// Returns the default times: no unready phase, 30 seconds to finish, 5 seconds of grace.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            unready: Duration::ZERO,
            finish: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }

    /// Sets the time between the stop request and the close of the listener, in which the server is unready. A
    /// load balancer needs this time to notice that the readiness fails, and to send no more requests.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_axum::Drain;
    /// use std::time::Duration;
    ///
    /// // The load balancer reads the readiness every 2 seconds.
    /// let drain = Drain::new().unready(Duration::from_secs(5));
    /// assert_ne!(drain, Drain::new());
    /// ```
    #[must_use]
    pub const fn unready(mut self, span: Duration) -> Self {
        self.unready = span;
        self
    }

    /// Sets the time that open requests have to finish before they are cancelled.
    #[must_use]
    pub const fn finish(mut self, span: Duration) -> Self {
        self.finish = span;
        self
    }

    /// Sets the time that cancelled requests have to end before their connections are aborted. A handler continues
    /// after its cancellation for as long as [`Requests::grace`](cancelable_tower::Requests::grace) gives it.
    #[must_use]
    pub const fn grace(mut self, span: Duration) -> Self {
        self.grace = span;
        self
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

/// The report of a server that has stopped, from [`serve`](crate::serve()).
///
/// # Examples
///
/// ```
/// use cancelable_axum::Drained;
///
/// fn report(drained: &Drained) {
///     println!("{drained}"); // stopped (SIGTERM received): 12 finished, 1 cancelled, 0 cut, 0 refused
///     for straggler in &drained.cut {
///         eprintln!("{straggler}");
///     }
/// }
/// # let _ = report;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Drained {
    /// The number of requests that were open at the stop request and finished by themselves.
    pub finished: usize,
    /// The number of requests that were cancelled, because their time to finish was over.
    pub asked: usize,
    /// The work that still ran when the connections were aborted, with name and location.
    pub cut: Vec<Straggler>,
    /// The number of requests that came after the open requests were cancelled, and were answered with 503.
    pub refused: usize,
    /// The cause of the stop.
    pub cause: Cause,
}

impl Drained {
    /// Returns whether every request finished without a cancel.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_axum::Drained;
    /// use std::process::ExitCode;
    ///
    /// /// Returns the exit code of a server that has stopped.
    /// fn exit_code(drained: &Drained) -> ExitCode {
    ///     match drained.is_clean() {
    ///         true => ExitCode::SUCCESS,
    ///         false => ExitCode::FAILURE,
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.asked == 0 && self.cut.is_empty() && self.refused == 0
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            finished,
            asked,
            cut,
            refused,
            cause,
        } = self;
        let cause = cause.without_location();
        write!(
            f,
            "stopped ({cause}): {finished} finished, {asked} cancelled, {} cut, {refused} refused",
            cut.len()
        )?;
        for straggler in cut {
            write!(f, "; {straggler}")?;
        }
        Ok(())
    }
}
