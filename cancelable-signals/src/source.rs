//! Signals as the sources of a scope.

use crate::watch::Plan;
use crate::{InvalidSignal, Signal, SignalGuard, Step, WatchError};
use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
use cancelable_core::{CancellationToken, Cause, Reason};
use std::borrow::Cow;
use std::panic::Location;

/// Cancels a scope at the first of its signals, with a cause that names it.
///
/// It watches from the moment the scope is entered until the first signal or the end of the
/// scope. A further signal, while the scope winds up, goes to the others that watch it, and takes
/// its previous action when there are none: a second Ctrl+C ends a program that does not stop.
/// [`Escalation`](crate::Escalation) does something else with it.
#[derive(Clone, Debug)]
pub struct SignalSource {
    signals: Vec<Signal>,
    ignored: bool,
    location: &'static Location<'static>,
}

impl SignalSource {
    #[track_caller]
    fn new(signals: Vec<Signal>) -> Self {
        Self {
            signals,
            ignored: false,
            location: Location::caller(),
        }
    }

    /// Watches also those signals that the process was started to ignore.
    #[must_use]
    pub fn even_if_ignored(mut self) -> Self {
        self.ignored = true;
        self
    }
}

/// The source of one signal.
#[must_use]
#[track_caller]
pub fn signal(signal: Signal) -> SignalSource {
    SignalSource::new(vec![signal])
}

/// The source of several signals, of which the first counts.
///
/// # Errors
///
/// If there are none.
#[track_caller]
pub fn signals(signals: impl IntoIterator<Item = Signal>) -> Result<SignalSource, WatchError> {
    let signals: Vec<_> = signals.into_iter().collect();
    match signals.is_empty() {
        true => Err(WatchError::nothing()),
        false => Ok(SignalSource::new(signals)),
    }
}

/// The source of Ctrl+C, which is `SIGINT`.
#[must_use]
#[track_caller]
pub fn ctrl_c() -> SignalSource {
    signal(Signal::INT)
}

/// The source of `SIGTERM`.
///
/// # Errors
///
/// On Windows, which has no such signal.
#[track_caller]
pub fn terminate() -> Result<SignalSource, InvalidSignal> {
    // Not by `map`: the location is that of the caller here, and not in a closure.
    let term = Signal::term()?;
    Ok(signal(term))
}

/// The source of the signals by which people and service managers ask a program to end:
/// [`Signal::shutdown`].
#[must_use]
#[track_caller]
pub fn shutdown() -> SignalSource {
    SignalSource::new(Signal::shutdown())
}

impl Source for SignalSource {
    fn name(&self) -> Cow<'static, str> {
        let names: Vec<_> = self.signals.iter().map(|signal| signal.name()).collect();
        names.join(" or ").into()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        let received = CancellationToken::new();
        let plan = Plan::Once(Step::cancelling_at(&received, self.location));
        let guard = SignalGuard::new(self.signals, plan, self.ignored).map_err(SourceError::new)?;
        Ok(Box::pin(async move {
            // Owned by the future, so that the scope's end is the end of watching.
            let _guard = guard;
            received.cancelled().await;
            // A cancelled token has a cause; the other arm only spares a panic.
            received
                .cause()
                .unwrap_or_else(|| Cause::new(Reason::Source))
        }))
    }
}
