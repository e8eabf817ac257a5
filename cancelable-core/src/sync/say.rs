//! A line to the log. The logger is a user's, and so may be the words: a panic of either ends here.

use super::isolate::isolate;
use log::Level;

/// As `log::log!` under the library's target, with the level's bare name before the rest. A level
/// that is off costs one check, and nothing of the line is looked at.
///
/// Must be said with no lock held.
macro_rules! say {
    ($level:ident, $($line:tt)+) => {
        if $crate::sync::is_logged(log::Level::$level) {
            $crate::sync::to_logger(&|| {
                log::log!(target: "cancelable", log::Level::$level, $($line)+);
            });
        }
    };
}
pub(crate) use say;

/// Whether a line of this level goes to the logger.
#[inline]
pub(crate) fn is_logged(level: Level) -> bool {
    level <= log::STATIC_MAX_LEVEL && level <= log::max_level()
}

/// Out of line, so that a level that is off leaves the check alone where the line is said; and not
/// compiled anew for each line.
#[cold]
#[inline(never)]
pub(crate) fn to_logger(line: &dyn Fn()) {
    isolate("a logger", line);
}
