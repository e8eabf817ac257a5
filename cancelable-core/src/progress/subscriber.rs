//! Delivery of changes to one hook, and the registration that ends it.
//!
//! # Protocol
//!
//! A thread that makes a change adds its meter to the list of pending meters. If the hook is free, the thread takes
//! the hook and the first pending meter, calls the hook with no lock held, puts the hook back, and reads the list
//! again. If the hook is taken, the thread returns: the thread that has the hook reads the list after it has put
//! the hook back, under the same lock, and finds the meter. So calls do not overlap, and no change stays pending.

use super::event::ProgressUpdate;
use super::meter::{Meter, Subscriber};
use super::throttle::Throttle;
use crate::sync::{Mutex, isolate};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

pub(crate) type Hook = Box<dyn FnMut(&ProgressUpdate) + Send>;

struct Delivery {
    throttle: Option<Throttle>,
    state: Mutex<State>,
}

struct State {
    /// The hook; `None` during a call, and after the drop of the hook.
    hook: Option<Hook>,
    /// The meters whose changes are pending, each once.
    pending: VecDeque<Arc<Meter>>,
    /// True if the meter has ended, so a last call is pending.
    has_ended: bool,
    /// True if no further call begins. The thread that has the hook drops it.
    is_retired: bool,
}

impl State {
    /// Takes the hook and the meter of the next call; no meter for the last call.
    fn next(&mut self) -> Option<(Hook, Option<Arc<Meter>>)> {
        if self.pending.is_empty() && !self.has_ended {
            return None;
        }
        let hook = self.hook.take()?;
        Some((hook, self.pending.pop_front()))
    }
}

impl Delivery {
    fn new(hook: Hook, throttle: Option<Throttle>) -> Self {
        Self {
            throttle,
            state: Mutex::new(State {
                hook: Some(hook),
                pending: VecDeque::new(),
                has_ended: false,
                is_retired: false,
            }),
        }
    }

    /// Drops the hook, or leaves the drop to the thread that calls the hook.
    fn retire(&self) {
        let (hook, pending) = {
            let mut state = self.state.lock();
            state.is_retired = true;
            (state.hook.take(), std::mem::take(&mut state.pending))
        };
        drop_hook(hook);
        drop(pending);
    }

    /// Makes the pending calls, unless another thread does. Ends: each turn takes one pending call.
    fn deliver(&self, owner: &Arc<Meter>) {
        loop {
            let Some((mut hook, maker)) = self.state.lock().next() else {
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
            let mut state = self.state.lock();
            state.is_retired |= is_last;
            if state.is_retired {
                drop(state);
                drop_hook(Some(hook));
                return;
            }
            state.hook = Some(hook);
        }
    }
}

impl Subscriber for Delivery {
    fn changed(&self, owner: &Arc<Meter>, maker: &Arc<Meter>) {
        let throttle = self.throttle.as_ref();
        if throttle.is_some_and(|throttle| !throttle.is_due()) {
            return;
        }
        {
            let mut state = self.state.lock();
            if state.is_retired || state.has_ended {
                return;
            }
            let mut pending = state.pending.iter();
            if !pending.any(|pending| Arc::ptr_eq(pending, maker)) {
                state.pending.push_back(Arc::clone(maker));
            }
        }
        self.deliver(owner);
    }

    fn ended(&self, owner: &Arc<Meter>) {
        self.state.lock().has_ended = true;
        self.deliver(owner);
    }
}

/// Drops a hook, which is user code.
fn drop_hook(hook: Option<Hook>) {
    isolate("the drop of a progress hook", || drop(hook));
}

/// The registration of a hook for an operation's progress, from
/// [`Operation::on_progress`](crate::Operation::on_progress).
///
/// Dropping the registration unregisters the hook. The drop does not wait: a call on another thread completes, and
/// no further call follows.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use std::sync::mpsc;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("import").build()?;
/// let (sender, positions) = mpsc::channel();
/// let registration = scope.on_progress(move |update| {
///     let _ = sender.send(update.snapshot().position());
/// });
/// scope.progress().advance(1);
/// drop(registration);
/// scope.progress().advance(1);
/// assert_eq!(positions.iter().collect::<Vec<_>>(), [1]);
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping the registration unregisters the hook; `detach()` leaves it in place"]
pub struct ProgressRegistration {
    registered: Option<(Arc<Meter>, Arc<Delivery>)>,
}

impl ProgressRegistration {
    pub(super) fn new(meter: &Arc<Meter>, hook: Hook, throttle: Option<Throttle>) -> Self {
        let delivery = Arc::new(Delivery::new(hook, throttle));
        meter.subscribe(Arc::<Delivery>::clone(&delivery));
        Self {
            registered: Some((Arc::clone(meter), delivery)),
        }
    }

    /// Leaves the hook in place until the operation ends.
    pub fn detach(mut self) {
        self.registered = None;
    }
}

impl Drop for ProgressRegistration {
    fn drop(&mut self) {
        if let Some((meter, delivery)) = self.registered.take() {
            meter.unsubscribe(&*delivery);
            delivery.retire();
        }
    }
}

impl fmt::Debug for ProgressRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.registered.as_ref().map(|(meter, _)| &meter.label);
        f.debug_struct("ProgressRegistration")
            .field("operation", &operation)
            .finish_non_exhaustive()
    }
}
