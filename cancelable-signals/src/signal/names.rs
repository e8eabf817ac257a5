//! The names and numbers of this platform's signals.

#[cfg(unix)]
pub(super) use unix::{is_forbidden, name_of, number_of};
#[cfg(windows)]
pub(super) use windows::{is_forbidden, name_of, number_of};

#[cfg(unix)]
mod unix {
    use super::super::Problem;
    use signal_hook::consts::{self, FORBIDDEN};

    macro_rules! named {
        ($($(#[$when:meta])* $name:ident)*) => { &[$($(#[$when])* (consts::$name, stringify!($name)),)*] };
    }

    const NAMED: &[(i32, &str)] = named! {
        SIGABRT SIGALRM SIGBUS SIGCHLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGKILL SIGPIPE SIGPROF
        SIGQUIT SIGSEGV SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1
        SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ
        #[cfg(not(target_os = "haiku"))] SIGIO
        #[cfg(any(target_os = "macos", target_os = "freebsd", target_os = "netbsd", target_os = "openbsd", target_os = "dragonfly"))] SIGINFO
    };

    /// Two more signals of Linux, except on architectures with their own numbers.
    const EXTRA: &[(i32, &str)] = match cfg!(all(
        any(target_os = "linux", target_os = "android"),
        not(any(
            target_arch = "mips",
            target_arch = "mips64",
            target_arch = "sparc",
            target_arch = "sparc64"
        )),
    )) {
        true => &[(16, "SIGSTKFLT"), (30, "SIGPWR")],
        false => &[],
    };

    /// The real-time signals of Linux, as glibc counts them: those below 34 belong to the C library.
    const REAL_TIME: &[&str] = match cfg!(any(target_os = "linux", target_os = "android")) {
        true => &[
            "SIGRTMIN",
            "SIGRTMIN+1",
            "SIGRTMIN+2",
            "SIGRTMIN+3",
            "SIGRTMIN+4",
            "SIGRTMIN+5",
            "SIGRTMIN+6",
            "SIGRTMIN+7",
            "SIGRTMIN+8",
            "SIGRTMIN+9",
            "SIGRTMIN+10",
            "SIGRTMIN+11",
            "SIGRTMIN+12",
            "SIGRTMIN+13",
            "SIGRTMIN+14",
            "SIGRTMIN+15",
            "SIGRTMIN+16",
            "SIGRTMIN+17",
            "SIGRTMIN+18",
            "SIGRTMIN+19",
            "SIGRTMIN+20",
            "SIGRTMIN+21",
            "SIGRTMIN+22",
            "SIGRTMIN+23",
            "SIGRTMIN+24",
            "SIGRTMIN+25",
            "SIGRTMIN+26",
            "SIGRTMIN+27",
            "SIGRTMIN+28",
            "SIGRTMIN+29",
            "SIGRTMIN+30",
        ],
        false => &[],
    };
    const FIRST_REAL_TIME: i32 = 34;

    fn all() -> impl Iterator<Item = (i32, &'static str)> {
        let real_time = (FIRST_REAL_TIME..).zip(REAL_TIME.iter().copied());
        NAMED
            .iter()
            .copied()
            .chain(EXTRA.iter().copied())
            .chain(real_time)
    }

    pub(in super::super) fn name_of(number: i32) -> Option<&'static str> {
        all()
            .find(|(known, _)| *known == number)
            .map(|(_, name)| name)
    }

    /// Returns the number of the signal whose name is `SIG` and `bare`.
    pub(in super::super) fn number_of(bare: &str) -> Option<i32> {
        all()
            .find(|(_, name)| name.get(3..) == Some(bare))
            .map(|(number, _)| number)
    }

    /// Returns the reason why the signal may not be watched, if there is one.
    pub(in super::super) fn is_forbidden(number: i32) -> Option<Problem> {
        match number {
            consts::SIGKILL | consts::SIGSTOP => Some(Problem::Reserved),
            _ if FORBIDDEN.contains(&number) => Some(Problem::Fault),
            _ => None,
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::super::{Problem, Signal};

    pub(in super::super) fn name_of(number: i32) -> Option<&'static str> {
        (number == Signal::INT.number).then_some(Signal::INT.name)
    }

    pub(in super::super) fn number_of(bare: &str) -> Option<i32> {
        (bare == "INT").then_some(Signal::INT.number)
    }

    pub(in super::super) fn is_forbidden(_: i32) -> Option<Problem> {
        None
    }
}
