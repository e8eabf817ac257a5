//! The state of a process, shared by its handle, its token's callback, the thread that waits for it, and the timer of its
//! grace period.
//!
//! 1. `target` is `Some` until the status of the process is taken, which frees its number. A signal is sent under
//!    the lock with the target in hand, and the target is taken under the lock before the status is. So no signal
//!    is sent to a number that another process may have.
//! 2. `request` is set once, by the first request, before the stop signal is sent.
//! 3. `end` is set once, after `target` was taken, and then `ended` is cancelled. `ended` is a token, because a token wakes
//!    its waiters outside any lock, and a waker that panics stops no other.
//!
//! No user code runs under the lock: wakers, callbacks, the drop of registrations, and the log come after it is released.
//! So there is no lock order to keep.

use crate::error::Kind;
use crate::os::Target;
#[cfg(unix)]
use crate::os::job::Job;
use crate::{ProcessError, ProcessOutcome, StopSignal};
use cancelable_core::cause::escaped;
use cancelable_core::token::{CallbackRegistration, isolate};
use cancelable_core::{CancellationToken, Cause, Reason, RuntimeHandle};
use parking_lot::Mutex;
#[cfg(unix)]
use rustix::process::Pid;
use std::future::{Future, poll_fn};
use std::io;
#[cfg(target_os = "linux")]
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// The longest wait for the rest of a group after the kill. The system ends a killed process at once, unless the process
/// hangs in the system or belongs to another user.
#[cfg(target_os = "linux")]
pub(crate) const AFTER_KILL: Duration = Duration::from_secs(2);

pub(crate) type End = Result<ProcessOutcome, ProcessError>;

pub(crate) struct Shared {
    pub(crate) name: Arc<str>,
    pub(crate) runtime: RuntimeHandle,
    pub(crate) grace: Duration,
    stop_signal: StopSignal,
    state: Mutex<State>,
    /// The token that is cancelled at the end, and that waiters wait for. No other code has this token.
    ended: CancellationToken,
}

struct State {
    /// The target of signals. While it is `Some`, the holder of the lock may send a signal.
    target: Option<Target>,
    request: Option<Cause>,
    killed: bool,
    end: Option<End>,
    registration: Option<CallbackRegistration>,
    #[cfg(target_os = "linux")]
    rest: Rest,
}

/// The wait for the rest of a group whose leader has ended.
///
/// | `alarm` | `timed` | state |
/// |---|---|---|
/// | none | false | no thread waits, or the wait is over |
/// | some | false | the thread waits, and the group was not killed |
/// | some | true | the thread waits, and a timer bounds the wait |
#[cfg(target_os = "linux")]
#[derive(Default)]
struct Rest {
    /// The socket whose drop wakes the thread that waits.
    alarm: Option<UnixStream>,
    /// True if the time after the kill is measured.
    timed: bool,
    /// True if the time after the kill has passed.
    is_over: bool,
    /// True if the runtime has dropped the timer.
    is_lost: bool,
}

impl Shared {
    pub(crate) fn new(
        name: Arc<str>,
        runtime: RuntimeHandle,
        grace: Duration,
        stop_signal: StopSignal,
        target: Target,
    ) -> Arc<Self> {
        let state = State {
            target: Some(target),
            request: None,
            killed: false,
            end: None,
            registration: None,
            #[cfg(target_os = "linux")]
            rest: Rest::default(),
        };
        Arc::new(Self {
            name,
            runtime,
            grace,
            stop_signal,
            state: Mutex::new(state),
            ended: CancellationToken::new(),
        })
    }

    /// Returns the name, escaped for a log.
    pub(crate) fn shown(&self) -> String {
        escaped(&self.name).to_string()
    }

    /// Sends the stop signal. Returns false if the process has ended or was terminated before.
    pub(crate) fn terminate(self: &Arc<Self>, signal: Option<StopSignal>, cause: &Cause) -> bool {
        let signal = signal.unwrap_or(self.stop_signal);
        let mut state = self.state.lock();
        if state.request.is_some() || state.target.is_none() {
            return false;
        }
        state.request = Some(cause.clone());
        let sent = match (self.grace.is_zero(), &state.target) {
            (true, _) | (_, None) => state.kill(),
            (false, Some(target)) => {
                let sent = target.terminate(signal);
                state.killed = target.kills(signal);
                sent
            }
        };
        let killed = state.killed;
        drop(state);
        isolate("a logger", || {
            let name = self.shown();
            let signal = match killed {
                true => "the kill",
                false => signal.name(),
            };
            log::debug!(target: "cancelable", process = &*name, cause:% = cause; "{name} is sent {signal}");
        });
        self.note(sent);
        match killed {
            true => self.killed(),
            false => self.start_grace(),
        }
        true
    }

