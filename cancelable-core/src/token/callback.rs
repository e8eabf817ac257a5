//! Code that runs when a token is cancelled.

use super::node::Node;
use super::slab::{Key, NO_KEY, Slab};
use crate::cause::{Cause, Facts, OperationLabel};
use crate::sync::{Gate, ThreadId, isolate, thread_id};
use std::fmt;
use std::sync::Arc;

type Callback = Box<dyn FnOnce(&Cause) + Send>;

/// A node's callbacks, linked in the order in which they were registered.
pub(super) struct Callbacks {
    list: Slab<Link>,
    last: Key,
    running: Option<Running>,
    /// The operation whose token the node is, for the log. It lies here, with what few nodes have, so
    /// that the others do not carry it.
    pub(super) operation: Option<OperationLabel>,
}

struct Link {
    callback: Callback,
    before: Key,
    after: Key,
}

/// The one callback of the node that runs now. There is at most one: one thread cancels a node, and
/// it runs them in turn.
struct Running {
    key: Key,
    thread: ThreadId,
    /// Where others wait for its end, if any do.
    ended: Option<Arc<Gate>>,
}

impl Default for Callbacks {
    fn default() -> Self {
        Self {
            list: Slab::default(),
            last: NO_KEY,
            running: None,
            operation: None,
        }
    }
}

impl Callbacks {
    fn push(&mut self, callback: Callback) -> Key {
        let before = self.last;
        let key = self.list.insert(Link {
            callback,
            before,
            after: NO_KEY,
        });
        if let Some(link) = self.list.get_mut(before) {
            link.after = key;
        }
        self.last = key;
        key
    }

    fn remove(&mut self, key: Key) -> Option<Callback> {
        let Link {
            callback,
            before,
            after,
        } = self.list.remove(key)?;
        if let Some(link) = self.list.get_mut(before) {
            link.after = after;
        }
        match self.list.get_mut(after) {
            Some(link) => link.before = before,
            None => self.last = before,
        }
        Some(callback)
    }

    /// Takes the callback that was registered last and notes that it runs on this thread.
    fn begin(&mut self) -> Option<Callback> {
        let key = self.last;
        let callback = self.remove(key)?;
        self.running = Some(Running {
            key,
            thread: thread_id(),
            ended: None,
        });
        Some(callback)
    }

    /// What to open for those who wait for the end of the one that ran.
    fn end(&mut self) -> Option<Arc<Gate>> {
        self.running.take()?.ended
    }

    /// A gate to wait at, if `key` runs, and not on this thread.
    fn end_of(&mut self, key: Key) -> Option<Arc<Gate>> {
        let running = self.running.as_mut()?;
        if running.key != key || running.thread == thread_id() {
            return None;
        }
        Some(Arc::clone(
            running.ended.get_or_insert_with(|| Arc::new(Gate::new())),
        ))
    }

    pub(super) fn into_iter(mut self: Box<Self>) -> impl Iterator<Item = Callback> {
        std::iter::from_fn(move || {
            let last = self.last;
            self.remove(last)
        })
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks")
            .field("running", &self.running.is_some())
            .finish_non_exhaustive()
    }
}

/// Runs the callbacks of a cancelled node, the last registered first.
///
/// Each is taken under the lock at the moment it is to run, so that one that is unregistered before
/// that never runs. Ends: a cancelled node gets no new ones.
pub(super) fn run_all(node: &Arc<Node>, facts: &Arc<Facts>) {
    let Some(cause) = node.cause() else {
        return;
    };
    debug_assert!(cause.is_same(&Cause::from_facts(Arc::clone(facts), false)));
    loop {
        let next = node
            .lock()
            .callbacks
            .as_mut()
            .and_then(|callbacks| callbacks.begin());
        let Some(callback) = next else {
            return;
        };
        isolate("a cancellation callback", || callback(&cause));
        let ended = node
            .lock()
            .callbacks
            .as_mut()
            .and_then(|callbacks| callbacks.end());
        if let Some(gate) = ended {
            gate.open();
        }
    }
}

