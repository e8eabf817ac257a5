//! A process as all that have to do with it share it: its handle, its token, the thread that
//! watches it, the timer that ends its grace.
//!
//! 1. `target` is there until the status of the process is taken, which frees its number. A signal
//!    is sent under the lock with the target in hand, and the target is taken out under the lock
//!    before the status is: so no signal goes to a number that may be another's.
//! 2. `asked` is set once, by the first who asks, before the polite signal is sent.
//! 3. `end` is set once, after `target` was taken out, and then `ended` is cancelled. It is a token because
//!    who waits for one is woken outside of any lock, and a waker that panics stops no other.
//!
//! Nothing of a user's runs under the lock: wakers, callbacks and their registrations, and the
//! log, are dealt with outside it. So there is no order of locks to keep.

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

/// How long what is left of a group has to end after the kill. The system ends a killed process at
/// once, unless that hangs in the system or is another user's.
#[cfg(target_os = "linux")]
pub(crate) const AFTER_KILL: Duration = Duration::from_secs(2);

pub(crate) type End = Result<ProcessOutcome, ProcessError>;

pub(crate) struct Shared {
    pub(crate) name: Arc<str>,
    pub(crate) runtime: RuntimeHandle,
    pub(crate) grace: Duration,
    stop_signal: StopSignal,
    state: Mutex<State>,
    /// Cancelled at the end, for those who wait for that. Nobody else has it.
    ended: CancellationToken,
}

struct State {
    /// Having it, under the lock, entitles to send a signal.
    target: Option<Target>,
    request: Option<Cause>,
    killed: bool,
    end: Option<End>,
    registration: Option<CallbackRegistration>,
    #[cfg(target_os = "linux")]
    rest: Rest,
}

/// The wait for what is left of a group whose leader has ended.
///
/// | `alarm` | `timed` | state |
/// |---|---|---|
/// | none | false | nobody waits, or the wait is over |
/// | some | false | it waits, and nobody was killed |
/// | some | true | it waits, and a timer bounds that |
#[cfg(target_os = "linux")]
#[derive(Default)]
struct Rest {
    /// Dropped to wake the thread that waits.
    alarm: Option<UnixStream>,
    /// Whether the time after the kill is measured.
    timed: bool,
    /// Whether that time is over.
    is_over: bool,
    /// Whether the runtime that was to measure it is gone.
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

    /// Its name as a log may show it.
    pub(crate) fn shown(&self) -> String {
        escaped(&self.name).to_string()
    }

    /// Asks the process to end. True if it still ran, and was not asked before.
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
            false => self.time_the_grace(),
        }
        true
    }

    /// Kills the group at the end of the grace, or when the task that was to do so is lost.
    fn time_the_grace(self: &Arc<Self>) {
        let kill = KillAtDrop(Arc::clone(self));
        let shared = Arc::clone(self);
        // Its time begins here and not when the task does.
        let sleep = self.runtime.sleep(self.grace);
        let task = async move {
            either(pin!(shared.ended()), pin!(sleep)).await;
            // To a process that has ended it does nothing.
            drop(kill);
        };
        drop(self.runtime.spawn(task));
    }

    /// Kills the group. True if it still ran.
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

    /// Sends a signal that is no request to end. True if it was sent.
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

    /// As if the kill had been sent.
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn pretend_it_was_killed(&self) {
        let mut state = self.state.lock();
        state.request = Some(Cause::from("a test"));
        state.killed = true;
    }

    fn note(&self, sent: io::Result<()>) {
        if let Err(error) = sent {
            // Some systems say of a group of zombies that it may not be signalled.
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

    /// The group whose rest is to be waited for, now that the leader has ended: it was asked.
    #[cfg(unix)]
    pub(crate) fn rest(&self) -> Option<Pid> {
        let state = self.state.lock();
        match state.request.is_some() {
            true => state.target.as_ref().and_then(Target::group),
            false => None,
        }
    }

    /// Begins, or goes on, to wait for the rest of the group. What is returned ends when there is
    /// news: the time after the kill is over, or nobody measures it any more.
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

    /// Bounds the wait for the rest of the group, if there is one: it was killed.
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

    /// What is left of a group is not waited for here.
    #[cfg(not(target_os = "linux"))]
    fn killed(&self) {}

    /// Whether it is a job of a terminal.
    #[cfg(unix)]
    pub(crate) fn is_job(&self) -> bool {
        self.on_job(|_| ()).is_some()
    }

    /// The job was stopped. True if this program's group is to be stopped as well.
    #[cfg(unix)]
    pub(crate) fn stopped(&self, signal: i32) -> bool {
        self.on_job(|job| job.stopped(signal)) == Some(true)
    }

    /// The job is to go on.
    #[cfg(unix)]
    pub(crate) fn resume(&self) {
        self.on_job(Job::resume);
    }

    /// The job has ended. True if it had the terminal.
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

    /// The leader has ended and its status will be taken: no signal from here on.
    ///
    /// If the process was asked, whatever is left of its group is killed first. Where a group can be
    /// looked at that is nothing, or it was killed already. The group, if it was killed.
    #[cfg(unix)]
    pub(crate) fn close(&self) -> Option<Pid> {
        let mut state = self.state.lock();
        let target = state.target.take();
        let is_asked = state.request.is_some();
        // Not a kill of the process, which has ended before it.
        let target = target.filter(|target| is_asked && target.group().is_some());
        let sent = target.as_ref().map_or(Ok(()), Target::kill);
        drop(state);
        self.note(sent);
        target.and_then(|target| target.group())
    }

    /// The process has ended and its number is free.
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
            // Does not wait, as its drop would for a callback that runs on another thread.
            registration.unregister();
        }
        let ended = Cause::new(Reason::Source).with_message(format!("{} has ended", self.name));
        self.ended.cancel_with(ended);
    }

    pub(crate) fn try_end(&self) -> Option<End> {
        self.state.lock().end.clone()
    }

    /// Waits for the end. Returns in the second turn at the latest: it is there before the token is
    /// cancelled.
    pub(crate) async fn ended(&self) -> End {
        loop {
            if let Some(end) = self.try_end() {
                return end;
            }
            self.ended.cancelled().await;
        }
    }

    /// [`ended`](Self::ended) on a thread.
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

/// Kills when it is dropped: at the end of the grace, and also when the runtime drops the task that
/// holds it, so that a runtime that goes away leaves no process behind.
struct KillAtDrop(Arc<Shared>);

impl Drop for KillAtDrop {
    fn drop(&mut self) {
        // The cause is not used: who asked is on record before there is a grace to end.
        let cause = Cause::from("its period of grace was over");
        self.0.kill_at(log::Level::Warn, &cause);
    }
}

/// Ends the wait for what is left of a group, when its time is over; or has that measured by the
/// system, when the runtime drops the task.
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

/// Completes with the first of two. The waker is with both.
async fn either(
    mut one: impl Future<Output = End> + Unpin,
    mut other: impl Future<Output = ()> + Unpin,
) {
    poll_fn(|cx| {
        let ended = Pin::new(&mut one).poll(cx).is_ready();
        match ended || Pin::new(&mut other).poll(cx).is_ready() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}
