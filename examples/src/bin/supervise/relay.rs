//! Passes the signals on that this program receives.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use cancelable_core::{CancellationToken, Cause, Reason};
use common::message;
use rt::{Disposition, Escalation, Process, Signal, SignalGuard, Step, StopSignal, WatchError};

/// Requests to end, from the first of which the grace counts.
const REQUESTS: &[&str] = &["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"];
/// What else others send, and a program may have inherited: an alarm of its starter goes off in it.
const OTHERS: &[&str] = &["SIGALRM", "SIGUSR1", "SIGUSR2"];

/// The signals that were received and not passed on yet.
pub(crate) struct Relay {
    polite: StopSignal,
    received: Receiver<Signal>,
    guards: (SignalGuard, Option<SignalGuard>),
}

/// Has this thread, and those that it starts, receive what the starter of this program had blocked:
/// nobody could end supervise otherwise.
#[cfg(target_os = "linux")]
pub(crate) fn unblock() {
    // Without it what was blocked stays so.
    let _ = nix::sys::signal::SigSet::all().thread_unblock();
}

impl Relay {
    /// Watches those signals by which people end a program, and the one that is set; and those
    /// others that would end supervise and leave the command behind.
    ///
    /// A signal that was ignored at the start stays so, in the command, too, as `nohup` and the
    /// background jobs of a script have it. Only the one that is set reaches the command in any case,
    /// or it would hear of no limit.
    pub(crate) fn watch(polite: StopSignal) -> Result<Self, WatchError> {
        let (sender, received) = channel();
        let pass_on = Step::call(move |signal| {
            // Nobody listens any more once the command has ended.
            let _ = sender.send(signal);
        });
        let set = polite.name().parse::<Signal>().ok();
        let names = REQUESTS.iter().chain(OTHERS).copied();
        // Not all systems have them.
        let signals = names.flat_map(str::parse::<Signal>).chain(set);
        let guard = Escalation::new(&CancellationToken::never())
            .signals(signals)
            .first(pass_on.clone())
            .third(pass_on)
            // What comes twice is passed on twice: the command decides what that means.
            .merge_within(Duration::ZERO)
            .start()?;
        let set = set.filter(|signal| Disposition::of(*signal) == Disposition::Ignored);
        let unheard = match set {
            // Caught, it is the default for what is started.
            Some(signal) => Some(
                Escalation::new(&CancellationToken::never())
                    .signals([signal])
                    .first(Step::ignore())
                    .third(Step::ignore())
                    .even_if_ignored()
                    .start()?,
            ),
            None => None,
        };
        Ok(Self {
            polite,
            received,
            guards: (guard, unheard),
        })
    }

    /// Passes on to `process` what was received and will be. The first signal is a request to end,
    /// from which the grace counts.
    pub(crate) fn begin(
        self,
        process: &Arc<Process>,
        limit: &CancellationToken,
        verbose: bool,
    ) -> io::Result<()> {
        let Self {
            polite,
            received,
            guards,
        } = self;
        let limited = Arc::clone(process);
        // Runs before the process hears of the limit itself, so the process is asked here, or told
        // again if a signal was passed on before.
        let on_limit = limit.on_cancel(move |cause| {
            if verbose {
                let why = cause.without_location();
                message(format_args!("supervise: sending {polite}: {why}"));
            }
            if !limited.terminate(cause.clone()) {
                limited.signal(polite);
            }
        });
        on_limit.detach();
        let process = Arc::clone(process);
        let pass_on = move || {
            let _guards = guards;
            for signal in received {
                if verbose {
                    message(format_args!("supervise: passing {signal} on"));
                }
                let cause = Cause::new(Reason::Signal {
                    number: signal.number(),
                    name: signal.name(),
                });
                let is_request =
                    REQUESTS.contains(&signal.name()) || signal.name() == polite.name();
                if !is_request || !process.terminate_with(signal, cause) {
                    process.signal(signal);
                }
            }
        };
        thread::Builder::new()
            .name("signals passed on".into())
            .spawn(pass_on)?;
        Ok(())
    }
}
