//! The reduction of a case: all cases that lack one thing of it.

use crate::plan::{Case, FinalStep, Finalizer, Plan, Step};
use std::sync::Arc;

pub(crate) fn smaller(case: &Case) -> impl Iterator<Item = Case> + '_ {
    let count = {
        let mut counter = Cut::number(usize::MAX);
        counter.case(&mut case.clone());
        usize::MAX - counter.left
    };
    (0..count).map(|number| {
        let mut smaller = case.clone();
        Cut::number(number).case(&mut smaller);
        smaller
    })
}

/// Walks over everything that can be left out, and leaves out what comes after so many others.
struct Cut {
    left: usize,
}

impl Cut {
    fn number(left: usize) -> Self {
        Self { left }
    }

    /// True once: for the one that is to go.
    fn is_due(&mut self) -> bool {
        let due = self.left == 0;
        self.left = self.left.wrapping_sub(1);
        due
    }

    fn option<T>(&mut self, option: &mut Option<T>) {
        if option.is_some() && self.is_due() {
            *option = None;
        }
    }

    fn list<T>(&mut self, list: &mut Vec<T>) {
        for index in 0..list.len() {
            if self.is_due() {
                list.remove(index);
                return;
            }
        }
    }

    fn case(&mut self, case: &mut Case) {
        self.option(&mut case.dropped_after);
        self.list(&mut case.blows);
        if case.is_awaited && self.is_due() {
            case.is_awaited = false;
        }
        self.plan(&mut case.root);
    }

    fn plan(&mut self, plan: &mut Arc<Plan>) {
        let plan = Arc::make_mut(plan);
        self.option(&mut plan.timeout);
        self.option(&mut plan.grace);
        self.option(&mut plan.budget);
        self.option(&mut plan.watchdog);
        self.option(&mut plan.concurrency);
        if plan.collect_all && self.is_due() {
            plan.collect_all = false;
        }
        self.steps(&mut plan.steps);
    }

    fn steps(&mut self, steps: &mut Vec<Step>) {
        self.list(steps);
        for step in steps {
            match step {
                Step::Shield { within, steps } => {
                    self.option(within);
                    self.steps(steps);
                }
                Step::Run {
                    plan,
                    dropped_after,
                } => {
                    self.option(dropped_after);
                    self.plan(plan);
                }
                Step::Spawn(plan) => self.plan(plan),
                Step::Defer(finalizer) => self.finalizer(finalizer),
                Step::Abandon { finalizer, .. } => self.abandoned(finalizer),
                _ => {}
            }
        }
    }

    fn finalizer(&mut self, finalizer: &mut Finalizer) {
        self.list(&mut finalizer.steps);
        for step in &mut finalizer.steps {
            match step {
                FinalStep::Defer(another) => self.finalizer(another),
                FinalStep::Abandon { finalizer, .. } => self.abandoned(finalizer),
                FinalStep::Sleep(_) | FinalStep::Cancel { .. } => {}
            }
        }
    }

    fn abandoned(&mut self, finalizer: &mut Option<Finalizer>) {
        self.option(finalizer);
        if let Some(finalizer) = finalizer {
            self.finalizer(finalizer);
        }
    }
}
