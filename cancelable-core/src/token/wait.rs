//! Waiting for a token's cancellation, from async code and from plain threads.

use super::deadline_check::{DeadlineCheck, check_deadlines};
use super::handle::CancellationToken;
use super::node::Node;
use super::waiters::WaiterKey;
use crate::sync::{ManualResetEvent, StoredWaker, WakerId, track_await};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The storage of one wait's waker in a node. The owner ends the wait with [`Waiter::remove`].
pub(super) struct Waiter {
    /// The key of the stored waker; `None` if no waker is stored.
    key: Option<WaiterKey>,
    /// The identity of that waker, which lives while it is stored.
    stored: WakerId,
}

impl Waiter {
    pub(super) const fn new() -> Self {
        Self {
            key: None,
            stored: WakerId::NONE,
        }
    }

    /// Returns ready once the token is cancelled.
    ///
    /// Wakes: the waker is stored under a lock under which the state was read again; "No lost wake-up" in the
    /// module's header has the argument. A poll with the same waker as the stored waker takes no lock: a canceller
    /// takes that waker later, or a canceller has stored the state, then taken the waker, and wakes it. So another
    /// poll follows and finds the state.
    pub(super) fn poll(&mut self, node: &Arc<Node>, cx: &Context<'_>) -> Poll<()> {
        if node.is_cancelled() {
            return Poll::Ready(());
        }
        if self.key.is_some() && self.stored == WakerId::of(cx.waker()) {
            return Poll::Pending;
        }
        // Cloned and dropped with no lock held: both are user code. The identity of a clone may differ from that of
        // the original; the stored clone's is kept.
        let waker = StoredWaker::of(cx.waker());
        self.stored = waker.id().unwrap_or(WakerId::NONE);
        let key = match self.key {
            None => node.insert_waiter(waker),
            Some(key) => node.replace_waiter(key, waker).then_some(key),
        };
        if key.is_none() {
            return Poll::Ready(());
        }
        self.key = key;
        Poll::Pending
    }

    /// Removes the waker from the node.
    #[inline]
    pub(super) fn remove(&mut self, node: &Node) {
        if let Some(key) = self.key.take() {
            node.remove_waiter(key);
        }
    }
}

/// A wait that does not own its token: each call is given the token. The owner ends the wait with
/// [`remove`](Self::remove); until then the token stores the waker.
pub(crate) struct Wait {
    waiter: Waiter,
}

impl Wait {
    pub(crate) const fn new() -> Self {
        Self {
            waiter: Waiter::new(),
        }
    }

    /// Returns ready once `token` is cancelled. Requires the same token at each call.
    pub(crate) fn poll(&mut self, token: &CancellationToken, cx: &Context<'_>) -> Poll<()> {
        self.waiter.poll(token.node(), cx)
    }

    /// Removes the waker from `token`.
    pub(crate) fn remove(&mut self, token: &CancellationToken) {
        self.waiter.remove(token.node());
    }
}

impl Default for Wait {
    fn default() -> Self {
        Self::new()
    }
}

/// One poll of a user's wait, with the deadline check that [`CancellationToken::check`] makes: the polling code may
/// never let the run be polled, as in a `select!` whose other branch is always ready.
///
/// Wakes: as for [`Waiter::poll`].
fn poll(waiter: &mut Waiter, node: &Arc<Node>, cx: &Context<'_>) -> Poll<()> {
    match node.is_cancelled_by_now() {
        true => Poll::Ready(()),
        false => waiter.poll(node, cx),
    }
}

