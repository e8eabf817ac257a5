//! Child processes that end with their operation, on any async runtime.
//!
//! ```no_run
//! use cancelable_process::Command;
//! use std::time::Duration;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     rt::block_on(async {
//!         let backup = rt::scope("backup")
//!             .timeout(Duration::from_secs(600))
//!             .try_run(async |op| {
//!                 let dump = Command::new("pg_dump")
//!                     .args(["--file", "backup.sql", "shop"])
//!                     .grace(Duration::from_secs(5))
//!                     .spawn(&op)?;
//!                 dump.wait().await
//!             });
//!         backup.await.complete()?.check()?;
//!         println!("shop saved");
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # Guides
//!
//! [child processes], [scopes], [all guarantees].
//!
//! [child processes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/processes/index.html
//! [scopes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/scopes/index.html
//! [all guarantees]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/semantics/index.html
//!
//! # The stop signal and the grace period
//!
//! A [`Command`] starts a process in a process group of its own. When its operation is cancelled, the group is sent
//! `SIGTERM`, or another [`StopSignal`]. Processes of the group that still run after a grace period are killed. The wait
//! returns both the exit status and the cause of the cancel.
//!
//! # The end of a process
//!
//! - [`Command::spawn`] makes the process a part of a scope. The scope does not end before the process: a process that
//!   still runs when the body ends is terminated, and the end of the scope waits for it, within its
//!   [cleanup budget](cancelable_core::scope::ScopeBuilder::cleanup_budget).
//! - [`Command::spawn_on`] takes a runtime and a token, for use without a scope.
//! - The drop of a [`Process`] that still runs terminates the process. The grace period and the kill follow in the
//!   background. [`Process::detach`] gives the handle up and lets the process run.
//! - If the runtime shuts down during the grace period, the group is killed at once.
//! - The wait for a terminated process ends when no process of its group runs any more. Processes that the leader
//!   has left behind have the rest of the grace period, too. After a kill the wait for them lasts two seconds at
//!   most, because a process that hangs in the system, or belongs to another user, does not end. Systems other than
//!   Linux do not list the members of a group, so there the rest is killed as soon as the leader has ended.
//! - A kill at the end of a grace period is logged as a warning.
//! - A process that ends without a cancel may leave others behind, such as a shell that has started a server. They
//!   are not terminated. A pipe that they hold open delays no call: [`Command::output`] takes the content of the
//!   pipe when the process has ended.
//! - A process that exits with 0 after a cancel was still cancelled: [`ProcessOutcome::check`] is an error.
//!
//! # Signals reach only their group
//!
//! A process group has the number of its leader. That number is free for another process as soon as the leader has ended
//! and its status was taken. So an ended process stays a zombie until no more signal is to be sent. Then its status is
//! taken, and no signal is sent from then on. So no signal can reach another group.
//!
//! # Limits
//!
//! - A process that moves to another group or session, as daemons do, gets no signals.
//! - A group of its own is in the background of a terminal, where a read stops it. [`Command::job_control`] gives the
//!   terminal to the group, as a shell does. [`Command::foreground`] keeps the process in this program's group, and
//!   sends signals to the process only.
//! - A process ignores the signals that this program was started to ignore, as `nohup` requires. If the stop signal is
//!   one of them, the grace period ends in the kill.
//! - One thread waits for each process, and one more thread reads its output if that is captured.
//! - Real-time signals cannot be sent.
//! - If this program is killed, its processes live on.
//! - `SIGCHLD` is caught from the first process on. While `SIGCHLD` is ignored, as the starter of this program may have
//!   left it, the system discards exit statuses.
//! - `waitid` is required, which OpenBSD does not have.
//! - Windows has neither process groups nor a stop signal. There a cancel kills the process at once, and the processes
//!   that it has started live on. The grace period bounds the wait of [`Command::output`] for pipes that other processes
//!   hold open.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(target_os = "openbsd", target_os = "redox"))]
compile_error!("cancelable-process needs `waitid`, which this system does not have");

mod capture;
mod command;
mod error;
mod exit;
mod init;
mod os;
mod outcome;
mod output;

mod process;
mod shared;
mod stop_signal;
mod watch;

pub use command::Command;
pub use error::ProcessError;
pub use exit::exit_as;
pub use init::Init;
pub use outcome::{ProcessFailed, ProcessOutcome};
pub use output::Output;

pub use process::Process;
pub use stop_signal::StopSignal;
