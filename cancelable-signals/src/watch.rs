//! The one table of what is watched, and the argument that no signal is lost.
//!
//! Each signal that was ever watched has a *slot*: what the process did with it before
//! (`previous`), how many entries want it (`live`), and the system's side of it (`gate`). The gate
//! has a flag, `idle`, and a queue; the handler that signal-hook runs does only this:
//!
//! > `idle` set: take the default action. Else put the signal on the queue and wake the reader.
//!
//! An *entry* is one source or guard. It is spent when its plan is done, and then counts no more.
//!
//! Invariants, all kept under the table's lock:
//!
//! 1. `live` of a slot is the number of entries that name its signal.
//! 2. `idle` is set iff `live` is 0 and `previous` is [`Disposition::Default`].
//! 3. A slot, once there, stays, and so does its handler: no safe interface gives the old one
//!    back to the system. What the handler does while `live` is 0 stands for it: the default
//!    action by the flag; an ignored signal goes no further than the queue; a handler that was
//!    there before is called by signal-hook each time, whatever this crate does.
//!
//! No signal is lost. Its handler reads `idle` once:
//!
//! - It was set. Then by 2 nobody watched at that moment, and the process takes the default
//!   action, as it would have without this crate. That a registration is under way at the same
//!   time only means that the signal came before it.
//! - It was not set. Then the signal is on the queue, and the reader, woken after that, will take
//!   it off and come to [`serve`] with it. There, under the lock, either some entry is live and
//!   receives it, or none is, because the last has unregistered since the handler looked: then
//!   the reader takes the previous disposition's part itself. There is no third case, because the
//!   decision and the registrations are under one lock. Unregistering therefore has nothing to
//!   wait for.
//!
//! A source is given a signal that it may not be able to do anything with: its scope ends before anyone looks,
//! or was cancelled for something else. It answers for the signal then, and the last that lets go of one that
//! has had no effect brings it to [`serve`] once more (see [`crate::delivery`]).
//!
//! Signals that are on the queue or in the system together may be merged into fewer, as the
//! system does by itself, but never into none. One gap is signal-hook's: while it installs its
//! handler for a signal for the first time in the process, there are some instructions during
//! which the signal is caught and nothing is done with it.
//!
//! Nothing of a user's, the logger included, runs under the lock or on the reading thread (see
//! [`crate::work`]), so a callback that hangs cannot keep the second or third signal from taking its step. Entries hold
//! users' values, so they are dropped after the lock is released.

use crate::delivery::{Delivery, Inbox};
use crate::os::{self, Gate, Os};
use crate::work::Work;
use crate::{Disposition, Signal, WatchError};
use cancelable_core::token::isolate;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

static TABLE: Mutex<Table> = Mutex::new(Table {
    entries: BTreeMap::new(),
    slots: BTreeMap::new(),
    assumed: BTreeMap::new(),
    next: 0,
    os: Os::new(),
});

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
}

impl Slot {
    /// Invariant 2. To be called after each change of what it depends on.
    fn settle(&self) {
        self.gate
            .set_idle(self.live == 0 && self.previous == Disposition::Default);
    }
}

struct Entry {
    signals: Vec<Signal>,
    plan: Plan,
}

/// What an entry does with the signals that it receives.
pub(crate) enum Plan {
    /// Does this with the first signal, and is spent.
    Once(Work),
    /// Gives a source the first signal, and is spent. The source answers for it.
    Deliver(Arc<Inbox>),
    /// Takes one step for each signal; the last one for all that come after.
    Steps { steps: Vec<Step>, next: usize },
}

/// What is done with one signal.
#[derive(Clone)]
pub(crate) enum Step {
    Run(Work),
    TakeDefault,
    Swallow,
}

/// Starts to watch; the id is for [`remove`]. Signals that the process ignores are left out
/// unless `ignored` asks for them.
pub(crate) fn add(mut signals: Vec<Signal>, plan: Plan, ignored: bool) -> Result<u64, WatchError> {
    if signals.is_empty() {
        return Err(WatchError::nothing());
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
    let id = table.next;
    table.next += 1;
    table.count(&signals, |live| live + 1);
    let entry = Entry {
        signals: signals.clone(),
        plan,
    };
    table.entries.insert(id, entry);
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

/// The signals on the queues, each as often as it is there.
#[cfg(unix)]
pub(crate) fn pending() -> Vec<Signal> {
    let mut table = TABLE.lock();
    let queued = table.slots.iter_mut();
    queued
        .flat_map(|(signal, slot)| std::iter::repeat_n(*signal, slot.gate.take()))
        .collect()
}

/// Does with one signal what those who watch it want, or what the process did before.
pub(crate) fn serve(signal: Signal) {
    let mut table = TABLE.lock();
    let verdict = table.decide(signal);
    drop(table);
    if verdict.take_default {
        os::take_default(signal);
    }
    let mut work = verdict.work;
    if !verdict.sources.is_empty() {
        let others = verdict.receivers > verdict.sources.len();
        let delivery = Delivery::new(signal, others);
        let sources = verdict.sources;
        work.push(Arc::new(move |_| {
            for source in &sources {
                source.receive(Arc::clone(&delivery));
            }
        }));
    }
    crate::work::run(signal, work);
}

struct Verdict {
    receivers: usize,
    work: Vec<Work>,
    /// Each has received the signal, beside the work.
    sources: Vec<Arc<Inbox>>,
    take_default: bool,
}

impl Table {
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
            },
        );
        Ok(())
    }

    /// Invariants 1 and 2.
    fn count(&mut self, signals: &[Signal], change: impl Fn(usize) -> usize) {
        for signal in signals {
            if let Some(slot) = self.slots.get_mut(signal) {
                slot.live = change(slot.live);
                slot.settle();
            }
        }
    }

    fn take(&mut self, id: u64) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.count(&entry.signals, |live| live - 1);
        Some(entry)
    }

    fn decide(&mut self, signal: Signal) -> Verdict {
        let mut verdict = Verdict {
            receivers: 0,
            work: Vec::new(),
            sources: Vec::new(),
            take_default: false,
        };
        let mut spent = Vec::new();
        for (id, entry) in &mut self.entries {
            if !entry.signals.contains(&signal) {
                continue;
            }
            verdict.receivers += 1;
            match &mut entry.plan {
                Plan::Once(_) | Plan::Deliver(_) => spent.push(*id),
                Plan::Steps { steps, next } => {
                    let step = steps.get(*next).or(steps.last());
                    *next = next.saturating_add(1);
                    match step {
                        Some(Step::Run(work)) => verdict.work.push(work.clone()),
                        Some(Step::TakeDefault) => verdict.take_default = true,
                        Some(Step::Swallow) | None => {}
                    }
                }
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
        if verdict.receivers == 0 {
            verdict.take_default = self.previous(signal) == Disposition::Default;
        }
        verdict
    }
}
