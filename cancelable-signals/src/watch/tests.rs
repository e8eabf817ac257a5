//! Decisions about signals, with a time that the test moves.

use super::{Arrival, Plan, Slot, Step, Table, Verdict};
use crate::os::Gate;
use crate::work::Work;
use crate::{Disposition, Signal};
use std::sync::Arc;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_millis(100);
const MS: Duration = Duration::from_millis(1);

struct Machine {
    table: Table,
    now: Instant,
}

/// The effect of one signal.
#[derive(Debug, PartialEq)]
enum Came {
    /// The number of works that were begun.
    Work(usize),
    TakeDefault,
    Repeat,
    Nothing,
}

impl Machine {
    fn new(previous: Disposition) -> Self {
        let mut table = Table::new();
        for signal in Signal::shutdown() {
            let slot = Slot {
                previous,
                live: 0,
                gate: Gate::new(previous == Disposition::Default),
                request: None,
            };
            table.slots.insert(signal, slot);
        }
        // Any point in time will do.
        let now = rt::current().unwrap().now();
        Self { table, now }
    }

    fn once(&mut self, window: Duration) -> u64 {
        let plan = Plan::Once(nothing());
        self.table.insert(&Signal::shutdown(), plan, window)
    }

    fn steps(&mut self, steps: Vec<Step>, window: Duration) -> u64 {
        let plan = Plan::Steps { steps, next: 0 };
        self.table.insert(&Signal::shutdown(), plan, window)
    }

    fn after(&mut self, passed: Duration) -> &mut Self {
        self.now += passed;
        self
    }

    fn signal(&mut self, signal: Signal) -> Came {
        self.decide(signal, Arrival::At(self.now))
    }

    fn decide(&mut self, signal: Signal, arrival: Arrival) -> Came {
        let Verdict {
            work,
            take_default,
            repeats,
            ..
        } = self.table.decide(signal, arrival);
        match (work.len(), take_default, repeats) {
            (0, false, false) => Came::Nothing,
            (0, false, true) => Came::Repeat,
            (0, true, false) => Came::TakeDefault,
            (some, false, _) => Came::Work(some),
            other => panic!("{other:?}"),
        }
    }

    fn int(&mut self) -> Came {
        self.signal(Signal::INT)
    }

    /// Lets the reader run, and then returns whether the handler takes the default action without the reader.
    #[cfg(unix)]
    fn is_idle(&mut self) -> bool {
        assert!(self.table.raised(self.now).is_empty());
        self.table.slots[&Signal::INT].gate.is_idle()
    }
}

fn nothing() -> Arc<Work> {
    Work::new(Arc::new(|_| ()))
}

fn run() -> Step {
    Step::Run(nothing())
}

#[test]
fn r45_the_same_signal_within_the_window_of_the_first_is_the_same_request() {
    let mut machine = Machine::new(Disposition::Default);
    machine.once(WINDOW);
    assert_eq!(machine.int(), Came::Work(1));
    // There is no watcher any more, and the signal does not end the process.
    assert_eq!(machine.int(), Came::Repeat);
    assert_eq!(machine.after(99 * MS).int(), Came::Repeat);
    // Of the first: a repeat does not make it longer.
    assert_eq!(machine.after(MS).int(), Came::TakeDefault);
}

#[test]
fn r45_an_escalation_takes_no_step_for_a_repeat() {
    let mut machine = Machine::new(Disposition::Default);
    machine.steps(vec![run(), run(), Step::TakeDefault], WINDOW);
    for _ in 0..2 {
        assert_eq!(machine.int(), Came::Work(1));
        assert_eq!(machine.after(50 * MS).int(), Came::Repeat);
        machine.after(50 * MS);
    }
    assert_eq!(machine.int(), Came::TakeDefault);
}

/// Users whose Ctrl+C has no effect send SIGTERM from another terminal.
#[test]
fn r33_another_signal_is_another_request() {
    let Ok(term) = Signal::term() else { return };
    let mut machine = Machine::new(Disposition::Default);
    machine.steps(vec![run(), run(), Step::TakeDefault], WINDOW);
    assert_eq!(machine.int(), Came::Work(1));
    assert_eq!(machine.signal(term), Came::Work(1));
    assert_eq!(machine.int(), Came::Repeat);
    assert_eq!(machine.after(WINDOW).signal(term), Came::TakeDefault);
}

