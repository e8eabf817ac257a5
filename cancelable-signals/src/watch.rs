//! The one table of what is watched, and the argument that no signal is lost.
//!
//! Each signal that was ever watched has a *slot*: what the process did with it before
//! (`previous`), how many entries want it (`live`), its last request (`request`), and the system's side of
//! it (`gate`). The gate has two flags, `idle` and `raised`; the handler that signal-hook runs does only
//! this:
//!
//! > `idle` set: take the default action. Else set `raised` and wake the reader.
//!
//! An *entry* is one source or guard. It is spent when its plan is done, and then counts no more.
//!
//! The same signal within a short time of the first is the same *request*: `timeout -s INT` signals its
//! child and then the group of its child, and other wrappers pass on what the terminal has sent to all. The
//! request is *open* for that time, which each entry sets for itself. It is served once: an entry that
//! has received it, or was made since, takes no step for a repeat; and where nobody watches any more, as
//! the first has ended what did, a repeat is not left to the previous disposition either.
//!
//! Invariants, all kept under the table's lock:
//!
//! 1. `live` of a slot is the number of entries that name its signal.
//! 2. `idle` is set iff `live` is 0, `previous` is [`Disposition::Default`] and no request is open.
//! 3. A slot, once there, stays, and so does its handler: no safe interface gives the old one
//!    back to the system. What the handler does while `live` is 0 stands for it: the default
//!    action by the flag; an ignored signal goes no further than the reader; a handler that was
//!    there before is called by signal-hook each time, whatever this crate does.
//!
//! No signal is lost. Its handler reads `idle` once:
//!
//! - It was set. Then by 2 nobody watched at that moment, and the process takes the default
//!   action, as it would have without this crate. That a registration is under way at the same
//!   time only means that the signal came before it.
//! - It was not set. Then `raised` is set, and the reader, woken after that, will find it so and come to
//!   [`serve`] with the signal. There, under the lock, either it belongs to a request that is open, which was
//!   served; or some entry is live and receives it; or none is, because the last has unregistered since
//!   the handler looked: then the reader takes the previous disposition's part itself. There is no
//!   fourth case, because the decision and the registrations are under one lock. Unregistering
//!   therefore has nothing to wait for.
//!
//! The reader believes the flag and not the wake-up. A process that was forked has the handler and the
//! writing end of the pipe too, until it executes a program; a signal that it receives wakes *this* reader,
//! and sets the flag in its own memory only. So what came for another process is not served here. (What
//! shares this memory, between `vfork` and `exec`, blocks all signals until the handlers are gone: the C
//! libraries see to that in `posix_spawn`.)
//!
//! A source is given a signal that it may not be able to do anything with: its scope ends before anyone looks,
//! or was cancelled for something else. It answers for the signal then, and the last that lets go of one that
//! has had no effect brings it to [`serve_again`] (see [`crate::delivery`]). That is the same request, but one
//! that nobody has received: no window holds it back.
//!
//! Signals of one kind that are raised together are merged into one, as the system does by itself, but
//! never into none. One gap is signal-hook's: while it installs its handler for a signal for the first
//! time in the process, there are some instructions during which the signal is caught and nothing is
//! done with it.
//!
//! Time comes with each signal, from the reader. Nothing here reads a clock.
//!
//! Nothing of a user's, the logger included, runs under the lock or on the reading thread (see
//! [`crate::work`]), so a callback that hangs cannot keep the second or third signal from taking its step. Entries hold
//! users' values, so they are dropped after the lock is released.

use crate::delivery::{Delivery, Inbox};
use crate::os::{self, Gate, Os};
use crate::work::{self, Work};
use crate::{Disposition, Signal, WatchError};
use cancelable_core::token::isolate;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For how long a request is open, unless an entry sets another time. Wrappers repeat a signal within
/// some milliseconds; people who press a key again take longer than this.
pub(crate) const WINDOW: Duration = Duration::from_millis(100);

