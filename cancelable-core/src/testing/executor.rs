//! The executor behind [`ManualRuntime`](super::ManualRuntime): a queue of ready steps, and a clock.
//!
//! One lock guards the state. No task, job or waker of a user is run, cloned or dropped under the lock: each is taken
//! out first. One thread at a time drives. So an empty task slot belongs to a task that the driving thread is polling
//! further up its stack, or to the root of its `block_on`.

use crate::runtime::{Job, Task};
use crate::sync::{self, Condvar, Mutex, isolate};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};
use std::time::Instant;

/// The time of a timer, and its number in order of creation. Timers fire in the order of their keys.
pub(super) type TimerKey = (Instant, u64);

/// A turn of the executor.
pub(super) enum Step {
    Task(u64),
    Job(Job),
}

impl Step {
    /// Returns whether this is a step of the task with this number.
    pub(super) fn is(&self, id: u64) -> bool {
        matches!(self, Self::Task(own) if *own == id)
    }
}

pub(super) struct Executor {
    pub(super) state: Mutex<State>,
    /// The condition variable, notified when a step becomes ready or a guard on the time is dropped.
    changed: Condvar,
    /// True if jobs run on threads, and not as steps.
    threads: bool,
}

pub(super) struct State {
    pub(super) now: Instant,
    pub(super) timers: BTreeMap<TimerKey, Option<Waker>>,
    ready: VecDeque<Step>,
    tasks: BTreeMap<u64, Slot>,
    next_id: u64,
    /// True while a thread drives the executor. Only one thread may.
    driven: bool,
    /// The number of guards on the time. While there are any and no step is ready, the driver waits for other threads.
    guards: usize,
    shut_down: bool,
}

struct Slot {
    /// The future of the task; `None` during a poll, and always for the root of `block_on`, which is polled in
    /// place.
    task: Option<Task>,
    waker: Waker,
    /// True while a step of the task is in the queue.
    queued: bool,
    root: bool,
}

struct TaskWaker {
    executor: Weak<Executor>,
    id: u64,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(executor) = self.executor.upgrade() {
            executor.wake(self.id);
        }
    }
}

impl State {
    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

impl Executor {
    pub(super) fn new(threads: bool) -> Arc<Self> {
        let state = State {
            now: sync::clock::now(),
            timers: BTreeMap::new(),
            ready: VecDeque::new(),
            tasks: BTreeMap::new(),
            next_id: 0,
            driven: false,
            guards: 0,
            shut_down: false,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            threads,
        })
    }

    /// Adds a task, or returns it after the shutdown.
    pub(super) fn add(self: &Arc<Self>, task: Task) -> Result<(), Task> {
        let mut state = self.state.lock();
        if state.shut_down {
            return Err(task);
        }
        self.add_slot(&mut state, Some(task));
        Ok(())
    }

    /// Adds a slot for the future of a `block_on`, whose first step is ready at once.
    pub(super) fn add_root(self: &Arc<Self>) -> (u64, Waker) {
        self.add_slot(&mut self.state.lock(), None)
    }

    fn add_slot(self: &Arc<Self>, state: &mut State, task: Option<Task>) -> (u64, Waker) {
        let id = state.new_id();
        let waker = Waker::from(Arc::new(TaskWaker {
            executor: Arc::downgrade(self),
            id,
        }));
        let root = task.is_none();
        state.tasks.insert(
            id,
            Slot {
                task,
                waker: waker.clone(),
                queued: true,
                root,
            },
        );
        state.ready.push_back(Step::Task(id));
        self.changed.notify_all();
        (id, waker)
    }

    pub(super) fn remove_root(&self, id: u64) {
        self.state.lock().tasks.remove(&id);
    }

    /// Adds a job, or returns it after the shutdown.
    pub(super) fn add_job(self: &Arc<Self>, job: Job) -> Result<(), Job> {
        let mut state = self.state.lock();
        if state.shut_down {
            return Err(job);
        }
        if !self.threads {
            state.ready.push_back(Step::Job(job));
            self.changed.notify_all();
            return Ok(());
        }
        drop(state);
        let guard = self.hold_time();
        let run = move || {
            job();
            drop(guard);
        };
        // If the system has no thread left, the closure is dropped, and the job reports the loss.
        drop(
            std::thread::Builder::new()
                .name("manual-blocking".into())
                .spawn(run),
        );
        Ok(())
    }

    fn wake(&self, id: u64) {
        let mut state = self.state.lock();
        let State { tasks, ready, .. } = &mut *state;
        // A task that has ended is not in the map any more.
        let Some(slot) = tasks.get_mut(&id) else {
            return;
        };
        if !slot.queued {
            slot.queued = true;
            ready.push_back(Step::Task(id));
            self.changed.notify_all();
        }
    }

    /// Returns the number of tasks and jobs that have not ended, without the root of a `block_on`.
    pub(super) fn live(&self) -> usize {
        let state = self.state.lock();
        let jobs = state
            .ready
            .iter()
            .filter(|step| matches!(step, Step::Job(_)))
            .count();
        jobs + state.tasks.values().filter(|slot| !slot.root).count()
    }

