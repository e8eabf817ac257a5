//! The names of signals. A misspelt name is an error on every platform.

/// The signals of any system that a process may catch.
const CATCHABLE: [&str; 30] = [
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCONT",
    "SIGEMT",
    "SIGHUP",
    "SIGINFO",
    "SIGINT",
    "SIGIO",
    "SIGPIPE",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGSTKFLT",
    "SIGSYS",
    "SIGTERM",
    "SIGTHR",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGLIBRT",
];

/// The signals that no process may catch, or that no handler can return from.
const FORBIDDEN: [&str; 5] = ["SIGFPE", "SIGILL", "SIGKILL", "SIGSEGV", "SIGSTOP"];

/// Checks the name of a signal.
///
/// # Errors
///
/// The message for the user of the attribute.
pub(crate) fn check(name: &str) -> Result<(), String> {
    if CATCHABLE.contains(&name) {
        return Ok(());
    }
    if FORBIDDEN.contains(&name) {
        return Err(format!("{name} cannot be caught"));
    }
    let spelled = format!("SIG{}", name.to_ascii_uppercase().trim_start_matches("SIG"));
    Err(match CATCHABLE.contains(&spelled.as_str()) {
        true => format!("there is no signal {name}: write {spelled}"),
        false => format!("there is no signal {name}"),
    })
}
