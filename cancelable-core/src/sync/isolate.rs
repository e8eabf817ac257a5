//! Running a user's code so that its panic stops nobody else.

use super::escape::escape;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Not loom's: a counter that no protocol depends on, and loom has no statics.
static ISOLATED: AtomicU64 = AtomicU64::new(0);

/// How many panics of wakers, callbacks and other code of the user this process has caught and
/// logged so far.
///
/// A panic of such code must not stop the others that wait for the same cancellation, so it ends
/// where it was raised. A growing number here says that something is broken elsewhere.
#[must_use]
pub fn isolated_panics() -> u64 {
    // Relaxed: a statistic, which orders nothing.
    ISOLATED.load(Ordering::Relaxed)
}

/// Runs `code`; a panic of it is logged with `what`, [counted](isolated_panics), and ends here. True if
/// there was none.
///
/// For a crate that calls its users' code where a panic would do harm: under a signal, on a thread
/// that serves others too, in a `Drop`. It is called with no lock held: `code`, the logger and the
/// drop of the panic's payload are the user's.
///
/// # Examples
///
/// ```
/// use cancelable_core::token::{isolate, isolated_panics};
///
/// let before = isolated_panics();
/// assert!(!isolate("the hook of a gauge", || panic!("out of range")));
/// assert!(isolated_panics() > before);
/// ```
pub fn isolate(what: &str, code: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(()) => true,
        Err(payload) => {
            report(what, payload);
            false
        }
    }
}

/// Counts and logs a panic. Apart from `isolate`, which is compiled for each closure.
#[cold]
#[inline(never)]
fn report(what: &str, payload: Box<dyn Any + Send>) {
    count();
    // The logger is a user's and may panic. So may the drop of the payload, and by itself: while the
    // logger's panic unwinds, a second one would abort.
    contain(|| {
        let (what, text) = (escape(what), escape(panic_text(payload.as_ref())));
        log::error!(
            target: "cancelable", what = &*what, panic = &*text;
            "{what} panicked: {text}"
        );
    });
    contain(|| drop(payload));
}

/// Counts a panic and drops its payload.
#[cold]
#[inline(never)]
fn swallow(payload: Box<dyn Any + Send>) {
    count();
    contain(|| drop(payload));
}

fn count() {
    // Relaxed: a statistic, which orders nothing.
    ISOLATED.fetch_add(1, Ordering::Relaxed);
}

/// What `code` gives; `None` if it panicked, which is counted and not logged: for code that runs where
/// a logger may be at work.
pub(super) fn attempt<T>(code: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(code)).map_err(swallow).ok()
}

/// Ends a panic of `code` here. Its payload is leaked, because dropping it might go on for ever.
fn contain(code: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(code)) {
        std::mem::forget(payload);
    }
}

/// The text of a panic's payload, where it has one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is not text")
}
