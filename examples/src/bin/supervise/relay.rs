//! Passes the signals on that this program receives.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use cancelable_core::{CancellationToken, Cause, Reason};
use common::message;
use rt::{Escalation, PoliteSignal, Process, Signal, SignalGuard, Step, WatchError};

/// The signals that were received and not passed on yet.
pub(crate) struct Relay {
    polite: PoliteSignal,
    received: Receiver<Signal>,
    guard: SignalGuard,
}

impl Relay {
    /// Watches those signals by which people end a program, and the one that is set.
    pub(crate) fn watch(polite: PoliteSignal) -> Result<Self, WatchError> {
        let (sender, received) = channel();
        let pass_on = || {
            let sender = sender.clone();
            Step::call(move |signal| {
                // Nobody listens any more once the command has ended.
                let _ = sender.send(signal);
            })
        };
        let names = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", polite.name()];
        // Not all systems have them, and what is set may be SIGKILL.
        let signals = names.into_iter().flat_map(str::parse);
        let guard = Escalation::new(&CancellationToken::never())
            .signals(signals)
            .first(pass_on())
            .second(pass_on())
            .third(pass_on())
            .even_if_ignored()
            // What comes twice is passed on twice: the command decides what that means.
            .merge_within(Duration::ZERO)
            .start()?;
        Ok(Self {
            polite,
            received,
            guard,
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
            guard,
        } = self;
        let asked = Arc::clone(process);
        // Runs before the process hears of the limit itself, so the process is asked here, or told
        // again if a signal was passed on before.
        let on_limit = limit.on_cancel(move |cause| {
            if verbose {
                let why = cause.without_location();
                message(format_args!("supervise: sending {polite}: {why}"));
            }
            if !asked.ask(cause.clone()) {
                asked.signal(polite);
            }
        });
        on_limit.detach();
        let process = Arc::clone(process);
        let pass_on = move || {
            let _guard = guard;
            for signal in received {
                if verbose {
                    message(format_args!("supervise: passing {signal} on"));
                }
                let cause = Cause::new(Reason::Signal {
                    number: signal.number(),
                    name: signal.name(),
                });
                if !process.ask_with(signal, cause) {
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
