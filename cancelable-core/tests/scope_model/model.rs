//! The expected result of a case, by a model that is too simple to be wrong: scopes are rows of plain state, and
//! nothing is ever woken. At each point in time every task is visited repeatedly, until no task makes progress.
//! Then the time moves to the next point for which a task waits.
//!
//! The effects of several tasks at one point in time may depend on their order. The model takes the order from
//! outside, and the library is right if there is one that leads to what it did.

use crate::plan::{Case, Ending, FinalStep, Finalizer, Numbers, Plan, Step};
use crate::trace::{How, Last, Log, Ran, Seen, Trouble, What, Why};
use cancelable_core::operation::Status;
use std::collections::BTreeSet;

/// The order in which tasks are looked at.
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
    /// Another one at each turn.
    Shuffled(Numbers),
}

impl Order {
    fn arrange(&mut self, turn: &mut [usize]) {
        match self {
            Self::OldestFirst => {}
            Self::NewestFirst => turn.reverse(),
            Self::Shuffled(numbers) => {
                for end in 1..turn.len() {
                    turn.swap(end, numbers.below(end + 1));
                }
            }
        }
    }
}

/// One scope.
struct Row<'a> {
    parent: Option<usize>,
    /// A child: its task is another one than its parent's.
    spawned: bool,
    /// Opened in a shield: neither cancelled nor bound by what is above.
    isolated: bool,
    plan: Option<&'a Plan>,
    status: Status,
    started: Option<u64>,
    ended: Option<u64>,
    due: Option<u64>,
    why: Option<Why>,
    /// The value of `why` at the end: what comes later goes past it to what is below.
    why_at_end: Option<Option<Why>>,
    cancelled_at: u64,
    /// The body is looked at for the last time before it is dropped.
    last_look: bool,
    hard: bool,
    /// It has or had something to join.
    used: bool,
    deferred: bool,
    finalizers: Vec<&'a Finalizer>,
    trouble: Vec<(String, Trouble)>,
    /// The failures of descendants that no other operation has received.
    trouble_below: Vec<(String, Trouble)>,
    failed_below: Vec<String>,
    members: BTreeSet<usize>,
    running: usize,
    queue: Vec<usize>,
    failed: Vec<usize>,
    /// The orphans of dropped runs inside, which continue.
    adopted: BTreeSet<usize>,
    /// The time from which no part of it ran any more.
    settled: Option<u64>,
    /// As a child: how it ended, once that is known.
    reported: Option<How>,
}

struct Walk<'a> {
    steps: &'a [Step],
    next: usize,
    doing: Option<Doing<'a>>,
}

enum Doing<'a> {
    Sleep(u64),
    Shield {
        inside: Box<Walk<'a>>,
        until: Option<u64>,
        /// It has ended, in time or not, and a cancel was due.
        held: Option<bool>,
    },
    Run {
        run: Box<Run<'a>>,
        until: Option<u64>,
    },
    Join(usize),
}

struct Run<'a> {
    id: usize,
    phase: Phase<'a>,
    wind_up: WindUp<'a>,
}

enum Phase<'a> {
    Unentered,
    Body(Walk<'a>),
    Ended(End),
    Over,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Came(Ending),
    Cancelled { straggles: bool },
}

#[derive(Default)]
struct WindUp<'a> {
    begun: bool,
    until: Option<u64>,
    current: Option<Final<'a>>,
}

struct Final<'a> {
    plan: &'a Finalizer,
    /// Of the steps; none before it was looked at.
    next: Option<usize>,
    until: Option<u64>,
}

enum Task<'a> {
    Root {
        run: Run<'a>,
        until: Option<u64>,
    },
    Child(Run<'a>),
    Call {
        id: usize,
        ending: Ending,
    },
    HandedOver {
        id: usize,
        wind_up: WindUp<'a>,
        /// The row that waits for it.
        owner: Option<usize>,
    },
    Blows {
        next: usize,
        at: u64,
    },
}

/// The payload of a panic.
struct Unwinding;

pub(crate) struct Model<'a> {
    case: &'a Case,
    now: u64,
    rows: Vec<Option<Row<'a>>>,
    logs: Vec<Log>,
    tasks: Vec<Option<Task<'a>>>,
    /// Points in time at which something may happen. An extra visit does no harm.
    alarms: BTreeSet<u64>,
    /// Something has changed since this was last cleared.
    moved: bool,
}