/// Registers `callback` with the token of `node`, or hands it back with the cause.
pub(super) fn register<F>(
    node: &Arc<Node>,
    callback: F,
) -> Result<CallbackRegistration, AlreadyCancelled<F>>
where
    F: FnOnce(&Cause) + Send + 'static,
{
    let callback = Box::new(callback);
    let key = match node.open() {
        Some(mut inner) => inner.callbacks.get_or_insert_default().push(callback),
        None => {
            return Err(AlreadyCancelled {
                callback: *callback,
                cause: node.cause(),
            });
        }
    };
    Ok(CallbackRegistration {
        node: Some(Arc::clone(node)),
        key,
    })
}

/// A callback's place at a token, from [`CancellationToken::on_cancel`].
///
/// Dropping it unregisters the callback and, if that runs on another thread just now, waits for
/// its end: afterwards nothing that the callback uses is in use. It waits for its own callback
/// only, and not when it is dropped by that callback itself. Two callbacks that run on two threads
/// and drop each other's registration wait for each other; [`unregister`](Self::unregister) never
/// waits.
///
/// It keeps the token alive, so the callback also runs when an ancestor is cancelled after all other
/// handles are gone.
///
/// [`CancellationToken::on_cancel`]: super::CancellationToken::on_cancel
#[must_use = "dropping the registration unregisters the callback; `detach()` leaves it in place"]
pub struct CallbackRegistration {
    /// None once nothing is left to unregister.
    node: Option<Arc<Node>>,
    key: Key,
}

impl CallbackRegistration {
    /// The registration of a callback that has run already.
    pub(super) fn spent() -> Self {
        Self {
            node: None,
            key: NO_KEY,
        }
    }

    /// Takes the callback back, without waiting. True if it will never run; false if it has run or
    /// runs just now.
    pub fn unregister(mut self) -> bool {
        let Some(node) = self.node.take() else {
            return false;
        };
        let removed = take_back(&node, self.key);
        removed.is_some()
    }

    /// Leaves the callback in place for as long as the token has handles.
    pub fn detach(mut self) {
        self.node = None;
    }
}

fn take_back(node: &Node, key: Key) -> Option<Callback> {
    node.lock().callbacks.as_mut()?.remove(key)
}

/// Waits when the callback runs on another thread: see the type.
impl Drop for CallbackRegistration {
    fn drop(&mut self) {
        let Some(node) = self.node.take() else {
            return;
        };
        let mut inner = node.lock();
        let Some(callbacks) = inner.callbacks.as_mut() else {
            return;
        };
        let removed = callbacks.remove(self.key);
        let running = match removed {
            Some(_) => None,
            None => callbacks.end_of(self.key),
        };
        drop(inner);
        drop(removed);
        // Opened by the thread that runs it, which holds no lock while it does.
        if let Some(ended) = running {
            ended.pass();
        }
    }
}

impl fmt::Debug for CallbackRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackRegistration")
            .finish_non_exhaustive()
    }
}

/// A callback that was not registered, because the token is cancelled; from
/// [`CancellationToken::try_on_cancel`](super::CancellationToken::try_on_cancel).
pub struct AlreadyCancelled<F> {
    callback: F,
    cause: Option<Cause>,
}

impl<F> AlreadyCancelled<F> {
    /// The callback, which was not run.
    #[must_use]
    pub fn into_callback(self) -> F {
        self.callback
    }

    /// Why the token is cancelled.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }
}

impl<F: FnOnce(&Cause)> AlreadyCancelled<F> {
    /// Runs the callback on this thread, as `on_cancel` would have.
    pub(super) fn run(self) {
        let Self { callback, cause } = self;
        if let Some(cause) = cause {
            isolate("a cancellation callback", || callback(&cause));
        }
    }
}

impl<F> fmt::Debug for AlreadyCancelled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlreadyCancelled")
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Display for AlreadyCancelled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is cancelled already, so the callback was not registered")
    }
}

impl<F> std::error::Error for AlreadyCancelled<F> {}