/// Cleanup after the first signal may end at a second signal, and a wrapper's repeat is not a second signal.
#[test]
fn r45_a_repeat_is_not_for_who_watches_since_the_first() {
    let mut machine = Machine::new(Disposition::Default);
    machine.once(WINDOW);
    assert_eq!(machine.int(), Came::Work(1));
    machine.once(WINDOW);
    assert_eq!(machine.after(50 * MS).int(), Came::Repeat);
    assert_eq!(machine.after(50 * MS).int(), Came::Work(1));
}

/// A signal that no watcher received is no request, and a later watcher receives the next signal.
#[test]
fn r33_the_window_opens_with_a_signal_that_was_received() {
    let mut machine = Machine::new(Disposition::Ignored);
    assert_eq!(machine.int(), Came::Nothing);
    machine.once(WINDOW);
    assert_eq!(machine.int(), Came::Work(1));
}

/// The source that received the signal was dropped before it had an effect.
#[test]
fn r45_a_request_that_nobody_has_received_is_held_back_by_no_window() {
    let mut machine = Machine::new(Disposition::Default);
    machine.once(WINDOW);
    assert_eq!(machine.int(), Came::Work(1));
    machine.once(WINDOW);
    assert_eq!(machine.decide(Signal::INT, Arrival::Again), Came::Work(1));
    // The request was received now, and its repeat counts as a repeat.
    assert_eq!(machine.after(50 * MS).int(), Came::Repeat);
    assert_eq!(
        machine.decide(Signal::INT, Arrival::Again),
        Came::TakeDefault
    );
}

#[test]
fn r45_each_entry_has_its_own_window() {
    let mut machine = Machine::new(Disposition::Default);
    let each = machine.steps(vec![run()], Duration::ZERO);
    machine.once(WINDOW);
    assert_eq!(machine.int(), Came::Work(2));
    assert_eq!(machine.after(50 * MS).int(), Came::Work(1));
    machine.table.take(each);
    // That of the longer one counts on, and from its own first.
    assert_eq!(machine.after(49 * MS).int(), Came::Repeat);
    assert_eq!(machine.after(MS).int(), Came::TakeDefault);
}

#[test]
fn r45_a_window_of_zero_has_each_signal_count() {
    let mut machine = Machine::new(Disposition::Default);
    machine.once(Duration::ZERO);
    assert_eq!(machine.int(), Came::Work(1));
    assert_eq!(machine.int(), Came::TakeDefault);
}

#[test]
fn r45_a_window_that_no_clock_can_express_never_ends() {
    let mut machine = Machine::new(Disposition::Default);
    machine.once(Duration::MAX);
    assert_eq!(machine.int(), Came::Work(1));
    let year = Duration::from_secs(365 * 86_400);
    assert_eq!(machine.after(year).int(), Came::Repeat);
}

/// While the request is open a repeat must come to the reader, and afterwards the default action is
/// taken by the handler itself again.
#[cfg(unix)]
#[test]
fn r33_the_default_action_is_back_when_the_window_is_over() {
    let mut machine = Machine::new(Disposition::Default);
    assert!(machine.is_idle());
    machine.once(WINDOW);
    assert!(!machine.is_idle());
    assert_eq!(machine.int(), Came::Work(1));
    assert!(!machine.is_idle());
    let slot = &machine.table.slots[&Signal::INT];
    assert_eq!(slot.open_for(machine.now + 30 * MS), Some(70 * MS));
    assert!(!machine.after(99 * MS).is_idle());
    assert!(machine.after(MS).is_idle());
    assert_eq!(
        machine.table.slots[&Signal::INT].open_for(machine.now),
        None
    );
}

/// An escalation whose guard goes as the first signal ends the work.
#[cfg(unix)]
#[test]
fn r45_a_repeat_does_not_end_a_process_whose_guard_has_gone() {
    let mut machine = Machine::new(Disposition::Default);
    let guard = machine.steps(vec![run(), Step::TakeDefault], WINDOW);
    assert_eq!(machine.int(), Came::Work(1));
    machine.table.take(guard);
    assert!(!machine.is_idle());
    assert_eq!(machine.int(), Came::Repeat);
    assert!(machine.after(WINDOW).is_idle());
}