impl<'a> Model<'a> {
    pub(crate) fn predict(case: &'a Case, order: Order) -> Seen {
        let mut model = Self {
            case,
            now: 0,
            rows: (0..case.scopes).map(|_| None).collect(),
            logs: vec![Log::new(); case.scopes],
            tasks: Vec::new(),
            alarms: BTreeSet::new(),
            moved: false,
        };
        model.open(&case.root, None, false, false);
        let run = Run::new(case.root.id);
        let until = case.dropped_after.map(|after| model.later(after));
        model.tasks.push(Some(Task::Root { run, until }));
        if let Some(first) = case.blows.first() {
            let at = model.later(first.after);
            model.tasks.push(Some(Task::Blows { next: 0, at }));
        }
        model.go(order);
        Seen {
            last: model
                .rows
                .iter()
                .map(|row| Some(row.as_ref()?.last(case.is_awaited)))
                .collect(),
            logs: model.logs,
        }
    }

    fn go(&mut self, mut order: Order) {
        loop {
            self.moved = false;
            let mut turn: Vec<_> = (0..self.tasks.len()).collect();
            order.arrange(&mut turn);
            for index in turn {
                if let Some(mut task) = self.tasks[index].take() {
                    if !self.look(&mut task) {
                        self.tasks[index] = Some(task);
                    }
                }
            }
            if self.moved {
                continue;
            }
            let (now, next) = (self.now, self.alarms.iter().next().copied());
            let Some(next) = next else {
                return;
            };
            self.alarms.remove(&next);
            self.now = next.max(now);
        }
    }

    /// True if the task has ended.
    fn look(&mut self, task: &mut Task<'a>) -> bool {
        match task {
            Task::Root { run, until } => {
                let id = run.id;
                match self.run(run) {
                    Some(Ok(ran)) => self.log(id, What::Ran(id, Some(ran))),
                    Some(Err(Unwinding)) => {}
                    None if self.is_past(*until) => {
                        self.drop_run(run);
                        self.log(id, What::Ran(id, None));
                    }
                    None => return false,
                }
                true
            }
            Task::Child(run) => {
                let id = run.id;
                if self.owner(id).queue.contains(&id) && !self.is_cancelled(id) {
                    return false;
                }
                let Some(ran) = self.run(run) else {
                    return false;
                };
                let how = match ran {
                    Err(Unwinding) => How::Panic,
                    Ok(ran) if ran.how == How::Late => How::ChildFailed,
                    Ok(ran) => ran.how,
                };
                self.member_over(id, how);
                true
            }
            Task::Call { id, ending } => {
                self.call(*id, *ending);
                true
            }
            Task::HandedOver { id, wind_up, owner } => {
                let joined = wind_up.begun || !self.is_waiting(*id);
                if !joined || !self.clean_up(*id, wind_up) {
                    return false;
                }
                let id = &*id;
                self.settle(*id);
                self.report_up(*id);
                if let Some(owner) = *owner {
                    self.row_mut(owner).adopted.remove(id);
                }
                self.moved = true;
                true
            }
            Task::Blows { next, at } => {
                if *at > self.now {
                    return false;
                }
                let blow = &self.case.blows[*next];
                self.ask(None, blow.target, blow.number, blow.now);
                *next += 1;
                match self.case.blows.get(*next) {
                    Some(blow) => *at = self.later(blow.after),
                    None => return true,
                }
                self.moved = true;
                false
            }
        }
    }

    // The body.

    /// Goes on with the steps of a body; none while it waits for something.
    fn walk(
        &mut self,
        id: usize,
        walk: &mut Walk<'a>,
        shielded: bool,
    ) -> Option<Result<(), Unwinding>> {
        loop {
            if let Some(doing) = &mut walk.doing {
                let what = match self.go_on(id, doing, shielded)? {
                    Ok(what) => what,
                    Err(unwinding) => return Some(Err(unwinding)),
                };
                walk.doing = None;
                self.log(id, what);
                continue;
            }
            let Some(step) = walk.steps.get(walk.next) else {
                return Some(Ok(()));
            };
            walk.next += 1;
            self.moved = true;
            walk.doing = self.begin(id, step, shielded);
        }
    }

