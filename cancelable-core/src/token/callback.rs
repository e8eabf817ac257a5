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
    /// The label of the operation whose token the node is, for the log. Stored here because few nodes have
    /// callbacks, so other nodes do not carry the label.
    pub(super) operation: Option<OperationLabel>,
}

struct Link {
    callback: Callback,
    before: Key,
    after: Key,
}

/// The callback of the node that runs now. At most one callback runs: a single thread cancels a node and runs
/// its callbacks in turn.
struct Running {
    key: Key,
    thread: ThreadId,
    /// The latch that is set at the end of the callback, if another thread or task waits for the end.
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

    /// Records that the callback has ended. Returns the latch to set, if there is one.
    fn end(&mut self) -> Option<Arc<Latch>> {
        self.running.take()?.ended
    }

    /// Returns a wait for the end of the callback `key`, if that callback runs on another thread.
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
/// Each callback is taken under the lock just before it runs, so a callback that is unregistered before that
/// never runs. Ends: a cancelled node gets no new callbacks.
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
            latch.set("the waker of a wait for a callback's end");
        }
    }
}

/// Registers `callback` with the token of `node`. Returns the callback with the cause if the token is cancelled.
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
        None => return Err(already_cancelled(node, *callback)),
    };
    Ok(CallbackRegistration {
        node: Some(Arc::clone(node)),
        key,
    })
}

#[cold]
fn already_cancelled<F>(node: &Node, callback: F) -> AlreadyCancelled<F> {
    // Ends: a node that is not open is cancelled, and a cancelled node has a cause (invariant 2).
    let cause = loop {
        if let Some(cause) = node.cause() {
            break cause;
        }
    };
    AlreadyCancelled { callback, cause }
}

/// The registration of a callback, from [`CancellationToken::on_cancel`].
///
/// Dropping the registration unregisters the callback. If the callback is running on another thread, the drop waits
/// for its end, so nothing that the callback uses is in use after the drop. A drop waits for its own callback only,
/// and a drop inside that callback does not wait. Two callbacks that run on two threads and drop each other's
/// registration wait for each other; [`unregister`](Self::unregister) never waits. In async code a drop could block
/// the thread of the executor; use [`unregistered`](Self::unregistered) there.
///
/// The registration keeps the token alive, so the callback also runs when an ancestor is cancelled after all other
/// handles are gone.
///
/// [`CancellationToken::on_cancel`]: super::CancellationToken::on_cancel
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// let token = CancellationToken::new();
/// let closed = Arc::new(AtomicU32::new(0));
/// let close = || {
///     let closed = Arc::clone(&closed);
///     token.on_cancel(move |_| {
///         closed.fetch_add(1, Ordering::Relaxed);
///     })
/// };
/// let (kept, dropped) = (close(), close());
/// drop(dropped);
/// token.cancel();
/// assert_eq!(closed.load(Ordering::Relaxed), 1);
/// drop(kept);
/// ```
#[must_use = "dropping the registration unregisters the callback; `detach()` leaves it in place"]
pub struct CallbackRegistration {
    /// The node of the token; `None` once the callback is unregistered or detached.
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

    /// Unregisters the callback, without waiting. Returns true if the callback will never run, and false if it has
    /// run or is running.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let registration = token.on_cancel(|_| println!("closing"));
    /// assert!(registration.unregister());
    /// token.cancel();
    /// ```
    pub fn unregister(mut self) -> bool {
        let Some(node) = self.node.take() else {
            return false;
        };
        let removed = take_back(&node, self.key);
        removed.is_some()
    }

    /// Unregisters the callback now, and returns a future that waits until the callback is not running. The future
    /// waits for the same end as a drop of the registration, without blocking the thread. Its output is true if the
    /// callback never ran and never will.
    ///
    /// Inside the callback itself the future is ready at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait. The callback stays unregistered.
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
    ///     // After this, no callback closes the connection, even if another thread was about to.
    ///     registration.unregistered().await;
    ///     answer
    /// }
    /// # struct Connection;
    /// # impl Connection {
    /// #     fn close(&self) {}
    /// #     async fn ask(&self) -> String { String::from("yes") }
    /// # }
    /// # let token = CancellationToken::new();
    /// # assert_eq!(rt::block_on(answer(&token, Arc::new(Connection))), "yes");
    /// ```
    pub fn unregistered(mut self) -> Unregistered {
        let (removed, running) = self.take_out();
        let never_ran = removed.is_some();
        drop(removed);
        Unregistered { never_ran, running }
    }

    /// Removes the callback. If the callback runs on another thread, returns a wait for its end instead.
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

    /// Leaves the callback registered for as long as the token has handles.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let (ours, theirs) = (CancellationToken::new(), CancellationToken::new());
    /// let follower = theirs.clone();
    /// ours.on_cancel(move |cause| {
    ///     follower.cancel_with(cause.clone());
    /// })
    /// .detach();
    /// ours.cancel();
    /// assert!(theirs.is_cancelled());
    /// ```
    pub fn detach(mut self) {
        self.node = None;
    }
}

fn take_back(node: &Node, key: Key) -> Option<Callback> {
    node.lock().callbacks.as_mut()?.remove(key)
}

/// Waits while the callback runs on another thread: see the type.
impl Drop for CallbackRegistration {
    fn drop(&mut self) {
        let (removed, running) = self.take_out();
        drop(removed);
        // The thread that runs the callback sets the latch, and holds no lock while the callback runs.
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

/// A future that is ready once a callback is unregistered and not running, from
/// [`CallbackRegistration::unregistered`]. Its output is true if the callback never ran.
///
/// # Cancel safety
///
/// Dropping the future ends the wait. The callback stays unregistered.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
///
/// let token = CancellationToken::new();
/// let registration = token.on_cancel(|_| ());
/// let unregistered = registration.unregistered();
/// assert!(rt::block_on(unregistered), "the callback never ran");
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Unregistered {
    never_ran: bool,
    /// The wait for the end of the callback; `None` if the callback is not running, or is running on the thread
    /// that unregistered it.
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

/// The error of a callback that was not registered, because the token is already cancelled. From
/// [`CancellationToken::try_on_cancel`](super::CancellationToken::try_on_cancel).
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
///
/// let token = CancellationToken::new();
/// token.cancel_with("the user left");
/// let already = token.try_on_cancel(|cause| assert!(cause.message().is_some())).unwrap_err();
/// let cause = already.cause().clone();
/// let callback = already.into_inner();
/// callback(&cause);
/// ```
pub struct AlreadyCancelled<F> {
    callback: F,
    cause: Cause,
}

impl<F> AlreadyCancelled<F> {
    /// Returns the callback, which was not run.
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
    /// Runs the callback on this thread, in isolation.
    pub(super) fn run(self) {
        let Self { callback, cause } = self;
        isolate("a cancellation callback", || callback(&cause));
    }
}

impl<F> fmt::Debug for AlreadyCancelled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("AlreadyCancelled")
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Display for AlreadyCancelled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is already cancelled, so the callback was not registered")
    }
}

impl<F> std::error::Error for AlreadyCancelled<F> {}
