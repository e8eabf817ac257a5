//! The end of a program that wraps another program.

use std::process::ExitStatus;

/// Ends this program in the way in which a process has ended: with the exit code of `status`, or by its signal. So the
/// parent of this program sees the same end, and a shell ends its loop after a Ctrl+C.
///
/// Call it last, in `main`. No destructor runs. A signal causes no core dump of this program, because the core dump of
/// the process is the useful one.
///
/// If the signal cannot end this program, it exits with 128 and the signal's number: see
/// [`exit_by`](cancelable_signals::exit_by).
///
/// # Examples
///
/// ```no_run
/// use cancelable_process::{Init, exit_as};
/// use std::process::Command;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     exit_as(Init::new(Command::new("/srv/server")).status()?)
/// }
/// ```
pub fn exit_as(status: ExitStatus) -> ! {
    #[cfg(unix)]
    if let Some(number) = std::os::unix::process::ExitStatusExt::signal(&status) {
        die_of(number);
    }
    std::process::exit(crate::outcome::code(status))
}

#[cfg(unix)]
fn die_of(number: i32) -> ! {
    use rustix::process::{Resource, Rlimit};

    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // An error is harmless: there is a second core dump.
    let _ = rustix::process::setrlimit(Resource::Core, none);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // For a system that passes core dumps to a program regardless of the limit.
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    if let Ok(signal) = cancelable_signals::Signal::try_from(number) {
        cancelable_signals::exit_by(signal);
    }
    // A signal that no program may watch. Process 1 cannot die of it.
    if std::process::id() != 1 {
        let _ = signal_hook::low_level::emulate_default_handler(number);
    }
    std::process::exit(128 + number)
}
