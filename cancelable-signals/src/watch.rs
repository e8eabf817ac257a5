//! The table of watched signals, and the argument that no signal is lost.
//!
//! Each signal that was ever watched has a *slot*: its previous disposition (`previous`), the number of entries that
//! watch it (`live`), its last request (`request`), and the system's side of it (`gate`). The gate has two flags, `idle`
//! and `raised`. The handler that signal-hook runs does only this:
//!
//! > `idle` set: take the default action. Else set `raised` and wake the reader.
//!
//! An *entry* is one source or guard. An entry is spent when its plan is done, and is then removed.
//!
//! The same signal within a short time of the first is the same *request*: `timeout -s INT` signals its child and then
//! the group of its child, and other wrappers repeat signals that the terminal has sent to all. The request is *open*
//! for that time, which each entry sets for itself. A request is served once: an entry that has received it, or was made
//! since, takes no step for a repeat. If the first signal has ended the last watcher, the previous disposition does not
//! apply to a repeat either.
//!
//! Invariants, all kept under the table's lock:
//!
//! 1. `live` of a slot is the number of entries that name its signal.
//! 2. `idle` is set iff `live` is 0, `previous` is [`Disposition::Default`] and no request is open.
//! 3. A slot is never removed, and neither is its handler: no safe interface gives the old handler back to the system.
//!    While `live` is 0 the handler does what the previous disposition would: with `idle` set it takes the default
//!    action; an ignored signal ends at the reader; a handler that was installed before is called by signal-hook each
//!    time, whatever this crate does.
//!
//! No signal is lost. Its handler reads `idle` once:
//!
//! - `idle` was set. By 2 there was no watcher at that moment, and the process takes the default action, as it would
//!   have without this crate. If a registration is in progress at the same time, the signal came before it.
//! - `idle` was not set. Then `raised` is set, and the reader, which is woken after that, finds it set and calls
//!   [`serve`]. Under the lock there are three cases: the signal belongs to an open request, which was served; some
//!   entry is live and receives the signal; or no entry is live, because the last was removed after the handler had read
//!   `idle`, and the reader applies the previous disposition. There is no fourth case, because the decision and the
//!   registrations are under one lock. So the removal of an entry has nothing to wait for.
//!
//! The reader relies on the flag and not on the wake-up. A forked process has the handler and the writing end of the
//! pipe until it executes a program. A signal that it receives wakes *this* reader, and sets the flag in its own memory
//! only. So a signal for another process is not served here. (A process that shares this memory, between `vfork` and
//! `exec`, blocks all signals until the handlers are gone: `posix_spawn` of the C libraries does that.)
//!
//! A source may receive a signal and be unable to put it on record: its scope ends before it is polled, or was cancelled
//! for another cause. The last source that drops a delivery without effect calls [`serve_again`] (see
//! [`crate::delivery`]). The delivery is the same request, but no receiver has it, so no open request delays it.
//!
//! Signals of one kind that are raised together are merged into one, as the system does, but never into none. One gap is
//! signal-hook's: while it installs its handler for a signal for the first time in the process, there are some
//! instructions during which the signal is caught and nothing is done.
//!
//! The time comes with each signal, from the reader. Nothing here reads a clock.
//!
//! No user code, the logger included, runs under the lock or on the reading thread (see [`crate::work`]), so a callback
//! that hangs cannot keep the second or third signal from taking its step. Entries hold users' values, so they are
//! dropped after the lock is released.

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

/// The time for which a request is open, unless an entry sets another. Wrappers repeat a signal within some
/// milliseconds; a person who presses a key again takes longer.
pub(crate) const WINDOW: Duration = Duration::from_millis(100);

static TABLE: Mutex<Table> = Mutex::new(Table::new());

struct Table {
    entries: BTreeMap<u64, Entry>,
    slots: BTreeMap<Signal, Slot>,
    /// The dispositions that the program has set for signals without a slot.
    assumed: BTreeMap<Signal, Disposition>,
    /// The id of the next entry. No id is used twice, so a guard cannot remove the entry of another.
    next: u64,
    os: Os,
}

struct Slot {
    previous: Disposition,
    live: usize,
    gate: Gate,
    request: Option<Request>,
}

/// The last signal of a kind for which an entry took a step.
#[derive(Clone, Copy)]
struct Request {
    at: Instant,
    /// The time for which the request is open from `at`.
    window: Duration,
    open: bool,
}

impl Slot {
    /// Restores invariant 2. Called after each change of a field that invariant 2 names.
    fn settle(&self) {
        let open = self.request.is_some_and(|request| request.open);
        self.gate
            .set_idle(self.live == 0 && self.previous == Disposition::Default && !open);
    }

    /// Opens a request. A request that is already open for longer stays open for as long, as another entry requires.
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

    /// Closes the request if its time has passed.
    fn close(&mut self, now: Instant) {
        let Some(request) = &mut self.request else {
            return;
        };
        if is_over(request.at, request.window, now) {
            request.open = false;
            self.settle();
        }
    }