    /// Starts the grace period: kills the group at its end, or when the runtime drops the task.
    fn start_grace(self: &Arc<Self>) {
        let kill = KillAtDrop(Arc::clone(self));
        let shared = Arc::clone(self);
        // The time counts from here, and not from the start of the task.
        let sleep = self.runtime.sleep(self.grace);
        let task = async move {
            either(pin!(shared.ended()), pin!(sleep)).await;
            // Does nothing if the process has ended.
            drop(kill);
        };
        drop(self.runtime.spawn(task));
    }

    /// Kills the group. Returns false if the process has ended.
    pub(crate) fn kill(self: &Arc<Self>, cause: &Cause) -> bool {
        self.kill_at(log::Level::Debug, cause)
    }

    fn kill_at(self: &Arc<Self>, level: log::Level, cause: &Cause) -> bool {
        let mut state = self.state.lock();
        if state.target.is_none() {
            return false;
        }
        state.request.get_or_insert_with(|| cause.clone());
        let sent = state.kill();
        drop(state);
        isolate("a logger", || {
            let name = self.shown();
            log::log!(target: "cancelable", level, process = &*name, cause:% = cause; "{name} is killed: {cause}");
        });
        self.note(sent);
        self.killed();
        true
    }

    /// Sends a signal that is not a stop signal. Returns whether it was sent.
    pub(crate) fn send(&self, signal: StopSignal) -> bool {
        let state = self.state.lock();
        let Some(target) = &state.target else {
            return false;
        };
        let sent = target.send(signal);
        drop(state);
        let is_sent = sent.is_ok();
        self.note(sent);
        is_sent
    }

    /// Sets the state after a kill, for a test.
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn pretend_it_was_killed(&self) {
        let mut state = self.state.lock();
        state.request = Some(Cause::from("a test"));
        state.killed = true;
    }

    fn note(&self, sent: io::Result<()>) {
        if let Err(error) = sent {
            // Some systems refuse a signal to a group of zombies.
            isolate("a logger", || {
                let name = self.shown();
                log::debug!(target: "cancelable", process = &*name; "a signal was not sent to {name}: {error}");
            });
        }
    }

    /// Keeps a registration until the process has ended.
    pub(crate) fn keep(&self, registration: CallbackRegistration) {
        let mut state = self.state.lock();
        if state.end.is_none() {
            state.registration = Some(registration);
        } else {
            drop(state);
            registration.unregister();
        }
    }

    /// Returns the group for whose rest the thread has to wait after the end of the leader, if the process was
    /// terminated.
    #[cfg(unix)]
    pub(crate) fn rest(&self) -> Option<Pid> {
        let state = self.state.lock();
        match state.request.is_some() {
            true => state.target.as_ref().and_then(Target::group),
            false => None,
        }
    }