    /// Does what a step does at once; the rest is to be gone on with.
    fn begin(&mut self, id: usize, step: &'a Step, shielded: bool) -> Option<Doing<'a>> {
        let what = match step {
            Step::Sleep(time) => return Some(Doing::Sleep(self.later(*time))),
            Step::Shield { within, steps } => {
                let until = within.map(|within| self.later(within));
                return Some(Doing::Shield {
                    inside: Box::new(Walk::new(steps)),
                    until,
                    held: None,
                });
            }
            Step::Run {
                plan,
                dropped_after,
            } => {
                self.open(plan, Some(id), false, shielded);
                let until = dropped_after.map(|after| self.later(after));
                return Some(Doing::Run {
                    run: Box::new(Run::new(plan.id)),
                    until,
                });
            }
            Step::Join(child) => {
                // Its handle is used up by the first wait.
                let row = self.rows.get(*child).and_then(Option::as_ref);
                let own = row.is_some_and(|row| row.spawned && row.parent == Some(id));
                let waited = |what: &(u64, What)| matches!(what.1, What::Joined { child: before, .. } if before == *child);
                let again = self.logs[id].iter().any(waited);
                return (own && !again).then_some(Doing::Join(*child));
            }
            Step::Check => What::Checked {
                is_cancelled: self.check(id),
            },
            Step::Defer(finalizer) => {
                self.defer(id, finalizer);
                return None;
            }
            Step::Cancel {
                number,
                target,
                now,
            } => What::Asked {
                first: self.ask(Some(id), *target, *number, *now),
            },
            Step::SetTimeout(time) => {
                let done = !self.is_cancelled(id);
                if done {
                    let due = self.later(*time);
                    self.row_mut(id).due = Some(due);
                    self.expire(id);
                }
                What::Moved { done }
            }
            Step::Spawn(plan) => {
                let done = !self.check(id);
                if done {
                    self.open(plan, Some(id), true, false);
                    let row = self.row_mut(id);
                    row.members.insert(plan.id);
                    row.used = true;
                    let limit = row.plan.and_then(|plan| plan.concurrency);
                    match limit.is_some_and(|limit| row.running >= limit) {
                        true => row.queue.push(plan.id),
                        false => row.running += 1,
                    }
                    self.tasks.push(Some(Task::Child(Run::new(plan.id))));
                }
                What::Spawned {
                    child: plan.id,
                    done,
                }
            }
            Step::Block { id: call, ending } => {
                let done = !self.check(id);
                if done {
                    self.open_as(*call, None, Some(id), true, false);
                    let row = self.row_mut(id);
                    row.members.insert(*call);
                    row.used = true;
                    self.tasks.push(Some(Task::Call {
                        id: *call,
                        ending: *ending,
                    }));
                }
                What::Spawned { child: *call, done }
            }
            Step::Abandon {
                id: inside,
                finalizer,
            } => self.abandon(id, *inside, finalizer.as_ref(), shielded),
        };
        self.log(id, what);
        None
    }

    fn abandon(
        &mut self,
        id: usize,
        inside: usize,
        finalizer: Option<&'a Finalizer>,
        shielded: bool,
    ) -> What {
        self.open_as(inside, None, Some(id), false, shielded);
        let now = self.now;
        let row = self.row_mut(inside);
        row.status = Status::NeverRun;
        row.ended = Some(now);
        row.why_at_end = Some(row.why.clone());
        match finalizer {
            Some(finalizer) => {
                self.defer(inside, finalizer);
                let owner = self.adopt(inside);
                self.hand_over(inside, WindUp::default(), owner);
            }
            None => self.settle(inside),
        }
        What::Abandoned(inside)
    }

    fn go_on(
        &mut self,
        id: usize,
        doing: &mut Doing<'a>,
        shielded: bool,
    ) -> Option<Result<What, Unwinding>> {
        match doing {
            Doing::Sleep(until) => self.is_past(Some(*until)).then_some(Ok(What::Slept)),
            Doing::Join(child) => {
                let how = self.row(*child).reported?;
                Some(Ok(What::Joined { child: *child, how }))
            }
            Doing::Run { run, until } => match self.run(run) {
                Some(Ok(ran)) => Some(Ok(What::Ran(run.id, Some(ran)))),
                Some(Err(unwinding)) => Some(Err(unwinding)),
                None if self.is_past(*until) => {
                    self.drop_run(run);
                    Some(Ok(What::Ran(run.id, None)))
                }
                None => None,
            },
            Doing::Shield {
                inside,
                until,
                held,
            } => {
                let in_time = match held {
                    Some(_) if self.row(id).last_look => return None,
                    Some(in_time) => *in_time,
                    None => {
                        let in_time = match self.walk(id, inside, true) {
                            Some(Ok(())) => true,
                            Some(Err(unwinding)) => return Some(Err(unwinding)),
                            None if self.is_past(*until) => false,
                            None => return None,
                        };
                        // With its end all that it has left goes.
                        self.drop_walk(inside);
                        self.moved = true;
                        if self.is_cancelled(id) && !shielded {
                            *held = Some(in_time);
                            return None;
                        }
                        in_time
                    }
                };
                Some(Ok(What::Shielded { in_time }))
            }
        }
    }

    // The run.

    /// One visit of a run; none while it has not ended.
    fn run(&mut self, run: &mut Run<'a>) -> Option<Result<Ran, Unwinding>> {
        let id = run.id;
        if let Phase::Unentered = run.phase {
            run.phase = self.enter(id);
        }
        if let Phase::Body(walk) = &mut run.phase {
            let end = self.look_at_body(id, walk)?;
            run.phase = Phase::Ended(end);
        }
        let Phase::Ended(end) = run.phase else {
            return None;
        };
        if !run.wind_up.begun && self.is_waiting(id) {
            let fails = matches!(end, End::Came(Ending::Error | Ending::Panic));
            let has_children = !self.row(id).members.is_empty();
            // The cancel before the failure is the cause.
            self.check(id);
            if fails && has_children && !self.plan(id).collect_all {
                self.cancel(id, "child_failed", None, Some(id));
            }
            return None;
        }
        let cleaned_up = self.clean_up(id, &mut run.wind_up);
        // To the end: a deadline that has passed is on record, whatever runs.
        self.check(id);
        if !cleaned_up {
            return None;
        }
        run.phase = Phase::Over;
        Some(self.close(id, end))
    }

    /// One visit of a body, and a second visit if a cancel came after the first; none while it continues.
    fn look_at_body(&mut self, id: usize, walk: &mut Walk<'a>) -> Option<End> {
        let knew = self.is_cancelled(id);
        let mut came = self.walk(id, walk, false);
        if came.is_none() {
            if !self.check(id) || self.is_kept(id, walk) {
                return None;
            }
            if !knew {
                self.row_mut(id).last_look = true;
                came = self.walk(id, walk, false);
                self.row_mut(id).last_look = false;
                if came.is_none() && self.is_kept(id, walk) {
                    return None;
                }
            }
        }
        let at_its_end = came.as_ref().is_some_and(Result::is_ok);
        if came.is_none() {
            self.drop_walk(walk);
        }
        self.log(id, What::BodyOver { at_its_end });
        Some(match came {
            Some(Ok(())) => End::Came(self.plan(id).ending),
            Some(Err(Unwinding)) => End::Came(Ending::Panic),
            None => End::Cancelled {
                straggles: self.plan(id).grace.is_some(),
            },
        })
    }

    /// Returns whether a cancelled body is visited further.
    fn is_kept(&self, id: usize, walk: &Walk<'a>) -> bool {
        self.is_held(walk) || self.has_window(id)
    }

    /// Returns whether something in a body must not be dropped: a shield, or a scope inside that would leave
    /// something behind.
    fn is_held(&self, walk: &Walk<'a>) -> bool {
        match &walk.doing {
            Some(Doing::Shield { held, .. }) => held.is_none(),
            Some(Doing::Run { run, .. }) => self.has_open(run),
            _ => false,
        }
    }

    fn has_open(&self, run: &Run<'a>) -> bool {
        let row = self.row(run.id);
        let body_holds = matches!(&run.phase, Phase::Body(walk) if self.is_held(walk));
        row.used || row.deferred || body_holds
    }

    fn enter(&mut self, id: usize) -> Phase<'a> {
        let plan = self.plan(id);
        let due = plan.timeout.map(|timeout| self.later(timeout));
        let now = self.now;
        let row = self.row_mut(id);
        row.status = Status::Running;
        row.started = Some(now);
        row.due = due;
        if self.check(id) {
            return Phase::Ended(End::Cancelled { straggles: false });
        }
        self.log(id, What::Began);
        Phase::Body(Walk::new(&plan.steps))
    }

