//! Conditions that are checked at intervals: by a closure, by a future, or by a closure that may block.

use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::cause::{Cause, Reason};
use crate::error::InvalidArgument;
use crate::runtime::RuntimeHandle;
use crate::sync::{IsolatedDropFuture, escape, isolate, log, raw_text};
use futures_util::FutureExt;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, Location, resume_unwind};
use std::time::Duration;

/// The answer of a condition: a `bool`, or a `Result` of a `bool`. An error is logged, and the condition is checked
/// again.
///
/// # Examples
///
/// ```
/// use cancelable_core::source;
/// use std::path::Path;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
/// // The closure returns a `Result` of a `bool`: a folder that cannot be read is logged.
/// let stop = source::condition(Duration::from_millis(1), || Path::new("Cargo.toml").try_exists())?;
/// let outcome = rt::scope("job").source(stop.named("stop file")).run(async |op| op.cancelled().await).await;
/// assert!(outcome.cause().is_some());
/// # Ok(()) }) }
/// ```
pub trait Answer {
    /// Returns the answer, or the text of the error.
    ///
    /// # Errors
    ///
    /// The text of the error that the check returned.
    fn into_answer(self) -> Result<bool, String>;
}

impl Answer for bool {
    fn into_answer(self) -> Result<bool, String> {
        Ok(self)
    }
}

impl<E: Display> Answer for Result<bool, E> {
    fn into_answer(self) -> Result<bool, String> {
        self.map_err(|error| {
            // The error is dropped after a panic of its `Display`, not while that unwinds.
            let text = raw_text(&error);
            isolate("the drop of a condition's error", || drop(error));
            text
        })
    }
}

/// The name, interval and location of a condition.
#[derive(Clone, Debug)]
struct Schedule {
    name: Cow<'static, str>,
    interval: Duration,
    location: &'static Location<'static>,
}

impl Schedule {
    #[track_caller]
    fn new(interval: Duration) -> Result<Self, InvalidArgument> {
        if interval.is_zero() {
            return Err(InvalidArgument::new(
                "interval",
                "is zero: give the time between two checks",
            ));
        }
        Ok(Self {
            name: "condition".into(),
            interval,
            location: Location::caller(),
        })
    }

    /// Returns whether the condition holds. An error is logged and counts as no.
    fn holds(&self, answer: Result<bool, String>) -> bool {
        answer.unwrap_or_else(|error| {
            let (name, error) = (escape(&self.name), escape(&error));
            log!(
                Warn,
                source = &*name, error = &*error;
                "condition {name} failed and will be checked again: {error}"
            );
            false
        })
    }

    /// The cause of a cancel by the condition.
    fn into_cause(self) -> Cause {
        Cause::new(Reason::Condition)
            .with_location(self.location)
            .with_message(self.name)
    }
}

/// A source that checks a condition at intervals, made by [`condition`], [`condition_async`] or
/// [`condition_blocking`].
///
/// # Examples
///
/// ```
/// use cancelable_core::source::condition;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::time::Duration;
///
/// static STOP: AtomicBool = AtomicBool::new(true);
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
/// let stop = condition(Duration::from_secs(1), || STOP.load(Ordering::Relaxed))?.named("stop flag");
/// let outcome = rt::scope("import").source(stop).run(async |_| ()).await;
/// assert_eq!(outcome.cause().and_then(|cause| cause.message()), Some("stop flag"));
/// # Ok(()) }) }
/// ```
pub struct Condition {
    schedule: Schedule,
    start: Box<dyn FnOnce(RuntimeHandle, Schedule) -> SourceFuture + Send>,
}

impl Condition {
    fn new<F>(
        schedule: Schedule,
        checks: impl FnOnce(RuntimeHandle, Schedule) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Cause> + Send + 'static,
    {
        Self {
            schedule,
            start: Box::new(|runtime, schedule| Box::pin(checks(runtime, schedule))),
        }
    }

    /// Gives the condition a name, for logs and for the message of its cause.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.schedule.name = name.into();
        self
    }
}

impl Source for Condition {
    fn name(&self) -> Cow<'static, str> {
        self.schedule.name.clone()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        let runtime = context.runtime().ok_or_else(SourceError::no_runtime)?;
        Ok((self.start)(runtime.clone(), self.schedule))
    }

    fn needs_runtime(&self) -> bool {
        true
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("name", &self.schedule.name)
            .field("interval", &self.schedule.interval)
            .finish_non_exhaustive()
    }
}