    /// Begins or continues the wait for the rest of the group. The returned stream ends when the time after the kill has
    /// passed, or the runtime has dropped its timer.
    #[cfg(target_os = "linux")]
    pub(crate) fn begin_to_wait_for_the_rest(self: &Arc<Self>) -> io::Result<UnixStream> {
        let (alarm, ringer) = UnixStream::pair()?;
        let mut state = self.state.lock();
        if !state.rest.is_over && !state.rest.is_lost {
            state.rest.alarm = Some(ringer);
        }
        let killed = state.killed;
        drop(state);
        if killed {
            self.killed();
        }
        Ok(alarm)
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn has_given_up(&self) -> bool {
        self.state.lock().rest.is_over
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn has_lost_its_clock(&self) -> bool {
        self.state.lock().rest.is_lost
    }

    /// Bounds the wait for the rest of the group, if there is a wait. The group was killed.
    #[cfg(target_os = "linux")]
    fn killed(self: &Arc<Self>) {
        let mut state = self.state.lock();
        let is_first = state.rest.alarm.is_some() && !state.rest.timed;
        state.rest.timed |= is_first;
        drop(state);
        if !is_first {
            return;
        }
        let mut give_up = GiveUpAtDrop {
            shared: Arc::clone(self),
            is_over: false,
        };
        let shared = Arc::clone(self);
        let sleep = self.runtime.sleep(AFTER_KILL);
        let task = async move {
            either(pin!(shared.ended()), pin!(sleep)).await;
            give_up.is_over = true;
            drop(give_up);
        };
        drop(self.runtime.spawn(task));
    }

    /// Does nothing: on this system there is no wait for the rest of a group.
    #[cfg(not(target_os = "linux"))]
    fn killed(&self) {}

    /// Returns whether the process is a job of a terminal.
    #[cfg(unix)]
    pub(crate) fn is_job(&self) -> bool {
        self.on_job(|_| ()).is_some()
    }

    /// Handles a stop of the job. Returns whether this program's group is to be stopped as well.
    #[cfg(unix)]
    pub(crate) fn stopped(&self, signal: i32) -> bool {
        self.on_job(|job| job.stopped(signal)) == Some(true)
    }

    /// Continues the job.
    #[cfg(unix)]
    pub(crate) fn resume(&self) {
        self.on_job(Job::resume);
    }

    /// Takes the terminal back from a job that has ended. Returns whether the job had the terminal.
    #[cfg(unix)]
    pub(crate) fn take_terminal_back(&self) -> bool {
        self.on_job(Job::take_back) == Some(true)
    }

    #[cfg(unix)]
    fn on_job<T>(&self, act: impl FnOnce(&mut Job) -> T) -> Option<T> {
        let mut state = self.state.lock();
        let job = state.target.as_mut()?.job.as_mut()?;
        let (result, refused) = (act(job), job.refused());
        drop(state);
        self.note(refused);
        Some(result)
    }

    /// Ends the sending of signals: the leader has ended and its status will be taken.
    ///
    /// If the process was terminated, the rest of its group is killed first. On a system that lists the members of a group
    /// there is no rest, or the rest was killed before. Returns the group if it was killed.
    #[cfg(unix)]
    pub(crate) fn close(&self) -> Option<Pid> {
        let mut state = self.state.lock();
        let target = state.target.take();
        let is_terminated = state.request.is_some();
        // Not counted as a kill of the process, which has ended before.
        let target = target.filter(|target| is_terminated && target.group().is_some());
        let sent = target.as_ref().map_or(Ok(()), Target::kill);
        drop(state);
        self.note(sent);
        target.and_then(|target| target.group())
    }

    /// Sets the end of the process, whose number is free now.
    pub(crate) fn end(&self, status: io::Result<ExitStatus>) {
        let mut state = self.state.lock();
        state.target = None;
        state.end = Some(match status {
            Ok(status) => Ok(ProcessOutcome::new(
                Arc::clone(&self.name),
                status,
                state.request.clone(),
                state.killed,
            )),
            Err(error) => Err(ProcessError::new(&self.name, Kind::Lost(Arc::new(error)))),
        });
        let registration = state.registration.take();
        drop(state);
        if let Some(registration) = registration {
            // Does not wait for a callback on another thread, as the drop would.
            registration.unregister();
        }
        let ended = Cause::new(Reason::Source).with_message(format!("{} has ended", self.name));
        self.ended.cancel_with(ended);
    }

    pub(crate) fn try_end(&self) -> Option<End> {
        self.state.lock().end.clone()
    }

    /// Waits for the end. Ends: in the second turn at the latest, because the end is set before the token is cancelled.
    pub(crate) async fn ended(&self) -> End {
        loop {
            if let Some(end) = self.try_end() {
                return end;
            }
            self.ended.cancelled().await;
        }
    }

    /// Waits as [`ended`](Self::ended) does, and blocks the thread.
    pub(crate) fn wait_for_end(&self) -> End {
        loop {
            if let Some(end) = self.try_end() {
                return end;
            }
            self.ended.wait();
        }
    }
}

impl State {
    fn kill(&mut self) -> io::Result<()> {
        let Some(target) = &self.target else {
            return Ok(());
        };
        self.killed = true;
        target.kill()
    }
}

/// A guard that kills the group in its drop: at the end of the grace period, and also when the runtime drops the task, so
/// that a runtime that shuts down leaves no process behind.
struct KillAtDrop(Arc<Shared>);

impl Drop for KillAtDrop {
    fn drop(&mut self) {
        // The cause is only logged: a request is on record before the grace period starts.
        let cause = Cause::from("its grace period was over");
        self.0.kill_at(log::Level::Warn, &cause);
    }
}

/// A guard that ends the wait for the rest of a group in its drop. If the runtime drops the task early, the system
/// measures the time instead.
#[cfg(target_os = "linux")]
struct GiveUpAtDrop {
    shared: Arc<Shared>,
    is_over: bool,
}

#[cfg(target_os = "linux")]
impl Drop for GiveUpAtDrop {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        match self.is_over {
            true => state.rest.is_over = true,
            false => state.rest.is_lost = true,
        }
        state.rest.alarm = None;
    }
}

/// Waits for the first of two futures.
///
/// Wakes: both futures are polled before it is pending, so both have the waker.
async fn either(
    mut first: impl Future<Output = End> + Unpin,
    mut second: impl Future<Output = ()> + Unpin,
) {
    poll_fn(|cx| {
        let ended = Pin::new(&mut first).poll(cx).is_ready();
        match ended || Pin::new(&mut second).poll(cx).is_ready() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}
