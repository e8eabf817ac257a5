//! Checkers that cancel a future at each of its await points.
//!
//! A future can be dropped before its first poll and after each poll that returned pending. A test rarely covers these
//! points, because it has to hit each of them. On the manual runtime each run repeats the run before, so a checker can
//! hit the points one after the other.

use super::{AwaitReport, BrokenAwait, LastRun, ManualRuntime, Verdict};
use crate::runtime::RuntimeHandle;
use crate::sync::{collect_await_points, panic_text};
use crate::token::CancellationToken;
use std::future::Future;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Each run repeats the polls of the run before, so this number of points takes half a million polls.
const MOST_POINTS: usize = 1000;

/// Drops a future at each of its await points in turn, and calls `check` after each.
///
/// For each point, `make` returns a new future, which runs on a new runtime up to that point and is dropped there.
/// The time moves whenever no step is ready. Tasks that the future has spawned run until they are idle. Then
/// `check` returns a `Result`, or panics if something is broken. `check` receives the runtime, to move the time for
/// the tasks. There are two more runs: one drops the future before its first poll, and one runs the future to its
/// end, or until nothing can wake it.
///
/// An await point is a poll that returns pending. A second poll at the same `.await` is a second point. The future has
/// to make the same polls in each run, or the numbers are meaningless. The first thousand points are checked.
///
/// # Panics
///
/// If `make` or a poll of the future panics. A panic in the drop of the future is a finding.
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::cancel_at_every_await;
/// use std::cell::Cell;
/// use std::time::Duration;
///
/// let (from, to) = (Cell::new(100), Cell::new(0));
/// let report = cancel_at_every_await(
///     |runtime| {
///         from.set(100);
///         to.set(0);
///         let (from, to) = (&from, &to);
///         async move {
///             runtime.sleep(Duration::from_secs(1)).await;
///             from.set(from.get() - 10);
///             runtime.sleep(Duration::from_secs(1)).await; // Dropped here, ten are gone.
///             to.set(to.get() + 10);
///         }
///     },
///     |_| match from.get() + to.get() {
///         100 => Ok(()),
///         sum => Err(format!("{sum} are left of 100")),
///     },
/// );
/// assert_eq!(report.points(), 2);
/// let [broken] = report.broken() else { panic!("{report}") };
/// assert_eq!(broken.number(), Some(2));
/// assert_eq!(broken.error(), "90 are left of 100");
/// ```
#[must_use = "the report has the findings"]
pub fn cancel_at_every_await<F, V>(
    mut make: impl FnMut(RuntimeHandle) -> F,
    mut check: impl FnMut(&ManualRuntime) -> V,
) -> AwaitReport
where
    F: Future,
    V: Verdict,
{
    every_point(|number| {
        let manual = ManualRuntime::new();
        let mut future = Box::pin(make(manual.handle()));
        let reached = match run_to(&manual, number, future.as_mut()) {
            Reached::Point(places) => Reached::Point(places),
            Reached::End(_) => Reached::End(()),
            // The run before has dropped the future at the same point.
            Reached::Nothing => return (Reached::Nothing, Ok(())),
        };
        let dropped = catch(|| drop(future));
        manual.run_until_idle();
        let verdict = dropped
            .map_err(|text| format!("the drop of the future panicked: {text}"))
            .and_then(|()| judge(|| check(&manual)));
        (reached, verdict)
    })
}