    fn close(&mut self, id: usize, end: End) -> Result<Ran, Unwinding> {
        let cancelled = self.is_cancelled(id);
        let row = self.row(id);
        let collects = self.plan(id).collect_all;
        let failure = row.failed.first().filter(|_| !collects);
        let stopped_for = row
            .why
            .as_ref()
            .filter(|why| why.reason == "child_failed" && !why.is_inherited);
        let stopped_for = stopped_for.and_then(|why| why.operation.clone());
        let (how, status) = match (end, failure) {
            (End::Came(Ending::Value), None) => (How::Value, Status::Completed),
            (End::Came(Ending::Value), Some(_)) => (How::Late, Status::Failed),
            (End::Came(Ending::Error), _) => (How::Error, Status::Failed),
            (End::Came(Ending::Panic), _) => (How::Panic, Status::Failed),
            (End::Cancelled { .. }, Some(child)) if stopped_for == Some(child.to_string()) => {
                (How::ChildFailed, Status::Failed)
            }
            (End::Cancelled { .. }, _) => (How::Cancelled, Status::Cancelled),
        };
        let ran = Ran {
            how,
            status,
            why: row.why.clone(),
            failed: match cancelled || collects {
                true => self.all_failed(id),
                false => row.failed_below.clone(),
            },
            trouble: self.all_trouble(id),
            is_straggler: end == End::Cancelled { straggles: true },
        };
        self.over(id, status);
        self.settle(id);
        if self.row(id).spawned {
            let owner = self.row(id).parent.expect("a child has an owner");
            self.report_to(owner, id, collects);
        }
        match how {
            How::Panic => Err(Unwinding),
            _ => Ok(ran),
        }
    }

