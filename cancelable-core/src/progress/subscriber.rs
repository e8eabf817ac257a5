//! A hook and what it is still to be told.
//!
//! # Protocol
//!
//! A change is put on the desk, and whoever finds the hook there takes it along with a job, calls it
//! with no lock held, brings it back and looks again. Who finds no hook leaves: the one who has it
//! looks at the desk after bringing it back, under the same lock, and finds the job. So there is one
//! call at a time, and no job is left over.

use super::event::ProgressUpdate;
use super::meter::{Listener, Meter};
use super::throttle::Throttle;
use crate::sync::{Mutex, isolate};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

pub(crate) type Hook = Box<dyn FnMut(&ProgressUpdate) + Send>;

struct Subscriber {
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

impl Subscriber {
    fn new(hook: Hook, throttle: Option<Throttle>) -> Self {
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

    /// Lets go of the hook, which is not called any more from now on.
    fn retire(&self) {
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

impl Listener for Subscriber {
    /// Tells that `maker` has made progress, if it is time to.
    fn changed(&self, owner: &Arc<Meter>, maker: &Arc<Meter>) {
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
    fn ended(&self, owner: &Arc<Meter>) {
        self.desk.lock().last = true;
        self.work(owner);
    }
}

/// A hook's place at an operation's progress, from
/// [`Operation::on_progress`](crate::Operation::on_progress).
///
/// Dropping it unregisters the hook. It does not wait: a call that runs on another thread just then
/// goes on to its end, and no other one follows.
#[must_use = "dropping the registration unregisters the hook; `detach()` leaves it in place"]
pub struct ProgressRegistration {
    place: Option<(Arc<Meter>, Arc<Subscriber>)>,
}

impl ProgressRegistration {
    pub(super) fn new(meter: &Arc<Meter>, hook: Hook, throttle: Option<Throttle>) -> Self {
        let subscriber = Arc::new(Subscriber::new(hook, throttle));
        meter.add(Arc::<Subscriber>::clone(&subscriber));
        Self {
            place: Some((Arc::clone(meter), subscriber)),
        }
    }

    /// Leaves the hook in place until the operation ends.
    pub fn detach(mut self) {
        self.place = None;
    }
}

impl Drop for ProgressRegistration {
    fn drop(&mut self) {
        if let Some((meter, subscriber)) = self.place.take() {
            meter.remove(&*subscriber);
            subscriber.retire();
        }
    }
}

impl fmt::Debug for ProgressRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.place.as_ref().map(|(meter, _)| &meter.label);
        f.debug_struct("ProgressRegistration")
            .field("operation", &operation)
            .finish_non_exhaustive()
    }
}

/// Drops a hook, which is the user's code.
fn release(hook: Option<Hook>) {
    isolate("the drop of a progress hook", || drop(hook));
}
