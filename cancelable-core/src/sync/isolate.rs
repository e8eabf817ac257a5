//! Isolation of user code: a panic of it stops no other code.

use super::escape::escape;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of panics that were caught. Outside loom's model: no protocol depends on this counter, and loom has no
/// statics.
static ISOLATED: AtomicU64 = AtomicU64::new(0);

/// Returns the number of panics of wakers, callbacks and other user code that this process has caught so far.
///
/// A panic of such code must not prevent other notifications of the same cancellation, so the panic is caught and
/// logged. A growing number means that some user code is broken.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::token::isolated_panics;
///
/// let before = isolated_panics();
/// let token = CancellationToken::new();
/// token.on_cancel(|_| panic!("a broken callback")).detach();
/// token.cancel();
/// assert!(isolated_panics() > before);
/// ```
#[must_use]
pub fn isolated_panics() -> u64 {
    // Relaxed: a statistic; it orders nothing.
    ISOLATED.load(Ordering::Relaxed)
}

/// Runs `code` and catches its panic, which is logged with `what` and [counted](isolated_panics). Returns whether there
/// was no panic.
///
/// Hidden: for the crates of this workspace, which call user code where a panic would do harm: in the thread of a
/// signal, on a thread that serves other callers too, in a `Drop`. Requires that no lock is held: `code`, the logger and
/// the drop of the panic's payload are user code.
pub fn isolate(what: &str, code: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(()) => true,
        Err(payload) => {
            report(what, payload);
            false
        }
    }
}

/// Counts and logs a panic. Compiled once, where [`isolate`] is compiled for each closure.
#[cold]
#[inline(never)]
fn report(what: &str, payload: Box<dyn Any + Send>) {
    // Relaxed: see above.
    ISOLATED.fetch_add(1, Ordering::Relaxed);
    // The logger is user code and may panic, as may the drop of the payload. Each is caught separately, because a
    // second panic while the first unwinds would abort.
    catch(|| {
        let (what, text) = (escape(what), escape(panic_text(payload.as_ref())));
        log::error!(
            target: "cancelable", what = &*what, panic = &*text;
            "{what} panicked: {text}"
        );
    });
    catch(|| drop(payload));
}

/// Returns the result of `code`; `None` if `code` panicked. The panic is counted and not logged, because a logger may
/// be the caller.
pub(super) fn attempt<T>(code: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(code)).map_err(count).ok()
}

/// Counts a panic.
#[cold]
#[inline(never)]
fn count(payload: Box<dyn Any + Send>) {
    // Relaxed: see above.
    ISOLATED.fetch_add(1, Ordering::Relaxed);
    catch(|| drop(payload));
}

/// Catches a panic of `code`. The payload is leaked, because its drop might panic again, without end.
fn catch(code: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(code)) {
        std::mem::forget(payload);
    }
}

/// Returns the text of a panic's payload, or a placeholder.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is not text")
}
