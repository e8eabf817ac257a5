//! Child processes that end with the work they belong to, on any async runtime.
//!
//! A [`Command`] starts a process in a process group of its own. When its operation is cancelled
//! the whole group is asked to end, with `SIGTERM` unless said otherwise, and what still runs after
//! a period of grace is killed. Whoever waits is told both: how the process ended, and that it was
//! asked to and why.
//!
//! # Examples
//!
//! ```no_run
//! use cancelable_core::{RuntimeHandle, Scope};
//! use cancelable_process::Command;
//! use std::time::Duration;
//!
//! # async fn run(runtime: RuntimeHandle) -> Result<(), Box<dyn std::error::Error>> {
//! let scope = Scope::builder("backup")
//!     .runtime(&runtime)
//!     .timeout(Duration::from_secs(600))
//!     .build()?;
//! let outcome = scope.try_run(async |op| {
//!     let dump = Command::new("pg_dump")
//!         .args(["--file", "backup.sql", "shop"])
//!         .grace(Duration::from_secs(5))
//!         .spawn(&op)?;
//!     dump.wait().await
//! });
//! // After ten minutes pg_dump gets its SIGTERM, and five seconds later SIGKILL, if need be.
//! // The run is over when it is.
//! println!("{:?}", outcome.await.complete()?);
//! # Ok(())
//! # }
//! ```
//!
//! # What ends, and when
//!
//! - [`Command::spawn`] makes the process a part of a scope. The scope does not end before the
//!   process has: whichever way the body ends, a process that still runs then is asked to end, and
//!   the end of the scope waits for it, within its
//!   [cleanup budget](cancelable_core::scope::ScopeBuilder::cleanup_budget).
//! - [`Command::spawn_on`] takes a runtime and a token instead, for use without a scope.
//! - Dropping a [`Process`] that still runs asks it to end. The period of grace and the kill follow
//!   in the background. [`Process::detach`] gives it up instead.
//! - If the runtime goes away during the period of grace, the group is killed at once.
//! - The wait of a process that was asked ends when nothing of its group runs any more: what its
//!   leader left behind has the rest of the grace too, and after a kill it is waited for as well, for
//!   two seconds at most, since a process that hangs in the system, or is another user's, does not
//!   end. On systems other than Linux, which do not tell what a group consists of, the rest is killed
//!   as soon as the leader has ended.
//! - A process that came to the kill because its grace was over is told of in the log, as a warning.
//! - A process that ends without having been asked may leave others behind, as a shell does that
//!   has started a server; they are let be. A pipe that they hold open holds up nobody:
//!   [`Command::output`] takes what is in it when the process has ended.
//! - A process that exits with 0 after it was asked has still been asked, and
//!   [`ProcessOutcome::check`] says so.
//!
//! # How a signal finds its group
//!
//! A process group has the number of the process that leads it, and a number is free for another
//! as soon as that process has ended and its parent has looked at it. So a process that ended is
//! left as it is, a zombie, until no signal is to be sent any more; only then is its status taken,
//! and no signal is sent from then on. None can reach a stranger.
//!
//! # Limits
//!
//! - A process that moves to another group or session, as daemons do, has left, and hears nothing.
//! - A group of its own is in the background of a terminal: reading from it stops the process.
//!   [`Command::job_control`] hands the terminal over, as a shell does; [`Command::foreground`] keeps
//!   the process in this program's group, and then signals are for it alone.
//! - A process starts to ignore what this program was started to ignore, as `nohup` wants it. A polite
//!   signal among these is not heard, and the grace ends in the kill.
//! - One thread waits for each process, and one more reads its output if it is captured.
//! - Signals for real time cannot be sent.
//! - If this program is killed, its processes live on: nobody is left to ask them.
//! - `SIGCHLD` is caught from the first process on. While it is ignored, as the starter of this program
//!   may have left it, the system throws exit statuses away.
//! - It needs `waitid`, which OpenBSD does not have.
//! - On Windows there are no process groups and no polite signal: asking *is* the kill, of the
//!   process itself and not of those that it has started. The period of grace bounds how long
//!   [`Command::output`] waits there for pipes that others hold open.

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