    fn all_failed(&self, id: usize) -> Vec<String> {
        let row = self.row(id);
        let own = row.failed.iter().map(ToString::to_string);
        own.chain(row.failed_below.iter().cloned()).collect()
    }

    fn all_trouble(&self, id: usize) -> Vec<(String, Trouble)> {
        let row = self.row(id);
        let all = row.trouble.iter().chain(&row.trouble_below);
        all.cloned().collect()
    }

    /// The parent receives the failures that no other operation has received.
    fn report_to(&mut self, owner: usize, id: usize, own_failures: bool) {
        let trouble = self.all_trouble(id);
        let failed = match own_failures {
            true => self.all_failed(id),
            false => self.row(id).failed_below.clone(),
        };
        let owner = self.row_mut(owner);
        owner.trouble_below.extend(trouble);
        owner.failed_below.extend(failed);
    }

    /// The same for a row that has lost its run: the nearest scope of which something runs is told, since nobody
    /// has the outcome.
    fn report_up(&mut self, id: usize) {
        let mut above = std::iter::successors(self.row(id).parent, |id| self.row(*id).parent);
        if let Some(owner) = above.find(|above| self.row(*above).settled.is_none()) {
            self.report_to(owner, id, true);
        }
    }

    /// The operation has its end.
    fn over(&mut self, id: usize, status: Status) {
        let now = self.now;
        let row = self.row_mut(id);
        row.status = status;
        row.ended = Some(now);
        row.why_at_end = Some(row.why.clone());
        self.moved = true;
    }

    fn settle(&mut self, id: usize) {
        self.row_mut(id).settled = Some(self.now);
    }

