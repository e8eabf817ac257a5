//! Threads for calls that may never return.
//!
//! A runtime's threads for blocking work do not suit such calls. Tokio waits for them at the end of `main`, all
//! runtimes bound their number, and a call waits behind all other blocking work of the program. The threads
//! here are detached: the process ends without them, and their number follows the number of calls that hang.
//!
//! Calls wait in one queue, from which idle threads take them. Calls start up to [`AT_ONCE`] threads. Beyond
//! that number a *watcher*, one more thread, runs while the queue is not empty. The watcher checks the queue
//! once in each [`INTERVAL`]. If a call has waited for a whole interval, the threads are too slow or hang, and
//! the watcher starts half as many again. So any number of quick calls share a few threads, and each call that
//! hangs costs a thread and delays the others for an interval.

use super::{Job, Refused};
use crate::sync::unmodelled::{Event, IntoNotification, LazyLock, Listener, listener};
use crate::sync::{Mutex, isolate, log};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The number of threads that calls start. Beyond that number only the watcher starts threads.
const AT_ONCE: usize = 4;

/// The time between two checks of the watcher.
const INTERVAL: Duration = Duration::from_millis(10);

/// The time for which an idle thread waits for the next call.
const LINGER: Duration = Duration::from_secs(10);

/// Threads for calls that may never return, such as a read of a lost file system or a callback; for adapters
/// and sources.
///
/// A call that hangs keeps its thread, and other calls get other threads. The end of the program and the
/// shutdown of a runtime do not wait for the threads. A thread starts on demand, serves many calls, and ends
/// after ten idle seconds.
///
/// [Probes](super::RuntimeHandle::spawn_probe) run on these threads unless the runtime
/// [has its own](super::RuntimeAdapter::spawn_probe).
///
/// # Examples
///
/// ```
/// use cancelable_core::runtime::DetachedThreads;
/// use std::sync::{LazyLock, mpsc};
///
/// static THREADS: LazyLock<DetachedThreads> = LazyLock::new(|| DetachedThreads::new("callback"));
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
    /// The name of each thread, for debuggers.
    name: &'static str,
    state: Mutex<State>,
    /// The event for idle threads, notified once for each call that an idle thread is to take.
    queued: Event,
    /// An event that is never notified. The watcher waits for it with a timeout, in place of a sleep.
    tick: Event,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// The numbers of calls that were ever added to the queue and taken from it.
    added: u64,
    taken: u64,
    /// The number of threads for calls, idle ones included.
    threads: usize,
    /// The number of threads that wait for a call or have just started. A notified thread counts until it has
    /// taken the lock.
    idle: usize,
    /// True if the watcher runs.
    watched: bool,
}

/// The threads for probes. One set for the process, because no runtime may wait for the threads.
static PROBES: LazyLock<DetachedThreads> =
    LazyLock::new(|| DetachedThreads::new("cancelable-probe"));

impl DetachedThreads {
    /// Returns the threads for probes, for a runtime that wraps its probes; see
    /// [`RuntimeAdapter::spawn_probe`](super::RuntimeAdapter::spawn_probe).
    #[must_use]
    pub fn for_probes() -> &'static Self {
        &PROBES
    }

    /// Makes an empty set of threads. Each thread will have `name`.
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

    /// Runs `job` on one of the threads, detached. A panic of `job` is caught and logged.
    ///
    /// # Errors
    ///
    /// The job, if there is no thread and the system refuses to start one.
    pub fn run(&self, job: Job) -> Result<(), Refused<Job>> {
        let mut state = self.shared.state.lock();
        // Each queued call will take one of the idle threads.
        let mut started = Ok(());
        if state.idle <= state.queue.len() && state.threads < AT_ONCE {
            started = self.shared.start(&mut state);
        }
        let refused = state.threads == 0;
        let mut job = Some(job);
        if !refused {
            state.queue.extend(job.take());
            state.added += 1;
            // Additional: a thread that was notified before, and has not taken its call yet, does not absorb
            // this notification.
            self.shared.queued.notify(1.additional());
            if state.idle < state.queue.len() {
                started = started.and(self.shared.ensure_watched(&mut state));
            }
        }
        drop(state);
        if let Err(error) = started {
            log!(Warn, "no thread was started: {error}");
        }
        // `Some` only if no thread took the job.
        job.map_or(Ok(()), |job| Err(Refused::new(job)))
    }
}

/// Threads are started under the lock, so that each counted thread exists.
impl Shared {
    /// Starts a thread for calls, which counts as idle until it has the lock.
    fn start(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        self.start_thread(Self::serve)?;
        state.threads += 1;
        state.idle += 1;
        Ok(())
    }

    /// Starts the watcher if it does not run. If the system refuses the thread, the next call tries again, and
    /// queued calls wait for the existing threads.
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

    /// Runs calls on a thread. Ends: with the first wait that brings no call.
    fn serve(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.idle -= 1;
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.taken += 1;
                drop(state);
                // In isolation: the call is user code, and so is the drop of its values.
                isolate("a call on a detached thread", job);
                state = self.state.lock();
                continue;
            }
            state.idle += 1;
            // Under the lock: each later call finds this listener.
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

    /// Runs the watcher. Ends: with an empty queue, because each turn adds threads until all calls have one.
    fn watch(self: &Arc<Self>) {
        let mut state = self.state.lock();
        while !state.queue.is_empty() {
            let seen = state.added;
            drop(state);
            listener!(self.tick => tick);
            tick.wait_timeout(INTERVAL);
            state = self.state.lock();
            // A call that was queued before this turn is still queued.
            if state.taken < seen {
                let more = state.threads.div_ceil(2).min(state.queue.len());
                // If the system refuses, the next turn tries again.
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
