//! Relays the signals that this program receives to the command.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use cancelable_core::{CancellationToken, Cause, Reason};
use common::message;
use rt::{Disposition, Escalation, Process, Signal, SignalGuard, Step, StopSignal, WatchError};

/// The signals that request an end. The grace period counts from the first of them.
const REQUESTS: &[&str] = &["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"];
/// Other signals that may arrive, among them the alarm that a program inherits from the process
/// that started it.
const OTHERS: &[&str] = &["SIGALRM", "SIGUSR1", "SIGUSR2"];

/// The signals that were received and not relayed yet.
pub(crate) struct Relay {
    polite: StopSignal,
    received: Receiver<Signal>,
    guards: (SignalGuard, Option<SignalGuard>),
}

/// Unblocks the signals that the process that started this program had blocked, for this thread and
/// for threads that it starts. Otherwise no signal could end supervise.
#[cfg(target_os = "linux")]
pub(crate) fn unblock() {
    // On failure the signals stay blocked.
    let _ = nix::sys::signal::SigSet::all().thread_unblock();
}

impl Relay {
    /// Watches the signals by which people end a program, the configured signal, and the other
    /// signals that would end supervise and leave the command behind.
    ///
    /// A signal that was ignored at the start stays ignored, in the command too, as `nohup` and the
    /// background jobs of a script require. Only the configured signal always reaches the command,
    /// since it announces the time limit.
    pub(crate) fn watch(polite: StopSignal) -> Result<Self, WatchError> {
        let (sender, received) = channel();
        let pass_on = Step::call(move |signal| {
            // The receiver is gone after the end of the command.
            let _ = sender.send(signal);
        });
        let set = polite.name().parse::<Signal>().ok();
        let names = REQUESTS.iter().chain(OTHERS).copied();
        // Not every system has all of them.
        let signals = names.flat_map(str::parse::<Signal>).chain(set);
        let guard = Escalation::new(&CancellationToken::never())
            .signals(signals)
            .first(pass_on.clone())
            .third(pass_on)
            // A repeated signal is relayed each time: its meaning is up to the command.
            .merge_within(Duration::ZERO)
            .start()?;
        let set = set.filter(|signal| Disposition::of(*signal) == Disposition::Ignored);
        let unheard = match set {
            // A caught signal has its default action in a child process.
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

    /// Relays to `process` the signals that were received and those that will be. The first
    /// requests an end, from which the grace period counts.
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
        // Runs before the process is told of the limit, so the signal is sent here, or again if
        // another was relayed before.
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