    fn drop_run(&mut self, run: &mut Run<'a>) {
        let id = run.id;
        match std::mem::replace(&mut run.phase, Phase::Over) {
            Phase::Over => return,
            Phase::Body(mut walk) => {
                self.cancel(id, "run_dropped", None, Some(id));
                self.drop_walk(&mut walk);
                self.log(id, What::BodyOver { at_its_end: false });
            }
            Phase::Unentered | Phase::Ended(_) => {
                self.cancel(id, "run_dropped", None, Some(id));
            }
        }
        let is_idle = run.wind_up.current.is_none() && self.row(id).finalizers.is_empty();
        if is_idle && !self.is_waiting(id) {
            self.over(id, Status::Cancelled);
            self.settle(id);
            self.report_up(id);
            return;
        }
        let owner = self.adopt(id);
        self.over(id, Status::Cancelled);
        self.hand_over(id, std::mem::take(&mut run.wind_up), owner);
    }

    fn drop_walk(&mut self, walk: &mut Walk<'a>) {
        match walk.doing.take() {
            Some(Doing::Run { mut run, .. }) => self.drop_run(&mut run),
            Some(Doing::Shield { mut inside, .. }) => self.drop_walk(&mut inside),
            _ => {}
        }
    }

    fn hand_over(&mut self, id: usize, wind_up: WindUp<'a>, owner: Option<usize>) {
        self.tasks
            .push(Some(Task::HandedOver { id, wind_up, owner }));
        self.moved = true;
    }

    /// Has the nearest scope above of which something runs wait for what this one leaves.
    fn adopt(&mut self, id: usize) -> Option<usize> {
        let mut above = std::iter::successors(self.row(id).parent, |id| self.row(*id).parent);
        let owner = above.find(|above| self.row(*above).settled.is_none())?;
        let row = self.row_mut(owner);
        row.adopted.insert(id);
        row.used = true;
        Some(owner)
    }

    /// Returns whether there is something to join.
    fn is_waiting(&self, id: usize) -> bool {
        let row = self.row(id);
        !row.members.is_empty() || !row.adopted.is_empty()
    }

    // Finalizers.

    fn defer(&mut self, id: usize, finalizer: &'a Finalizer) {
        let row = self.row_mut(id);
        row.deferred = true;
        row.finalizers.push(finalizer);
        let finalizer = finalizer.id;
        self.log(id, What::Deferred { finalizer });
    }

    /// True when no finalizer is left.
    fn clean_up(&mut self, id: usize, wind_up: &mut WindUp<'a>) -> bool {
        if !self.row(id).deferred {
            return true;
        }
        if !wind_up.begun {
            wind_up.begun = true;
            let budget = self.row(id).plan.and_then(|plan| plan.budget);
            wind_up.until = budget.map(|budget| self.later(budget));
        }
        loop {
            if wind_up.current.is_none() {
                // The scope waits for the orphans of a finalizer within the budget.
                if !self.row(id).adopted.is_empty() && !self.is_past(wind_up.until) {
                    return false;
                }
                self.row_mut(id).adopted.clear();
                let next = self.row_mut(id).finalizers.pop();
                wind_up.current = next.map(|plan| Final {
                    plan,
                    next: None,
                    until: None,
                });
            }
            let Some(current) = &mut wind_up.current else {
                return true;
            };
            let finalizer = current.plan.id;
            let at_its_end = self.finalize(id, current);
            let trouble = match (at_its_end, current.plan.ending) {
                (false, _) if !self.is_past(wind_up.until) => return false,
                (false, _) => Some(Trouble::OverBudget),
                (true, Ending::Error) => Some(Trouble::Error),
                (true, Ending::Panic) => Some(Trouble::Panic),
                (true, Ending::Value) => None,
            };
            self.log(
                id,
                What::FinalizerOver {
                    finalizer,
                    at_its_end,
                },
            );
            let trouble = trouble.map(|trouble| (finalizer.to_string(), trouble));
            self.row_mut(id).trouble.extend(trouble);
            wind_up.current = None;
        }
    }

