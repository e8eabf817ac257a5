//! Signals as the sources of a scope.

use crate::delivery::Inbox;
use crate::error::EMPTY;
use crate::watch::{Plan, WINDOW};
use crate::{InvalidSignal, Signal, SignalGuard};
use cancelable_core::error::InvalidArgument;
use cancelable_core::source::{ScopeCancel, Source, SourceContext, SourceError, SourceFuture};
use std::borrow::Cow;
use std::future::poll_fn;
use std::panic::Location;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Cancels a scope at the first of its signals, with a cause that names it.
///
/// It watches from the moment the scope is entered until the first signal or the end of the
/// scope, its children and its finalizers included. The request is on record in the scope at once, also while
/// the work computes and nobody polls the scope, so [`check`](cancelable_core::Operation::check) sees it, and
/// so does the outcome of work that has a value all the same.
///
/// Inside an `all_of` it counts for the group, and inside a source of your own it resolves to its cause. A
/// signal that has had no effect when the source is dropped (the scope was stopping for something else, or
/// ended before anyone looked) is not lost: it goes to the others that watch it by then, and takes its
/// previous action when there are none.
///
/// A further signal, while the scope winds up, goes to the others that watch it, and takes
/// its previous action when there are none: a second Ctrl+C ends a program that does not stop.
/// [`Escalation`](crate::Escalation) does something else with it.
///
/// The same signal within 100 ms of the first is the same request, since wrappers send it twice;
/// [`merge_within`](Self::merge_within) sets another time.
#[derive(Clone, Debug)]
pub struct SignalSource {
    signals: Vec<Signal>,
    ignored: bool,
    window: Duration,
    location: &'static Location<'static>,
}

impl SignalSource {
    #[track_caller]
    fn new(signals: Vec<Signal>) -> Self {
        Self {
            signals,
            ignored: false,
            window: WINDOW,
            location: Location::caller(),
        }
    }

    /// Watches also those signals that the process was started to ignore.
    #[must_use]
    pub fn even_if_ignored(mut self) -> Self {
        self.ignored = true;
        self
    }

    /// Sets for how long after the first the same signal is the same request, in place of 100 ms. With
    /// zero each signal is a request.
    #[must_use]
    pub fn merge_within(mut self, window: Duration) -> Self {
        self.window = window;
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
/// `signals` is empty.
#[track_caller]
pub fn signals(signals: impl IntoIterator<Item = Signal>) -> Result<SignalSource, InvalidArgument> {
    let signals: Vec<_> = signals.into_iter().collect();
    match signals.is_empty() {
        true => Err(EMPTY),
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
        let watching = self.watch(None)?;
        Ok(Box::pin(async move { watching.inbox.report().await }))
    }

    /// The request is on record in the scope as soon as the signal is read, on the thread that serves it.
    fn start_with_cancel(
        self: Box<Self>,
        _: &SourceContext,
        cancel: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        let watching = self.watch(Some(cancel))?;
        // There is nothing to report: the scope's token wakes whoever polls this. The future keeps watching,
        // so that the scope's end is the end of it. A poll before the thread that serves the signal has had
        // its turn, as the last one of a run may be, puts the request on record by itself.
        Ok(Box::pin(poll_fn(move |_| {
            watching.inbox.act();
            Poll::Pending
        })))
    }
}

impl SignalSource {
    fn watch(self, scope: Option<ScopeCancel>) -> Result<Watching, SourceError> {
        let inbox = Inbox::new(scope, self.location);
        let plan = Plan::Deliver(Arc::clone(&inbox));
        let guard = SignalGuard::new(self.signals, plan, self.ignored, self.window)
            .map_err(SourceError::new)?;
        Ok(Watching {
            inbox,
            guard: Some(guard),
        })
    }
}

/// A source that was started. When it is dropped, what it has received and not handed on is served again.
struct Watching {
    inbox: Arc<Inbox>,
    /// None once it is dropped.
    guard: Option<SignalGuard>,
}

/// Watches no more first, so that it does not receive the same signal again.
impl Drop for Watching {
    fn drop(&mut self) {
        self.guard = None;
        self.inbox.abandon();
    }
}