    /// Returns the right to run steps, or `None` if a thread has the right already.
    pub(super) fn drive(&self) -> Option<Driver<'_>> {
        let mut state = self.state.lock();
        if state.driven {
            return None;
        }
        state.driven = true;
        Some(Driver { executor: self })
    }

    /// Moves the time to the earliest timer, if that timer is not later than `limit`, and fires all timers that are due
    /// then, in the order of their creation. Returns whether a timer fired.
    pub(super) fn fire_next(&self, limit: Option<Instant>) -> bool {
        let mut due = Vec::new();
        {
            let mut state = self.state.lock();
            let Some((&(at, _), _)) = state.timers.first_key_value() else {
                return false;
            };
            if limit.is_some_and(|limit| at > limit) {
                return false;
            }
            state.now = state.now.max(at);
            while let Some(entry) = state.timers.first_entry() {
                if entry.key().0 > at {
                    break;
                }
                due.extend(entry.remove());
            }
        }
        for waker in due {
            isolate("a waker", || waker.wake());
        }
        true
    }

    /// Blocks until a step is ready or no guard on the time is left.
    pub(super) fn wait_for_threads(&self) {
        let mut state = self.state.lock();
        // Ends: a queued step and a dropped guard change the state under this lock, and notify after the change.
        while state.ready.is_empty() && state.guards > 0 {
            state = sync::wait(&self.changed, state);
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.state.lock().ready.is_empty()
    }

    pub(super) fn hold_time(self: &Arc<Self>) -> TimeGuard {
        self.state.lock().guards += 1;
        TimeGuard {
            executor: Arc::clone(self),
        }
    }

    /// Refuses work from now on, and drops all tasks and jobs.
    pub(super) fn shut_down(&self) {
        let (steps, tasks) = {
            let mut state = self.state.lock();
            state.shut_down = true;
            let (roots, tasks): (BTreeMap<_, _>, _) = std::mem::take(&mut state.tasks)
                .into_iter()
                .partition(|(_, slot)| slot.root);
            state.tasks = roots;
            let (roots, steps): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut state.ready)
                .into_iter()
                .partition(|step| matches!(step, Step::Task(id) if state.tasks.contains_key(id)));
            state.ready = roots;
            (steps, tasks)
        };
        for step in steps {
            isolate("the drop of a job", || drop(step));
        }
        for (_, slot) in tasks {
            isolate("the drop of a task", || drop(slot));
        }
    }
}

/// The right of one thread to run steps.
pub(super) struct Driver<'a> {
    executor: &'a Executor,
}

impl Driver<'_> {
    /// Removes the next step from the queue.
    pub(super) fn next(&self) -> Option<Step> {
        let mut state = self.executor.state.lock();
        let step = state.ready.pop_front()?;
        if let Step::Task(id) = step {
            if let Some(slot) = state.tasks.get_mut(&id) {
                slot.queued = false;
            }
        }
        Some(step)
    }

    /// Runs a step that is not the root's.
    pub(super) fn run(&self, step: Step) {
        let id = match step {
            Step::Job(job) => return job(),
            Step::Task(id) => id,
        };
        let taken = {
            let mut state = self.executor.state.lock();
            state
                .tasks
                .get_mut(&id)
                .and_then(|slot| Some((slot.task.take()?, slot.waker.clone())))
        };
        // No slot: the `block_on` of a root has ended, or the executor was shut down.
        let Some((mut task, waker)) = taken else {
            return;
        };
        let pending = task
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending();
        let ended = {
            let mut state = self.executor.state.lock();
            match state.tasks.get_mut(&id) {
                Some(slot) if pending => {
                    slot.task = Some(task);
                    None
                }
                // The task has ended, or has shut the executor down itself.
                _ => Some((task, state.tasks.remove(&id))),
            }
        };
        drop(ended);
    }
}

impl Drop for Driver<'_> {
    fn drop(&mut self) {
        self.executor.state.lock().driven = false;
    }
}

/// A guard that holds the time of a [`ManualRuntime`](super::ManualRuntime), from
/// [`hold_time`](super::ManualRuntime::hold_time).
///
/// While the guard lives, [`block_on`](super::ManualRuntime::block_on) waits for other threads instead of moving the time
/// or panicking.
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::{ManualRuntime, TimeGuard};
/// use std::thread;
/// use std::time::Duration;
///
/// let manual = ManualRuntime::new();
/// let guard: TimeGuard = manual.hold_time();
/// thread::scope(|scope| {
///     // A thread that needs the time for a while.
///     scope.spawn(move || drop(guard));
///     manual.block_on(manual.handle().sleep(Duration::from_secs(1)));
/// });
/// ```
#[must_use = "the time is held until the guard is dropped"]
pub struct TimeGuard {
    executor: Arc<Executor>,
}

impl Drop for TimeGuard {
    fn drop(&mut self) {
        self.executor.state.lock().guards -= 1;
        self.executor.changed.notify_all();
    }
}

impl fmt::Debug for TimeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeGuard").finish_non_exhaustive()
    }
}
