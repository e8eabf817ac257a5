//! Lines for the log. The logger is user code, and the text may be: a panic of either is caught here.

use super::isolate::isolate;
use log::Level;

/// Writes a line as `log::log!` does, under the library's target. The first argument is the bare name of the
/// level. A level that is off costs one comparison, and none of the arguments is evaluated.
///
/// Requires that no lock is held.
macro_rules! log {
    ($level:ident, $($line:tt)+) => {
        if $crate::sync::is_logged(log::Level::$level) {
            $crate::sync::call_logger(&|| {
                log::log!(target: "cancelable", log::Level::$level, $($line)+);
            });
        }
    };
}
pub(crate) use log;

/// Returns whether the logger receives lines of this level.
#[inline]
pub(crate) fn is_logged(level: Level) -> bool {
    level <= log::STATIC_MAX_LEVEL && level <= log::max_level()
}

/// Calls the logger in isolation. Out of line, so that a level that is off leaves only the comparison in
/// the caller; `dyn`, so that it is compiled once and not for each line.
#[cold]
#[inline(never)]
pub(crate) fn call_logger(line: &dyn Fn()) {
    isolate("a logger", line);
}
