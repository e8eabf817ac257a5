//! Signals as causes of cancellation, on any runtime and on none.
//!
//! One thread for the process reads signals and cancels [tokens](cancelable_core::CancellationToken),
//! so the same lines serve a program of plain threads and a program on any async runtime.
//!
//! # Examples
//!
//! A program that stops after the page it is at:
//!
//! ```no_run
//! use cancelable_core::CancellationToken;
//! use cancelable_signals::{Signal, cancel_on_signal};
//! use std::time::Duration;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let stop = CancellationToken::new();
//!     cancel_on_signal(&stop, Signal::shutdown())?.detach();
//!
//!     let mut page = 0;
//!     while !stop.wait_timeout(Duration::from_millis(200)) {
//!         page += 1;
//!         println!("page {page}");
//!     }
//!     // Press Ctrl+C: "stopped at page 7: SIGINT received (set at src/main.rs:7)".
//!     stop.check().map_err(|error| format!("stopped at page {page}: {}", error.cause()))?;
//!     Ok(())
//! }
//! ```
//!
//! # What watches a signal
//!
//! - [`cancel_on_signal`] cancels a token at the first signal.
//! - [`Escalation`] has a step for the first signal, the second, and those after.
//! - [`ctrl_c`], [`terminate`], [`shutdown`], [`signal()`] and [`signals`] are sources for a scope.
//!   The adapter crates have them too, under the feature `signals`.
//! - [`dump_on_signal`] prints what a registry has open.
//!
//! Any number of them may watch one signal, and each receives it.
//!
//! # What happens to a signal
//!
//! No signal is lost. It reaches those that watch it, or the process does with it what it did
//! before the signal was first watched ([`Disposition`]): as a rule it ends, and its parent sees
//! that the signal ended it. That is so again as soon as the last one has gone, and for every
//! signal after the one that [`cancel_on_signal`] or a source was waiting for.
//!
//! A source puts its signal on record in the scope at once, though nobody polls that, and watches until the
//! finalizers of the scope have ended. A signal that it could not put on record, because the scope was
//! stopping for something else or the source was dropped before it had given its cause, is served once more,
//! as if it came then.
//!
//! The same signal within a short time of the first is the same request. Wrappers send it twice:
//! `timeout -s INT` signals its child and then the child's group, and a program that passes signals on adds
//! to what the terminal has sent to all. So a repeat within 100 ms does not insist, takes no step of an
//! [`Escalation`], and does not end a process in which the first has just ended what watched. Nor is it
//! for what watches since the first. The time counts from the first; `merge_within` of a source, a guard
//! and an escalation sets another, and with zero each signal is a request. Another signal is another
//! request at any time. [`dump_on_signal`] answers each signal.
//!
//! A signal that the process was started to ignore, as `nohup` and background jobs of a shell do,
//! stays ignored: sources do not receive it, unless they ask for it by `even_if_ignored`.
//! A Rust program ignores `SIGPIPE` from its start.
//!
//! A program that a signal has stopped ends by that signal once it has cleaned up: [`exit_by`]. A
//! shell goes on with its loop after an exit code, also 130.
//!
//! Cancelling runs callbacks of the token's users. They run on threads apart from the one that reads
//! signals, and one that hangs keeps its thread, so that it does not keep the second Ctrl+C from being
//! served, nor another watcher. Each watcher's step is taken by one thread at a time, and signals of one
//! kind that come meanwhile are merged: however many come, no more threads are started.
//!
//! # Limits
//!
//! - The system's entry for a signal is not changed back, since no safe interface can; the
//!   handler that stays there does what the entry said. Programs started from this one get the
//!   default, as with any handler.
//! - What was in force before is read from the system on Linux and Android. On other Unix systems
//!   the default is presumed, also for a signal that is ignored, until [`Disposition::assume`]
//!   says otherwise.
//! - A handler that another part of the program installs *after* this crate's cannot be seen.
//!   Say [`Disposition::Handled`] for its signal, or the default action is taken when no source is
//!   left. A handler that was there before is called for every signal, beside the sources.
//! - Signals of one kind that arrive faster than they are read are merged, as the system does.
//! - `SIGIO`, `SIGPWR`, `SIGSTKFLT` and the signals for real time end a process on Linux; here
//!   their default action is to exit with the status that a shell reports for it, 128 and the
//!   number.
//! - signal-hook, on which this is built, lets a signal pass unnoticed if it comes in the
//!   microsecond in which that signal is watched for the first time in the process.
//! - On Windows there is `SIGINT` only, which is Ctrl+C; Ctrl+Break counts as that once it is
//!   watched. The `ctrlc` crate cannot be used beside this one there.
//! - A process that was forked has this crate's handlers until it executes a program, and no thread that
//!   reads. What it receives meanwhile goes no further: not to its parent, and in itself only to the default
//!   action where that was in force. A process that executes nothing must not watch signals.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod delivery;
mod disposition;
mod dump;
mod error;
mod escalation;
mod exit;
mod guard;
mod os;
mod signal;
mod source;
mod step;
mod watch;
mod work;

pub use disposition::Disposition;
pub use dump::{dump_on_signal, dump_on_signal_to};
pub use error::WatchError;
pub use escalation::Escalation;
pub use exit::exit_by;
pub use guard::{SignalGuard, cancel_on_signal};
pub use signal::{InvalidSignal, Signal};
pub use source::{SignalSource, ctrl_c, shutdown, signal, signals, terminate};
pub use step::Step;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