/// Returns a source that fires when `check` returns true. The check is called when the scope is entered, and again
/// `interval` after each answer.
///
/// The closure runs on the task of the scope and delays the body while it runs. A closure that may take long belongs
/// in [`condition_blocking`]. An error or a panic is logged, and the closure is called again.
///
/// # Errors
///
/// An interval of zero.
#[track_caller]
pub fn condition<F, A>(interval: Duration, mut check: F) -> Result<Condition, InvalidArgument>
where
    F: FnMut() -> A + Send + 'static,
    A: Answer,
{
    let schedule = Schedule::new(interval)?;
    Ok(Condition::new(schedule, |runtime, schedule| async move {
        loop {
            let mut answer = Ok(false);
            isolate(&schedule.name, || answer = check().into_answer());
            if schedule.holds(answer) {
                return schedule.into_cause();
            }
            runtime.sleep(schedule.interval).await;
        }
    }))
}

/// Returns a source that fires when a future of `check` resolves to true. `check` is called when the scope is entered,
/// and again `interval` after each answer.
///
/// The futures are polled beside the body. A future that is never ready delays nothing: it is dropped when the scope
/// ends. An error or a panic is logged, and `check` is called again.
///
/// # Errors
///
/// An interval of zero.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::condition_async;
/// use std::time::Duration;
///
/// # async fn is_deposed() -> std::io::Result<bool> { Ok(true) }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
/// let deposed = condition_async(Duration::from_secs(5), is_deposed)?.named("another node leads");
/// let outcome = rt::scope("compaction").source(deposed).run(async |_| ()).await;
/// assert_eq!(outcome.cause().and_then(|cause| cause.message()), Some("another node leads"));
/// # Ok(()) }) }
/// ```
#[track_caller]
pub fn condition_async<F, R>(interval: Duration, mut check: F) -> Result<Condition, InvalidArgument>
where
    F: FnMut() -> R + Send + 'static,
    R: Future + Send + 'static,
    R::Output: Answer,
{
    let schedule = Schedule::new(interval)?;
    Ok(Condition::new(schedule, |runtime, schedule| async move {
        loop {
            // The closure is called inside, so that its panic is caught with a panic of the future.
            let checked =
                AssertUnwindSafe(async { IsolatedDropFuture::new(check()).await.into_answer() });
            let answer = checked.catch_unwind().await.unwrap_or_else(|panic| {
                // Raised again where it is logged and counted like every other panic.
                isolate(&schedule.name, || resume_unwind(panic));
                Ok(false)
            });
            if schedule.holds(answer) {
                return schedule.into_cause();
            }
            runtime.sleep(schedule.interval).await;
        }
    }))
}

/// Returns a source that fires when `check` returns true, for a `check` that may block. The check is called on [a
/// thread for probes](crate::RuntimeHandle::spawn_probe) when the scope is entered, and again `interval` after each
/// answer, one call at a time.
///
/// Nothing waits for a call in progress: neither the end of the scope, nor the end of the runtime or of the
/// program. An error or a panic is logged, and the closure is called again.
///
/// # Errors
///
/// An interval of zero.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::condition_blocking;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
/// let stop = condition_blocking(Duration::from_secs(5), || std::fs::exists("/run/import/stop"))?;
/// let outcome = rt::scope("import").source(stop.named("stop file")).run(async |_| 7).await;
/// assert_eq!(outcome.into_result()?, 7);
/// # Ok(()) }) }
/// ```
#[track_caller]
pub fn condition_blocking<F, A>(
    interval: Duration,
    mut check: F,
) -> Result<Condition, InvalidArgument>
where
    F: FnMut() -> A + Send + 'static,
    A: Answer,
{
    let schedule = Schedule::new(interval)?;
    Ok(Condition::new(schedule, |runtime, schedule| async move {
        loop {
            let name = schedule.name.clone();
            // The closure moves to the thread, and returns with its answer.
            let call = runtime.spawn_probe(move || {
                let mut answer = Ok(false);
                isolate(&name, || answer = check().into_answer());
                (check, answer)
            });
            let Ok((returned, answer)) = call.await else {
                let name = escape(&schedule.name);
                log!(
                    Warn, source = &*name;
                    "condition {name} is no longer checked: the runtime dropped its call"
                );
                return pending().await;
            };
            check = returned;
            if schedule.holds(answer) {
                return schedule.into_cause();
            }
            runtime.sleep(schedule.interval).await;
        }
    }))
}
