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

/// A source that cancels a scope at the first of its signals, with a cause that names the signal.
///
/// The source watches from the entry of the scope until the first signal or the end of the scope, its children and
/// its finalizers included. The request is on record in the scope at once, even while the body computes and the
/// scope is not polled. So [`check`](cancelable_core::Operation::check) sees the request, and so does the outcome
/// of a body that returns a value nevertheless.
///
/// As a member of an `all_of` the source counts for the group; inside a source of your own its future resolves to
/// the cause. A signal without effect is not lost: if the source is dropped because the scope was cancelled for
/// another cause, or ended before it was polled, the signal is delivered to the watchers at that time. Without a
/// watcher the previous disposition is in force.
///
/// A second signal, while the scope stops, is delivered to the other watchers. Without another watcher the previous
/// disposition is in force: a second Ctrl+C ends a program that does not stop. An [`Escalation`](crate::Escalation)
/// takes another step at the second signal.
///
/// The same signal within 100 ms of the first is the same request, because wrappers send it twice;
/// [`merge_within`](Self::merge_within) sets another time.
///
/// # Examples
///
/// ```no_run
/// use cancelable_signals::ctrl_c;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let source = ctrl_c().merge_within(Duration::from_millis(50));
/// let outcome = rt::block_on(rt::scope("import").source(source).run(async |_| "imported"));
/// println!("{}", outcome.into_result()?);
/// # Ok(())
/// # }
/// ```
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

    /// Watches the signals that the process was started to ignore, too.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use cancelable_signals::signal;
    ///
    /// // `nohup` starts a program that ignores SIGHUP.
    /// let hangup = signal("SIGHUP".parse()?).even_if_ignored();
    /// let import = rt::scope("import").source(hangup).run(async |_| "imported");
    /// assert_eq!(rt::block_on(import).into_result()?, "imported");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn even_if_ignored(mut self) -> Self {
        self.ignored = true;
        self
    }

    /// Sets the time after the first signal in which the same signal counts as the same request. The default is
    /// 100 ms. With zero each signal is a request.
    #[must_use]
    pub fn merge_within(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }
}

/// Returns a source for one signal.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_signals::signal;
///
/// let quit = signal("SIGQUIT".parse()?);
/// let scope = rt::scope("import").source(quit).build()?;
/// # rt::block_on(scope.run(async |_| ())).into_result()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
#[track_caller]
pub fn signal(signal: Signal) -> SignalSource {
    SignalSource::new(vec![signal])
}

/// Returns a source for several signals, of which the first counts.
///
/// # Errors
///
/// `signals` is empty.
///
/// # Examples
///
/// ```
/// use cancelable_signals::{Signal, signals};
///
/// let stop = signals(Signal::shutdown())?;
/// let import = rt::scope("import").source(stop).run(async |_| "imported");
/// assert_eq!(rt::block_on(import).into_result()?, "imported");
/// assert!(signals([]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn signals(signals: impl IntoIterator<Item = Signal>) -> Result<SignalSource, InvalidArgument> {
    let signals: Vec<_> = signals.into_iter().collect();
    match signals.is_empty() {
        true => Err(EMPTY),
        false => Ok(SignalSource::new(signals)),
    }
}

/// Returns a source for Ctrl+C, which is `SIGINT`.
///
/// # Examples
///
/// ```
/// use cancelable_signals::ctrl_c;
///
/// let import = rt::scope("import").source(ctrl_c()).run(async |_| "imported");
/// assert_eq!(rt::block_on(import).into_result()?, "imported");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
#[track_caller]
pub fn ctrl_c() -> SignalSource {
    signal(Signal::INT)
}

/// Returns a source for `SIGTERM`.
///
/// # Errors
///
/// The platform is Windows, which has no such signal.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_signals::terminate;
///
/// let server = rt::scope("server").source(terminate()?).run(async |_| "served");
/// assert_eq!(rt::block_on(server).into_result()?, "served");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn terminate() -> Result<SignalSource, InvalidSignal> {
    // Not by `map`: in a closure the location would not be that of the caller.
    let term = Signal::term()?;
    Ok(signal(term))
}

/// Returns a source for the signals by which people and service managers stop a program: [`Signal::shutdown`].
///
/// # Examples
///
/// ```
/// use cancelable_signals::shutdown;
///
/// let server = rt::scope("server").source(shutdown()).run(async |_| "served");
/// assert_eq!(rt::block_on(server).into_result()?, "served");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// The request is on record in the scope as soon as the signal is read, by the thread that serves it.
    fn start_with_cancel(
        self: Box<Self>,
        _: &SourceContext,
        cancel: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        let watching = self.watch(Some(cancel))?;
        // Wakes: the future has nothing to report, and the cancel of the scope's token wakes the run. The future keeps
        // watching until the end of the scope. A poll that comes before the thread that serves the signal, as the last
        // poll of a run may, puts the request on record.
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

/// A source that was started. Its drop serves a signal again that was received and had no effect.
struct Watching {
    inbox: Arc<Inbox>,
    /// The guard; `None` in the drop.
    guard: Option<SignalGuard>,
}

/// The guard is dropped first, so that the source does not receive the same signal again.
impl Drop for Watching {
    fn drop(&mut self) {
        self.guard = None;
        self.inbox.abandon();
    }
}