/// Cancels a token at each await point of a future in turn, runs the future to its end, and calls `check`
/// with its output.
///
/// As [`cancel_at_every_await`], but the future is not dropped. `make` also receives the token, which is cancelled after
/// the future has returned pending for the n-th time (for zero, before its first poll). The output is `None` if nothing
/// can wake the future any more; `check` decides whether that is a finding.
///
/// # Panics
///
/// If `make` or the future panics.
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::cancel_token_at_every_await;
/// use std::time::Duration;
///
/// let report = cancel_token_at_every_await(
///     |runtime, token| async move {
///         token.run_until_cancelled(runtime.sleep(Duration::from_secs(1))).await;
///         "stopped"
///     },
///     |_, output| assert_eq!(output, Some("stopped")),
/// );
/// assert_eq!(report.into_result()?.points(), 1);
/// # Ok::<(), cancelable_core::testing::BrokenAwaits>(())
/// ```
#[must_use = "the report has the findings"]
pub fn cancel_token_at_every_await<F, V>(
    mut make: impl FnMut(RuntimeHandle, CancellationToken) -> F,
    mut check: impl FnMut(&ManualRuntime, Option<F::Output>) -> V,
) -> AwaitReport
where
    F: Future,
    V: Verdict,
{
    every_point(|number| {
        let manual = ManualRuntime::new();
        let token = CancellationToken::new();
        let mut future = Box::pin(make(manual.handle(), token.clone()));
        let (reached, output) = match run_to(&manual, number, future.as_mut()) {
            Reached::End(value) => (Reached::End(()), Some(value)),
            Reached::Nothing => return (Reached::Nothing, Ok(())),
            Reached::Point(places) => {
                token.cancel();
                let output = manual.drive(|cx| match future.as_mut().poll(cx) {
                    Poll::Ready(value) => ControlFlow::Break(value),
                    Poll::Pending => ControlFlow::Continue(()),
                });
                (Reached::Point(places), output)
            }
        };
        drop(future);
        manual.run_until_idle();
        (reached, judge(|| check(&manual, output)))
    })
}

/// The end of a run.
enum Reached<T> {
    /// The wanted await point, with the locations of its pending `.await`s.
    Point(Vec<&'static Location<'static>>),
    End(T),
    /// The future is pending, and nothing can wake it any more.
    Nothing,
}

/// Runs `future` until it has returned pending `number` times.
fn run_to<F: Future>(
    manual: &ManualRuntime,
    number: usize,
    mut future: Pin<&mut F>,
) -> Reached<F::Output> {
    if number == 0 {
        return Reached::Point(Vec::new());
    }
    let mut points = 0;
    let poll = |cx: &mut Context<'_>| match collect_await_points(|| future.as_mut().poll(cx)) {
        (Poll::Ready(value), _) => ControlFlow::Break(Reached::End(value)),
        (Poll::Pending, places) => {
            points += 1;
            match points == number {
                true => ControlFlow::Break(Reached::Point(places)),
                false => ControlFlow::Continue(()),
            }
        }
    };
    manual.drive(poll).unwrap_or(Reached::Nothing)
}

/// Calls `run` for each number from zero on, until a run finds no await point with its number.
fn every_point(mut run: impl FnMut(usize) -> (Reached<()>, Result<(), String>)) -> AwaitReport {
    let mut report = AwaitReport {
        points: 0,
        last: LastRun::TooLong,
        broken: Vec::new(),
    };
    for point in 0..=MOST_POINTS {
        let (reached, verdict) = run(point);
        let (number, places) = match reached {
            Reached::Point(places) => {
                report.points = point;
                (Some(point), places)
            }
            Reached::End(()) => {
                report.last = LastRun::Completed;
                (None, Vec::new())
            }
            Reached::Nothing => {
                report.last = LastRun::WaitsForEver;
                break;
            }
        };
        if let Err(error) = verdict {
            report.broken.push(BrokenAwait {
                number,
                places,
                error,
            });
        }
        if number.is_none() {
            break;
        }
    }
    report
}

/// Returns the finding of a check, also of one that panics.
fn judge<V: Verdict>(check: impl FnOnce() -> V) -> Result<(), String> {
    catch(|| check().into_verdict()).and_then(|verdict| verdict)
}

/// Returns the value of `code`, or the text of its panic.
fn catch<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    // Unwind safe: only the check sees state that the code has broken, and such state is its purpose.
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| panic_text(payload.as_ref()).to_owned())
}