static TABLE: Mutex<Table> = Mutex::new(Table::new());

struct Table {
    entries: BTreeMap<u64, Entry>,
    slots: BTreeMap<Signal, Slot>,
    /// What the program said of signals that have no slot yet.
    assumed: BTreeMap<Signal, Disposition>,
    /// The next entry's id: never used twice, so that a guard cannot remove another's entry.
    next: u64,
    os: Os,
}

struct Slot {
    previous: Disposition,
    live: usize,
    gate: Gate,
    request: Option<Request>,
}

/// The last signal of a kind that an entry took a step for.
#[derive(Clone, Copy)]
struct Request {
    at: Instant,
    /// For how long from then on.
    window: Duration,
    open: bool,
}

impl Slot {
    /// Invariant 2. To be called after each change of what it depends on.
    fn settle(&self) {
        let open = self.request.is_some_and(|request| request.open);
        self.gate
            .set_idle(self.live == 0 && self.previous == Disposition::Default && !open);
    }

    /// Opens a request. One that is open for longer stays so: another entry asks for that.
    fn open(&mut self, now: Instant, window: Duration) {
        let left = match self.request {
            Some(Request { at, window, open }) if open => {
                window.saturating_sub(now.saturating_duration_since(at))
            }
            _ => Duration::ZERO,
        };
        let window = window.max(left);
        self.request = Some(Request {
            at: now,
            window,
            open: !window.is_zero(),
        });
        self.settle();
    }

    /// Closes the request if its time is up.
    fn close(&mut self, now: Instant) {
        let Some(request) = &mut self.request else {
            return;
        };
        if is_over(request.at, request.window, now) {
            request.open = false;
            self.settle();
        }
    }

    /// For how long the request is still open.
    #[cfg(unix)]
    fn open_for(&self, now: Instant) -> Option<Duration> {
        let request = self.request.filter(|request| request.open)?;
        let passed = now.saturating_duration_since(request.at);
        Some(request.window.saturating_sub(passed))
    }
}

/// Whether a request that was opened at `at` for that long is no longer open.
fn is_over(at: Instant, window: Duration, now: Instant) -> bool {
    now.saturating_duration_since(at) >= window
}

struct Entry {
    /// Each with when its last request was, of which this entry need not hear again.
    signals: BTreeMap<Signal, Option<Instant>>,
    /// For how long a signal is the same request.
    window: Duration,
    plan: Plan,
}

/// What an entry does with the signals that it receives.
pub(crate) enum Plan {
    /// Does this with the first signal, and is spent.
    Once(Arc<Work>),
    /// Gives a source the first signal, and is spent. The source answers for it.
    Deliver(Arc<Inbox>),
    /// Takes one step for each signal; the last one for all that come after.
    Steps { steps: Vec<Step>, next: usize },
}

/// What is done with one signal.
pub(crate) enum Step {
    Run(Arc<Work>),
    TakeDefault,
    Swallow,
}

/// Starts to watch; the id is for [`remove`]. Signals that the process ignores are left out
/// unless `ignored` asks for them.
///
/// A request that is open when the entry is made was served without it, and its repeats are not for it.
pub(crate) fn add(
    mut signals: Vec<Signal>,
    plan: Plan,
    ignored: bool,
    window: Duration,
) -> Result<u64, WatchError> {
    if signals.is_empty() {
        return Err(WatchError::empty());
    }
    signals.sort_unstable();
    signals.dedup();
    let mut table = TABLE.lock();
    let asked = signals.clone();
    signals.retain(|signal| ignored || table.previous(*signal) != Disposition::Ignored);
    for signal in &signals {
        // Slots that were made before a failing one stay, idle.
        table
            .ensure_slot(*signal)
            .map_err(|error| WatchError::refused(*signal, error))?;
    }
    let id = table.insert(&signals, plan, window);
    // Unlocked first: the logger is the user's.
    drop(table);
    for signal in asked {
        let watched = signals.contains(&signal);
        isolate("a logger", || {
            log::debug!(
                target: "cancelable", signal = signal.name(), watched = watched;
                "{signal} is {}", if watched { "watched" } else { "ignored by this process and not watched" }
            );
        });
    }
    Ok(id)
}

