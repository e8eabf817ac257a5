//! Signals as causes of cancellation, on any runtime and on none.
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
//!     println!("stopped after page {page}");
//!     stop.check()?; // Error: cancelled: SIGINT received (set at src/main.rs:7)
//!     Ok(())
//! }
//! ```
//!
//! # Guides
//!
//! [signals and shutdown], [sources], [scopes], [child processes], [all guarantees].
//!
//! [signals and shutdown]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/signals/index.html
//! [sources]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/sources/index.html
//! [scopes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/scopes/index.html
//! [child processes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/processes/index.html
//! [all guarantees]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/semantics/index.html
//!
//! # One thread for all signals
//!
//! One thread of the process reads signals and cancels [tokens](cancelable_core::CancellationToken), so the same lines
//! serve a program of plain threads and a program on any async runtime.
//!
//! # Watching a signal
//!
//! | item | effect |
//! |---|---|
//! | [`cancel_on_signal`] | cancels a token at the first signal |
//! | [`Escalation`] | takes a step at the first signal, at the second, and at each later one |
//! | [`ctrl_c`], [`terminate`], [`shutdown`], [`signal()`], [`signals`] | sources for a scope; the adapter crates have them too, under the feature `signals` |
//! | [`dump_on_signal`] | prints the open operations of a registry |
//!
//! Any number of watchers may watch one signal, and each receives it.
//!
//! # The way of a signal
//!
//! No signal is lost. A signal reaches its watchers. Without a watcher the signal has the effect that it had before
//! it was first watched ([`Disposition`]): usually the process ends, and its parent sees that the signal ended it.
//! The previous disposition is in force again when the last watcher is gone, and for every signal after the signal
//! for which [`cancel_on_signal`] or a source was waiting.
//!
//! A source puts its signal on record in the scope at once, even if the scope is not polled, and watches until the
//! finalizers of the scope have ended. A source cannot put a signal on record if the scope was cancelled for
//! another cause, or if the source was dropped before it had returned its cause. Such a signal is served once more,
//! as if it came then.
//!
//! The same signal within a short time of the first is the same request. Wrappers send a signal twice:
//! `timeout -s INT` signals its child and then the child's group, and a program that passes signals on repeats the
//! signals that the terminal has sent to all. A repeat within 100 ms takes no step of an [`Escalation`], does not end a
//! process in which the first signal has just ended the last watcher, and does not reach a watcher that was made since
//! the first. The time counts from the first signal; `merge_within` of a source, a guard and an escalation sets another
//! time, and with zero each signal is a request. Another signal is always another request. [`dump_on_signal`] answers
//! each signal.
//!
//! A signal that the process was started to ignore, as `nohup` and the background jobs of a shell do, stays ignored:
//! sources do not receive the signal, unless `even_if_ignored` is called. A Rust program ignores `SIGPIPE` from its
//! start.
//!
//! A program that was stopped by a signal ends by that signal after its cleanup: [`exit_by`]. After an exit code, even
//! 130, a shell continues its loop.
//!
//! A cancel runs callbacks of the token's users. The callbacks do not run on the thread that reads signals. A callback
//! that hangs keeps its own thread, so the second Ctrl+C and the other watchers are still served. The steps of one
//! watcher are taken by one thread at a time, and signals of one kind that come meanwhile are merged: the number of
//! threads does not grow with the number of signals.
//!
//! # Limits
//!
//! - The system's handler for a signal is not changed back, because no safe interface can do so; the handler of
//!   this crate stays and applies the previous disposition. Programs that this process starts get the default, as
//!   with any handler.
//! - The previous disposition is read from the system on Linux and Android. On other Unix systems the default is
//!   presumed, even for a signal that is ignored, until [`Disposition::assume`] is called.
//! - A handler that another part of the program installs *after* the handler of this crate is not detected. Call
//!   [`assume`](Disposition::assume) with [`Disposition::Handled`] for its signal; otherwise the default action is taken
//!   when no watcher is left. A handler that was installed before is called for every signal, beside the watchers.
//! - Signals of one kind that arrive faster than they are read are merged, as the system does.
//! - `SIGIO`, `SIGPWR`, `SIGSTKFLT` and the real-time signals end a process on Linux; here their default action is an
//!   exit with the status that a shell reports for that death: 128 and the number.
//! - signal-hook, on which this crate is built, drops a signal that comes in the microsecond in which the signal is
//!   watched for the first time in the process.
//! - Windows has `SIGINT` only, which is Ctrl+C; Ctrl+Break counts as `SIGINT` once that is watched. The `ctrlc` crate
//!   cannot be used beside this crate there.
//! - A forked process has the handlers of this crate until it executes a program, and no thread that reads signals. A
//!   signal that it receives before that does not reach its parent, and in the forked process only the default action
//!   is taken, if that was in force. A process that executes nothing must not watch signals.

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