    /// True when it is at its end.
    fn finalize(&mut self, id: usize, current: &mut Final<'a>) -> bool {
        let finalizer = current.plan.id;
        if current.next.is_none() {
            self.log(id, What::FinalizerBegan(finalizer));
        }
        let mut next = current.next.unwrap_or(0);
        loop {
            if let Some(until) = current.until {
                if !self.is_past(Some(until)) {
                    current.next = Some(next);
                    return false;
                }
                current.until = None;
                self.log(id, What::FinalizerSlept(finalizer));
            }
            let Some(step) = current.plan.steps.get(next) else {
                return true;
            };
            next += 1;
            match step {
                FinalStep::Sleep(time) => current.until = Some(self.later(*time)),
                FinalStep::Defer(another) => self.defer(id, another),
                FinalStep::Cancel { number, target } => {
                    let first = self.ask(Some(id), *target, *number, false);
                    self.log(id, What::Asked { first });
                }
                FinalStep::Abandon {
                    id: inside,
                    finalizer,
                } => {
                    // A finalizer is shielded, and so is what is opened in it.
                    let what = self.abandon(id, *inside, finalizer.as_ref(), true);
                    self.log(id, what);
                }
            }
        }
    }

    // Children.

    fn call(&mut self, id: usize, ending: Ending) {
        let now = self.now;
        let row = self.row_mut(id);
        row.status = Status::Running;
        row.started = Some(now);
        let (how, status) = if self.check(id) {
            (How::Cancelled, Status::Cancelled)
        } else {
            self.log(id, What::Began);
            match ending {
                Ending::Value => (How::Value, Status::Completed),
                Ending::Error => (How::Error, Status::Failed),
                Ending::Panic => (How::Panic, Status::Failed),
            }
        };
        self.over(id, status);
        self.settle(id);
        self.member_over(id, how);
    }

    fn member_over(&mut self, id: usize, how: How) {
        let is_call = self.row(id).plan.is_none();
        self.row_mut(id).reported = Some(how);
        let Some(owner) = self.row(id).parent else {
            return;
        };
        let collects = self.row(owner).plan.is_some_and(|plan| plan.collect_all);
        let row = self.row_mut(owner);
        let failed = !matches!(how, How::Value | How::Cancelled);
        let first = row.failed.is_empty();
        if failed && (first || collects) {
            row.failed.push(id);
        }
        row.members.remove(&id);
        if row.queue.contains(&id) {
            row.queue.retain(|queued| *queued != id);
        } else if !is_call {
            match row.queue.is_empty() {
                true => row.running -= 1,
                false => drop(row.queue.remove(0)),
            }
        }
        if failed && first && !collects {
            self.cancel(owner, "child_failed", None, Some(id));
        }
        self.moved = true;
    }

