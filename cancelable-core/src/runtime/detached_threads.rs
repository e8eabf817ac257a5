//! Threads for calls that may never return.
//!
//! A runtime's own threads for blocking work are the wrong place for such calls. Tokio waits for
//! them where `main` ends, all runtimes bound how many there are, and a call waits behind whatever
//! else the program runs there. The threads here belong to nobody: the process ends without them,
//! and their number follows from how many calls do not return.
//!
//! Calls wait in one queue. Idle threads take them; up to [`AT_ONCE`] threads are started as calls
//! come. From then on a *watcher*, one more thread, is there as long as the queue is not empty. It
//! looks at the queue once in each [`PATIENCE`]. Whenever a call has waited for a whole turn, the
//! threads there are are too slow or stuck, and the watcher starts more: half as many again. So any
//! number of quick calls share a few threads, and calls that hang cost a thread each and hold up
//! the others for a moment.

use super::{Job, Refused};
use crate::sync::unmodelled::{Event, IntoNotification, LazyLock, Listener, listener};
use crate::sync::{Mutex, isolate, log};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How many threads are started without waiting for whether those there are get on.
const AT_ONCE: usize = 4;

/// How long a call waits for a thread before more of them are started.
const PATIENCE: Duration = Duration::from_millis(10);

/// How long a thread without a call stays for the next one.
const LINGER: Duration = Duration::from_secs(10);

/// Threads for calls that may never return: a look at a file system that has gone, a callback.
///
/// A call that hangs keeps its thread and takes no other's place. No end of a program and no
/// shutdown of a runtime waits for these threads. They are started when they are needed, serve many
/// calls, and end when there has been nothing to do for ten seconds.
///
/// This is how looks run unless a runtime [says otherwise](super::RuntimeAdapter::spawn_probe).
///
/// # Examples
///
/// ```
/// use cancelable_core::runtime::DetachedThreads;
/// use std::sync::{LazyLock, mpsc};
///
/// static THREADS: LazyLock<DetachedThreads> = LazyLock::new(|| DetachedThreads::new("look"));
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, receiver) = mpsc::channel();
/// THREADS.run(Box::new(move || {
///     let _ = sender.send(7);
/// }))?;
/// assert_eq!(receiver.recv()?, 7);
/// # Ok(())
/// # }
/// ```
pub struct DetachedThreads {
    shared: Arc<Shared>,
}

struct Shared {
    /// The threads' name, for debuggers.
    name: &'static str,
    state: Mutex<State>,
    /// Notified once for each call that an idle thread is to take.
    queued: Event,
    /// Never notified: the watcher's clock.
    tick: Event,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// How many calls were ever put on the queue, and how many were taken off it.
    added: u64,
    taken: u64,
    /// Threads for calls, idle ones included.
    threads: usize,
    /// Those that wait for a call, or are about to look for their first. One that was notified counts
    /// until it has taken the lock.
    idle: usize,
    /// The watcher is there.
    watched: bool,
}

/// Where looks run unless a runtime says otherwise. Of the process, since its threads belong to no runtime.
static LOOKS: LazyLock<DetachedThreads> = LazyLock::new(|| DetachedThreads::new("cancelable-look"));

impl DetachedThreads {
    /// Those on which looks run, for a runtime that has something to add: see
    /// [`RuntimeAdapter::spawn_probe`](super::RuntimeAdapter::spawn_probe).
    #[must_use]
    pub fn for_probes() -> &'static Self {
        &LOOKS
    }

    /// No thread yet; `name` is what each will be called.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            shared: Arc::new(Shared {
                name,
                state: Mutex::new(State::default()),
                queued: Event::new(),
                tick: Event::new(),
            }),
        }
    }

    /// Runs `job` on one of the threads, with nobody waiting for it. A panic of it is logged and goes no
    /// further.
    ///
    /// # Errors
    ///
    /// There is no thread, and the system refuses to start one: the job is handed back.
    pub fn run(&self, job: Job) -> Result<(), Refused<Job>> {
        let mut state = self.shared.state.lock();
        // Each call on the queue counts on one of the idle threads.
        let mut started = Ok(());
        if state.idle <= state.queue.len() && state.threads < AT_ONCE {
            started = self.shared.start(&mut state);
        }
        let refused = state.threads == 0;
        let mut job = Some(job);
        if !refused {
            state.queue.extend(job.take());
            state.added += 1;
            // Additional: one that was notified and has not taken its call yet takes no other's notification.
            self.shared.queued.notify(1.additional());
            if state.idle < state.queue.len() {
                started = started.and(self.shared.ensure_watched(&mut state));
            }
        }
        drop(state);
        if let Err(error) = started {
            log!(Warn, "no thread was started: {error}");
        }
        // Still here only where it was refused.
        job.map_or(Ok(()), |job| Err(Refused::new(job)))
    }
}

/// Threads are started with the lock held, so that each one that is counted is there.
impl Shared {
    /// Starts a thread for calls, which is idle until it has the lock.
    fn start(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        self.start_thread(Self::serve)?;
        state.threads += 1;
        state.idle += 1;
        Ok(())
    }

    /// Where the system has no thread for the watcher, the next call tries again, and the calls on the
    /// queue wait for the threads there are.
    fn ensure_watched(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        if !state.watched {
            self.start_thread(Self::watch)?;
            state.watched = true;
        }
        Ok(())
    }

    fn start_thread(self: &Arc<Self>, run: fn(&Arc<Self>)) -> io::Result<()> {
        let shared = Arc::clone(self);
        let thread = thread::Builder::new().name(self.name.to_owned());
        thread.spawn(move || run(&shared)).map(drop)
    }

    /// A thread's life. Ends: with the first wait for a call that brings none.
    fn serve(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.idle -= 1;
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.taken += 1;
                drop(state);
                // It is a user's, and so are its values, which are dropped with it.
                isolate("a call on a detached thread", job);
                state = self.state.lock();
                continue;
            }
            state.idle += 1;
            // Under the lock: a call that is queued from now on finds this listener.
            listener!(self.queued => queued);
            drop(state);
            let is_notified = queued.wait_timeout(LINGER).is_some();
            state = self.state.lock();
            state.idle -= 1;
            if !is_notified && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    /// The watcher's life. Ends: with the queue empty, which it is when all calls have a thread, and
    /// each turn gives them more.
    fn watch(self: &Arc<Self>) {
        let mut state = self.state.lock();
        while !state.queue.is_empty() {
            let seen = state.added;
            drop(state);
            listener!(self.tick => tick);
            tick.wait_timeout(PATIENCE);
            state = self.state.lock();
            // Those seen have not all been taken: one has waited for the whole turn.
            if state.taken < seen {
                let more = state.threads.div_ceil(2).min(state.queue.len());
                // Where the system has none, the next turn tries again.
                let _ = (0..more).try_for_each(|_| self.start(&mut state));
            }
        }
        state.watched = false;
    }
}

impl fmt::Debug for DetachedThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachedThreads")
            .field("name", &self.shared.name)
            .finish_non_exhaustive()
    }
}