/// Sets for how long a signal is the same request for an entry, if that is not spent.
pub(crate) fn set_window(id: u64, window: Duration) {
    if let Some(entry) = TABLE.lock().entries.get_mut(&id) {
        entry.window = window;
    }
}

/// Stops watching. An entry that is spent is gone already.
pub(crate) fn remove(id: u64) {
    let mut table = TABLE.lock();
    let gone = table.take(id);
    // Unlocked first: the entry holds values of the user.
    drop(table);
    drop(gone);
}

pub(crate) fn previous(signal: Signal) -> Disposition {
    TABLE.lock().previous(signal)
}

pub(crate) fn assume(signal: Signal, disposition: Disposition) {
    let mut table = TABLE.lock();
    table.assumed.insert(signal, disposition);
    if let Some(slot) = table.slots.get_mut(&signal) {
        slot.previous = disposition;
        slot.settle();
    }
}

/// Serves what has been raised, and closes requests whose time is up; for how long the next one is
/// still open.
#[cfg(unix)]
pub(crate) fn read(now: Instant) -> Option<Duration> {
    let raised = TABLE.lock().raised(now);
    raised.into_iter().for_each(|signal| serve(signal, now));
    let table = TABLE.lock();
    table
        .slots
        .values()
        .filter_map(|slot| slot.open_for(now))
        .min()
}

/// Does with one signal what those who watch it want, or what the process did before.
pub(crate) fn serve(signal: Signal, now: Instant) {
    act(signal, Arrival::At(now));
}

/// Serves a signal whose request nobody has received.
pub(crate) fn serve_again(signal: Signal) {
    act(signal, Arrival::Again);
}

/// How a signal comes to be served.
#[derive(Clone, Copy)]
enum Arrival {
    /// From the system.
    At(Instant),
    /// Given back by those who received it first.
    Again,
}

fn act(signal: Signal, arrival: Arrival) {
    let mut table = TABLE.lock();
    let verdict = table.decide(signal, arrival);
    drop(table);
    if verdict.take_default {
        os::take_default(signal);
    }
    if verdict.repeats {
        work::log_repeat(signal);
    }
    verdict.work.iter().for_each(|work| work.begin(signal));
    if verdict.sources.is_empty() {
        return;
    }
    let delivery = Delivery::new(signal, verdict.others);
    for source in &verdict.sources {
        source.hold(Arc::clone(&delivery));
    }
    drop(delivery);
    for source in verdict.sources {
        // A work for each: a scope's callbacks may hang, and do not hold up the other scopes.
        Work::new(Arc::new(move |_| source.act())).begin(signal);
    }
}

/// What is to be done with one signal.
#[derive(Default)]
struct Verdict {
    work: Vec<Arc<Work>>,
    /// Each has received the signal, beside the work.
    sources: Vec<Arc<Inbox>>,
    /// Something else watches the signal too, and has received it or is receiving it.
    others: bool,
    take_default: bool,
    /// For some who watch it, or for all that did, it is the same request as one before it.
    repeats: bool,
}

