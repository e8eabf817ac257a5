//! A hook and what it is still to be told.
//!
//! # Protocol
//!
//! A change is put on the desk, and whoever finds the hook there takes it along with a job, calls it
//! with no lock held, brings it back and looks again. Who finds no hook leaves: the one who has it
//! looks at the desk after bringing it back, under the same lock, and finds the job. So there is one
//! call at a time, and no job is left over.

use super::meter::Meter;
use super::throttle::Throttle;
use super::update::ProgressUpdate;
use crate::sync::{Mutex, isolate};
use std::collections::VecDeque;
use std::sync::Arc;

pub(super) type Hook = Box<dyn FnMut(&ProgressUpdate) + Send>;

pub(super) struct Listener {
    throttle: Option<Throttle>,
    desk: Mutex<Desk>,
}

struct Desk {
    /// None while it is called, and when it is not to be called any more.
    hook: Option<Hook>,
    /// Who has made progress that was not told yet; each is in it once.
    makers: VecDeque<Arc<Meter>>,
    /// The operation has ended, and that was not told yet.
    last: bool,
    /// The hook is not to be called any more; who has it drops it.
    retired: bool,
}

impl Desk {
    /// Takes the hook, and who made what it is to be told; none for the last call.
    fn next(&mut self) -> Option<(Hook, Option<Arc<Meter>>)> {
        if self.makers.is_empty() && !self.last {
            return None;
        }
        let hook = self.hook.take()?;
        Some((hook, self.makers.pop_front()))
    }
}

impl Listener {
    pub(super) fn new(hook: Hook, throttle: Option<Throttle>) -> Self {
        Self {
            throttle,
            desk: Mutex::new(Desk {
                hook: Some(hook),
                makers: VecDeque::new(),
                last: false,
                retired: false,
            }),
        }
    }

    /// Tells that `maker` has made progress, if it is time to.
    pub(super) fn tell(&self, owner: &Arc<Meter>, maker: &Arc<Meter>) {
        if self
            .throttle
            .as_ref()
            .is_some_and(|throttle| !throttle.is_due())
        {
            return;
        }
        {
            let mut desk = self.desk.lock();
            if desk.retired || desk.last {
                return;
            }
            if !desk
                .makers
                .iter()
                .any(|waiting| Arc::ptr_eq(waiting, maker))
            {
                desk.makers.push_back(Arc::clone(maker));
            }
        }
        self.work(owner);
    }

    /// Tells that the operation has ended, and lets go of the hook.
    pub(super) fn finish(&self, owner: &Arc<Meter>) {
        self.desk.lock().last = true;
        self.work(owner);
    }

    /// Lets go of the hook, which is not called any more from now on.
    pub(super) fn retire(&self) {
        let (hook, makers) = {
            let mut desk = self.desk.lock();
            desk.retired = true;
            (desk.hook.take(), std::mem::take(&mut desk.makers))
        };
        release(hook);
        drop(makers);
    }

    /// Ends: each turn takes one job off the desk.
    fn work(&self, owner: &Arc<Meter>) {
        loop {
            let Some((mut hook, maker)) = self.desk.lock().next() else {
                return;
            };
            let is_last = maker.is_none();
            let update = ProgressUpdate {
                owner: Arc::clone(owner),
                maker: maker.unwrap_or_else(|| Arc::clone(owner)),
                is_last,
            };
            isolate("a progress hook", || hook(&update));
            drop(update);
            let mut desk = self.desk.lock();
            desk.retired |= is_last;
            if desk.retired {
                drop(desk);
                release(Some(hook));
                return;
            }
            desk.hook = Some(hook);
        }
    }
}

/// Drops a hook, which is the user's code.
fn release(hook: Option<Hook>) {
    isolate("the drop of a progress hook", || drop(hook));
}