    /// Returns the time for which the request is still open.
    #[cfg(unix)]
    fn open_for(&self, now: Instant) -> Option<Duration> {
        let request = self.request.filter(|request| request.open)?;
        let passed = now.saturating_duration_since(request.at);
        Some(request.window.saturating_sub(passed))
    }
}

/// Returns whether a request that was opened at `at` for `window` is no longer open.
fn is_over(at: Instant, window: Duration, now: Instant) -> bool {
    now.saturating_duration_since(at) >= window
}

struct Entry {
    /// Each signal with the time of its last request, which this entry does not receive again.
    signals: BTreeMap<Signal, Option<Instant>>,
    /// The time for which a signal is the same request.
    window: Duration,
    plan: Plan,
}

/// The reaction of an entry to its signals.
pub(crate) enum Plan {
    /// Runs the work for the first signal, and is spent.
    Once(Arc<Work>),
    /// Gives the first signal to a source, which then answers for it, and is spent.
    Deliver(Arc<Inbox>),
    /// Takes one step for each signal, and the last step for all later signals.
    Steps { steps: Vec<Step>, next: usize },
}

/// The reaction to one signal.
pub(crate) enum Step {
    Run(Arc<Work>),
    TakeDefault,
    Swallow,
}

/// Starts to watch, and returns an id for [`remove`]. Signals that the process ignores are left out unless `ignored` is
/// true.
///
/// A request that is open when the entry is made was served without it, so the entry does not receive its repeats.
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
    let requested = signals.clone();
    signals.retain(|signal| ignored || table.previous(*signal) != Disposition::Ignored);
    for signal in &signals {
        // If a slot fails, those that were made before stay, idle.
        table
            .ensure_slot(*signal)
            .map_err(|error| WatchError::refused(*signal, error))?;
    }
    let id = table.insert(&signals, plan, window);
    // Unlocked first: the logger is user code.
    drop(table);
    for signal in requested {
        let watched = signals.contains(&signal);
        isolate("a logger", || {
            log::debug!(
                target: "cancelable", signal = signal.name(), watched = watched;
                "{signal} is {}", if watched { "watched" } else { "not watched, because this process ignores it" }
            );
        });
    }
    Ok(id)
}

/// Sets the time for which a signal is the same request for an entry, if the entry is not spent.
pub(crate) fn set_window(id: u64, window: Duration) {
    if let Some(entry) = TABLE.lock().entries.get_mut(&id) {
        entry.window = window;
    }
}

/// Stops watching. Does nothing for an entry that is spent.
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

/// Serves the raised signals, and closes the requests whose time has passed. Returns the time until the next request is
/// to be closed.
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

/// Serves one signal: to its watchers, or by the previous disposition.
pub(crate) fn serve(signal: Signal, now: Instant) {
    act(signal, Arrival::At(now));
}

/// Serves a signal once more, after it had no effect.
pub(crate) fn serve_again(signal: Signal) {
    act(signal, Arrival::Again);
}

/// The origin of a signal that is served.
#[derive(Clone, Copy)]
enum Arrival {
    /// The signal comes from the system.
    At(Instant),
    /// The signal comes from sources that received it first, and could not put it on record.
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
        // Each source has its own work: a scope's callbacks may hang, and must not delay the other scopes.
        Work::new(Arc::new(move |_| source.act())).begin(signal);
    }
}

/// The decision about one signal.
#[derive(Default)]
struct Verdict {
    work: Vec<Arc<Work>>,
    /// The sources that receive the signal.
    sources: Vec<Arc<Inbox>>,
    /// True if a watcher other than a source has the signal, too.
    others: bool,
    take_default: bool,
    /// True if the signal is the same request as an earlier signal, for a watcher or for the last watcher that is
    /// gone.
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
        // Read before the handler is installed: later the system reports that handler.
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

    /// Makes an entry for signals that have slots, and returns its id.
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

    /// Closes the requests whose time has passed. Returns the signals whose flag was set, and clears the flags.
    #[cfg(unix)]
    fn raised(&mut self, now: Instant) -> Vec<Signal> {
        self.slots.values_mut().for_each(|slot| slot.close(now));
        let raised = self.slots.iter().filter(|(_, slot)| slot.gate.take());
        raised.map(|(signal, _)| *signal).collect()
    }

    fn decide(&mut self, signal: Signal, arrival: Arrival) -> Verdict {
        let mut verdict = Verdict::default();
        // The longest window of the entries that take a step.
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
            // Before the spent entries are removed: a repeat must not find the slot idle.
            if let Some(window) = opened {
                slot.open(now, window);
            } else if watching == 0 && slot.request.is_some_and(|request| request.open) {
                verdict.repeats = true;
                return verdict;
            }
        }
        for id in spent {
            // The plan moves to the verdict, so no user value is dropped under the lock.
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