    fn owner(&self, id: usize) -> &Row<'a> {
        self.row(self.row(id).parent.expect("a child has an owner"))
    }

    // Cancelling.

    fn is_cancelled(&self, id: usize) -> bool {
        self.row(id).last_why().is_some()
    }

    fn ask(&mut self, by: Option<usize>, target: usize, number: usize, now: bool) -> Option<bool> {
        let row = self.rows.get_mut(target)?.as_mut()?;
        row.hard |= now;
        self.moved = true;
        Some(self.cancel(target, "requested", Some(number), by))
    }

    /// Cancels a scope and all that is below it, if it is not cancelled.
    fn cancel(
        &mut self,
        id: usize,
        reason: &'static str,
        number: Option<usize>,
        operation: Option<usize>,
    ) -> bool {
        if self.is_cancelled(id) || self.row(id).why_at_end.is_some() {
            return false;
        }
        let now = self.now;
        self.note(id);
        self.row_mut(id).why = Some(Why {
            reason,
            number: number.map(|number| number.to_string()),
            operation: operation.map(|id| id.to_string()),
            at: now,
            is_inherited: false,
        });
        // A row that is opened later has a higher number, so one turn is enough.
        for below in id + 1..self.rows.len() {
            let Some(row) = &self.rows[below] else {
                continue;
            };
            if row.why.is_none() {
                if let Some(why) = self.why_above(row.parent, row.isolated) {
                    self.row_mut(below).why = Some(why);
                    self.note(below);
                }
            }
        }
        self.moved = true;
        true
    }

    /// The grace of a scope that is cancelled counts from here.
    fn note(&mut self, id: usize) {
        let now = self.now;
        let row = self.row_mut(id);
        row.cancelled_at = now;
        if let Some(grace) = row.plan.and_then(|plan| plan.grace) {
            self.later(grace);
        }
    }

    fn why_above(&self, parent: Option<usize>, isolated: bool) -> Option<Why> {
        let parent = parent.filter(|_| !isolated)?;
        let mut why = self.row(parent).why.clone()?;
        why.is_inherited = true;
        Some(why)
    }

    /// The scope and those above that bind it.
    fn line(&self, id: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(id), |id| {
            let row = self.row(*id);
            row.parent.filter(|_| !row.isolated)
        })
    }

    /// Reads the clock, as a check for the cancel does.
    fn check(&mut self, id: usize) -> bool {
        if !self.is_cancelled(id) {
            self.expire(id);
        }
        self.is_cancelled(id)
    }

    /// Cancels for the outermost deadline that has passed; where that scope has ended, the one below
    /// it that has not.
    fn expire(&mut self, id: usize) {
        let (mut target, mut expired) = (id, None);
        for above in self.line(id) {
            let row = self.row(above);
            if !row.status.is_terminal() {
                target = above;
            }
            if row.due.is_some_and(|due| due <= self.now) {
                expired = Some((target, above));
            }
        }
        if let Some((target, outermost)) = expired {
            self.cancel(target, "timed_out", None, Some(outermost));
        }
    }

    /// Returns whether the grace period of a cancelled scope lets its body continue.
    fn has_window(&self, id: usize) -> bool {
        if self.line(id).any(|above| self.row(above).hard) {
            return false;
        }
        let cancelled = self.line(id).take_while(|above| self.is_cancelled(*above));
        let ends = cancelled.map(|above| {
            let row = self.row(above);
            let grace = row.plan.and_then(|plan| plan.grace);
            grace.map_or(0, |grace| row.cancelled_at + grace)
        });
        ends.min().is_some_and(|end| end > self.now)
    }

    // Rows.

    fn open(&mut self, plan: &'a Plan, parent: Option<usize>, spawned: bool, isolated: bool) {
        self.open_as(plan.id, Some(plan), parent, spawned, isolated);
    }

    fn open_as(
        &mut self,
        id: usize,
        plan: Option<&'a Plan>,
        parent: Option<usize>,
        spawned: bool,
        isolated: bool,
    ) {
        self.rows[id] = Some(Row {
            parent,
            spawned,
            isolated,
            plan,
            status: Status::Pending,
            started: None,
            ended: None,
            due: None,
            why: self.why_above(parent, isolated),
            why_at_end: None,
            cancelled_at: self.now,
            last_look: false,
            hard: false,
            used: false,
            deferred: false,
            finalizers: Vec::new(),
            trouble: Vec::new(),
            trouble_below: Vec::new(),
            failed_below: Vec::new(),
            members: BTreeSet::new(),
            running: 0,
            queue: Vec::new(),
            failed: Vec::new(),
            adopted: BTreeSet::new(),
            settled: None,
            reported: None,
        });
        self.moved = true;
    }

    fn row(&self, id: usize) -> &Row<'a> {
        self.rows[id].as_ref().expect("it was opened")
    }

    fn row_mut(&mut self, id: usize) -> &mut Row<'a> {
        self.rows[id].as_mut().expect("it was opened")
    }

    fn plan(&self, id: usize) -> &'a Plan {
        self.row(id).plan.expect("it has a body")
    }

    fn later(&mut self, span: u64) -> u64 {
        let at = self.now + span;
        self.alarms.insert(at);
        at
    }

    fn is_past(&self, until: Option<u64>) -> bool {
        until.is_some_and(|until| until <= self.now)
    }

    fn log(&mut self, id: usize, what: What) {
        self.logs[id].push((self.now, what));
        self.moved = true;
    }
}

impl<'a> Walk<'a> {
    fn new(steps: &'a [Step]) -> Self {
        Self {
            steps,
            next: 0,
            doing: None,
        }
    }
}

impl Run<'_> {
    fn new(id: usize) -> Self {
        Self {
            id,
            phase: Phase::Unentered,
            wind_up: WindUp::default(),
        }
    }
}

impl Row<'_> {
    fn last_why(&self) -> Option<&Why> {
        self.why_at_end.as_ref().unwrap_or(&self.why).as_ref()
    }

    fn last(&self, is_awaited: bool) -> Last {
        Last {
            status: self.status,
            started: self.started,
            ended: self.ended,
            closed: self.settled.filter(|_| is_awaited),
            why: self.last_why().cloned(),
        }
    }
}