/// Blocks this thread until the token is cancelled, or for at most `limit`. Returns whether the token is
/// cancelled.
pub(super) fn block(node: &Arc<Node>, limit: Option<Duration>) -> bool {
    if node.is_cancelled_by_now() {
        return true;
    }
    let event = Arc::new(ManualResetEvent::new());
    let waker = Waker::from(Arc::clone(&event));
    let mut waiter = Waiter::new();
    // loom has no time, so each limit is over at once.
    let deadline_check = node.deadline_check().filter(|_| cfg!(not(cancelable_loom)));
    let cancelled = waiter.poll(node, &Context::from_waker(&waker)).is_ready()
        // Only a canceller sets the event, after it has stored the state.
        || match (deadline_check, limit) {
            (Some(deadline_check), limit) => wait_checking(node, &event, deadline_check, limit),
            (None, None) => {
                event.wait();
                true
            }
            (None, Some(limit)) => event.wait_timeout(limit) || node.is_cancelled(),
        };
    waiter.remove(node);
    cancelled
}

/// The interval at which a thread that waits for an operation's token checks the deadline.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Waits for the event, for at most `limit`, and makes the deadline check meanwhile: the waiting thread may be the
/// thread that polls the run, and then nothing else notices the deadline.
fn wait_checking(
    node: &Node,
    event: &ManualResetEvent,
    deadline_check: &Arc<dyn DeadlineCheck>,
    limit: Option<Duration>,
) -> bool {
    let mut left = limit;
    // Ends: the event is set, a check finds the token cancelled, or the limit is used up.
    loop {
        let turn = left.map_or(CHECK_INTERVAL, |left| left.min(CHECK_INTERVAL));
        if event.wait_timeout(turn) {
            return true;
        }
        // Without pacing: rounds are slow.
        check_deadlines(deadline_check);
        if node.is_cancelled() {
            return true;
        }
        left = left.map(|left| left - turn);
        if left == Some(Duration::ZERO) {
            return false;
        }
    }
}

/// A future that is ready when its token is cancelled, from [`CancellationToken::cancelled`].
///
/// # Cancel safety
///
/// The future may be dropped at any time: the token stays cancelled.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::token::WaitForCancellationFuture;
///
/// struct Worker<'a> {
///     stop: WaitForCancellationFuture<'a>,
/// }
///
/// let token = CancellationToken::new();
/// let worker = Worker { stop: token.cancelled() };
/// token.cancel();
/// rt::block_on(worker.stop);
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct WaitForCancellationFuture<'a> {
    token: &'a CancellationToken,
    waiter: Waiter,
}

impl<'a> WaitForCancellationFuture<'a> {
    pub(super) fn new(token: &'a CancellationToken) -> Self {
        Self {
            token,
            waiter: Waiter::new(),
        }
    }
}

impl Future for WaitForCancellationFuture<'_> {
    type Output = ();

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        track_await(poll(&mut this.waiter, this.token.node(), cx))
    }
}

impl Drop for WaitForCancellationFuture<'_> {
    fn drop(&mut self) {
        self.waiter.remove(self.token.node());
    }
}

impl fmt::Debug for WaitForCancellationFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForCancellationFuture")
            .finish_non_exhaustive()
    }
}

/// A future that is ready when the token that it owns is cancelled, from
/// [`CancellationToken::cancelled_owned`].
///
/// # Cancel safety
///
/// The future may be dropped at any time: the token stays cancelled.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::token::WaitForCancellationFutureOwned;
///
/// struct Worker {
///     stop: WaitForCancellationFutureOwned,
/// }
///
/// let token = CancellationToken::new();
/// let worker = Worker { stop: token.clone().cancelled_owned() };
/// token.cancel();
/// rt::block_on(worker.stop);
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct WaitForCancellationFutureOwned {
    token: CancellationToken,
    waiter: Waiter,
}

impl WaitForCancellationFutureOwned {
    pub(super) fn new(token: CancellationToken) -> Self {
        Self {
            token,
            waiter: Waiter::new(),
        }
    }

    pub(super) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

impl Future for WaitForCancellationFutureOwned {
    type Output = ();

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        track_await(poll(&mut this.waiter, this.token.node(), cx))
    }
}

impl Drop for WaitForCancellationFutureOwned {
    fn drop(&mut self) {
        self.waiter.remove(self.token.node());
    }
}

impl fmt::Debug for WaitForCancellationFutureOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForCancellationFutureOwned")
            .finish_non_exhaustive()
    }
}
