//! The names of signals, so that a misspelt one does not wait for its platform to be found.

/// Those that some system has and a process may catch.
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

/// Those that nobody may catch, or that no handler can deal with.
const FORBIDDEN: [&str; 5] = ["SIGFPE", "SIGILL", "SIGKILL", "SIGSEGV", "SIGSTOP"];

/// What is wrong with the name of a signal.
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