impl Table {
    const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            slots: BTreeMap::new(),
            assumed: BTreeMap::new(),
            next: 0,
            os: Os::new(),
        }
    }

    fn previous(&self, signal: Signal) -> Disposition {
        match self.slots.get(&signal) {
            Some(slot) => slot.previous,
            None => self
                .assumed
                .get(&signal)
                .copied()
                .unwrap_or_else(|| Disposition::read(signal)),
        }
    }

    fn ensure_slot(&mut self, signal: Signal) -> io::Result<()> {
        if self.slots.contains_key(&signal) {
            return Ok(());
        }
        // Asked before the handler is there, which the system would report from then on.
        let previous = self.previous(signal);
        let gate = self.os.install(signal, previous == Disposition::Default)?;
        self.slots.insert(
            signal,
            Slot {
                previous,
                live: 0,
                gate,
                request: None,
            },
        );
        Ok(())
    }

    /// Invariants 1 and 2.
    fn count(&mut self, entry: &Entry, change: impl Fn(usize) -> usize) {
        for signal in entry.signals.keys() {
            if let Some(slot) = self.slots.get_mut(signal) {
                slot.live = change(slot.live);
                slot.settle();
            }
        }
    }

    /// Makes the entry for signals that have their slots; its id.
    fn insert(&mut self, signals: &[Signal], plan: Plan, window: Duration) -> u64 {
        let named = signals.iter().map(|signal| {
            let request = self.slots.get(signal).and_then(|slot| slot.request);
            (*signal, request.map(|request| request.at))
        });
        let entry = Entry {
            signals: named.collect(),
            window,
            plan,
        };
        self.count(&entry, |live| live + 1);
        let id = self.next;
        self.next += 1;
        self.entries.insert(id, entry);
        id
    }

    fn take(&mut self, id: u64) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.count(&entry, |live| live - 1);
        Some(entry)
    }

    /// The signals whose flag is set, which is taken back. Requests whose time is up are closed.
    #[cfg(unix)]
    fn raised(&mut self, now: Instant) -> Vec<Signal> {
        self.slots.values_mut().for_each(|slot| slot.close(now));
        let raised = self.slots.iter().filter(|(_, slot)| slot.gate.take());
        raised.map(|(signal, _)| *signal).collect()
    }

    fn decide(&mut self, signal: Signal, arrival: Arrival) -> Verdict {
        let mut verdict = Verdict::default();
        // The longest time for which one of those who take a step has the request open.
        let mut opened = None;
        let mut watching = 0;
        let mut spent = Vec::new();
        for (id, entry) in &mut self.entries {
            let Some(last) = entry.signals.get_mut(&signal) else {
                continue;
            };
            watching += 1;
            if let Arrival::At(now) = arrival {
                if last.is_some_and(|at| !is_over(at, entry.window, now)) {
                    verdict.repeats = true;
                    continue;
                }
                *last = Some(now);
            }
            opened = opened.max(Some(entry.window));
            match &mut entry.plan {
                Plan::Once(_) | Plan::Deliver(_) => spent.push(*id),
                Plan::Steps { steps, next } => {
                    let step = steps.get(*next).or(steps.last());
                    *next = next.saturating_add(1);
                    match step {
                        Some(Step::Run(work)) => verdict.work.push(Arc::clone(work)),
                        Some(Step::TakeDefault) => verdict.take_default = true,
                        Some(Step::Swallow) | None => {}
                    }
                }
            }
        }
        if let (Arrival::At(now), Some(slot)) = (arrival, self.slots.get_mut(&signal)) {
            slot.close(now);
            // Before those that are spent go: a repeat must not find the slot idle.
            if let Some(window) = opened {
                slot.open(now, window);
            } else if watching == 0 && slot.request.is_some_and(|request| request.open) {
                verdict.repeats = true;
                return verdict;
            }
        }
        for id in spent {
            // It goes to the verdict, so nothing of the user is dropped here.
            match self.take(id).map(|entry| entry.plan) {
                Some(Plan::Once(work)) => verdict.work.push(work),
                Some(Plan::Deliver(source)) => verdict.sources.push(source),
                Some(Plan::Steps { .. }) | None => {}
            }
        }
        verdict.others = watching > verdict.sources.len();
        if watching == 0 {
            verdict.take_default = self.previous(signal) == Disposition::Default;
        }
        verdict
    }
}

#[cfg(test)]
mod tests;
