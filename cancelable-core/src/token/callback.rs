//! Callbacks: user code that runs when a token is cancelled.

use super::node::Node;
use super::slab::{Key, NO_KEY, Slab};
use crate::cause::{Cause, Facts, OperationLabel};
use crate::sync::{Latch, LatchWait, ThreadId, isolate, thread_id, track_await};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

type Callback = Box<dyn FnOnce(&Cause) + Send>;

/// The callbacks of one node, linked in the order of their registration.
pub(super) struct Callbacks {
    list: Slab<Link>,
    last: Key,
    running: Option<Running>,
    /// The label of the operation whose token the node is, for the log. It is stored here, in what few nodes
    /// have, so that other nodes do not carry it.
    pub(super) operation: Option<OperationLabel>,
}

struct Link {
    callback: Callback,
    before: Key,
    after: Key,
}

/// The callback of the node that runs now. There is at most one: a single thread cancels a node and runs its
/// callbacks in turn.
struct Running {
    key: Key,
    thread: ThreadId,
    /// The latch on which others wait for its end, if any do.
    ended: Option<Arc<Latch>>,
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

    /// Takes the callback that was registered last, and notes that it runs on this thread.
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

    /// Notes that the callback has ended. Returns the latch to set, if others wait for it.
    fn end(&mut self) -> Option<Arc<Latch>> {
        self.running.take()?.ended
    }

    /// Returns what to wait for, if `key` runs on another thread.
    fn end_of(&mut self, key: Key) -> Option<LatchWait> {
        let running = self.running.as_mut()?;
        if running.key != key || running.thread == thread_id() {
            return None;
        }
        Some(running.ended.get_or_insert_default().wait())
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
/// Each is taken under the lock just before it runs, so a callback that is unregistered before never runs.
/// Ends: a cancelled node gets no new callbacks.
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
        if let Some(latch) = ended {
            latch.set("the waker of who waits for a callback's end");
        }
    }
}

/// Registers `callback` with the token of `node`. Hands it back with the cause if the token is cancelled.
pub(super) fn register<F>(
    node: &Arc<Node>,
    callback: F,
) -> Result<CallbackRegistration, AlreadyCancelled<F>>
where
    F: FnOnce(&Cause) + Send + 'static,
{
    let callback = Box::new(callback);
    // Ends: a node that is not open is cancelled, and a cancelled node has a cause (invariant 2).
    let cause = loop {
        if let Some(mut inner) = node.open() {
            let key = inner.callbacks.get_or_insert_default().push(callback);
            return Ok(CallbackRegistration {
                node: Some(Arc::clone(node)),
                key,
            });
        }
        if let Some(cause) = node.cause() {
            break cause;
        }
    };
    Err(AlreadyCancelled {
        callback: *callback,
        cause,
    })
}

/// A callback's place at a token, from [`CancellationToken::on_cancel`].
///
/// Dropping it unregisters the callback and, if that runs on another thread just now, waits for
/// its end: afterwards nothing that the callback uses is in use. It waits for its own callback
/// only, and not when it is dropped by that callback itself. Two callbacks that run on two threads
/// and drop each other's registration wait for each other; [`unregister`](Self::unregister) never
/// waits. In async code that wait would block the executor's thread: there, end with
/// [`unregistered`](Self::unregistered).
///
/// It keeps the token alive, so the callback also runs when an ancestor is cancelled after all other
/// handles are gone.
///
/// [`CancellationToken::on_cancel`]: super::CancellationToken::on_cancel
#[must_use = "dropping the registration unregisters the callback; `detach()` leaves it in place"]
pub struct CallbackRegistration {
    /// None once there is nothing to unregister.
    node: Option<Arc<Node>>,
    key: Key,
}

impl CallbackRegistration {
    /// The registration of a callback that has already run.
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

    /// Takes the callback back now, and completes when it is not running any more: what a drop waits for,
    /// without blocking the thread. True if the callback never ran and never will.
    ///
    /// Called by the callback itself it does not wait for that.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait, and waits for nothing. The callback was taken back by the call.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::sync::Arc;
    ///
    /// /// Closes the connection at a cancel, for as long as the request is answered.
    /// async fn answer(token: &CancellationToken, connection: Arc<Connection>) -> String {
    ///     let closing = Arc::clone(&connection);
    ///     let registration = token.on_cancel(move |_| closing.close());
    ///     let answer = connection.ask().await;
    ///     // From here on nothing closes it, also where another thread was about to.
    ///     registration.unregistered().await;
    ///     answer
    /// }
    /// # struct Connection;
    /// # impl Connection {
    /// #     fn close(&self) {}
    /// #     async fn ask(&self) -> String { String::new() }
    /// # }
    /// ```
    pub fn unregistered(mut self) -> Unregistered {
        let (removed, running) = self.take_out();
        let never_ran = removed.is_some();
        drop(removed);
        Unregistered { never_ran, running }
    }

    /// Takes the callback back. If it runs on another thread, returns what to wait for instead.
    fn take_out(&mut self) -> (Option<Callback>, Option<LatchWait>) {
        let Some(node) = self.node.take() else {
            return (None, None);
        };
        let mut inner = node.lock();
        let Some(callbacks) = inner.callbacks.as_mut() else {
            return (None, None);
        };
        match callbacks.remove(self.key) {
            None => (None, callbacks.end_of(self.key)),
            removed => (removed, None),
        }
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
        let (removed, running) = self.take_out();
        drop(removed);
        // The thread that runs the callback sets this, and holds no lock while it runs it.
        if let Some(ended) = running {
            ended.block();
        }
    }
}

impl fmt::Debug for CallbackRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackRegistration")
            .finish_non_exhaustive()
    }
}

/// Completes when a callback that was taken back is not running any more, from
/// [`CallbackRegistration::unregistered`]: with true if it never ran.
///
/// # Cancel safety
///
/// Dropping it ends the wait, and waits for nothing.
#[must_use = "futures do nothing unless polled"]
pub struct Unregistered {
    never_ran: bool,
    /// None if it does not run, or runs on the thread that took it back.
    running: Option<LatchWait>,
}

impl Future for Unregistered {
    type Output = bool;

    /// Wakes: by the latch, which is set at the end of the callback.
    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let ended = match &mut self.running {
            Some(running) => Pin::new(running).poll(cx),
            None => Poll::Ready(()),
        };
        track_await(ended.map(|()| self.never_ran))
    }
}

impl fmt::Debug for Unregistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unregistered")
            .field("never_ran", &self.never_ran)
            .finish_non_exhaustive()
    }
}

/// A callback that was not registered, because the token is cancelled; from
/// [`CancellationToken::try_on_cancel`](super::CancellationToken::try_on_cancel).
pub struct AlreadyCancelled<F> {
    callback: F,
    cause: Cause,
}

impl<F> AlreadyCancelled<F> {
    /// The callback, which was not run.
    #[must_use]
    pub fn into_inner(self) -> F {
        self.callback
    }

    /// Returns the cause of the token's cancellation.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }
}

impl<F: FnOnce(&Cause)> AlreadyCancelled<F> {
    /// Runs the callback on this thread, as `on_cancel` would have.
    pub(super) fn run(self) {
        let Self { callback, cause } = self;
        isolate("a cancellation callback", || callback(&cause));
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
