//! Waiting for a token's cancellation, from async code and from plain threads.

use super::deadline_check::DeadlineCheck;
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

/// One wait's place at a node. Whoever owns it gives it back with [`Waiter::remove`].
pub(super) struct Waiter {
    /// Where the waker is stored, once it was.
    place: Option<WaiterKey>,
    /// Whose it is. It is alive as long as it is stored.
    stored: WakerId,
}

impl Waiter {
    pub(super) const fn new() -> Self {
        Self {
            place: None,
            stored: WakerId::NONE,
        }
    }

    /// Ready once the token is cancelled; until then `cx` is woken when it is.
    ///
    /// Wakes: the waker is stored under a lock under which the state was read again; "No lost wake-up" in
    /// the module's header has the argument. A poll with a waker that is stored already takes no lock:
    /// either a canceller takes that one later, or it has taken it after the state was set and wakes it,
    /// for this poll to be followed by one that finds the state.
    pub(super) fn poll(&mut self, node: &Arc<Node>, cx: &Context<'_>) -> Poll<()> {
        if node.is_cancelled() {
            return Poll::Ready(());
        }
        if self.place.is_some() && self.stored == WakerId::of(cx.waker()) {
            return Poll::Pending;
        }
        // Cloned with no lock held, as it is dropped: both are code of a user. The clone's identity counts,
        // which may be another.
        let waker = StoredWaker::of(cx.waker());
        self.stored = waker.id().unwrap_or(WakerId::NONE);
        let place = match self.place {
            None => node.insert_waiter(waker),
            Some(place) => node.replace_waiter(place, waker).then_some(place),
        };
        if place.is_none() {
            return Poll::Ready(());
        }
        self.place = place;
        Poll::Pending
    }

    /// Takes the waker out of the node.
    #[inline]
    pub(super) fn remove(&mut self, node: &Node) {
        if let Some(place) = self.place.take() {
            node.remove_waiter(place);
        }
    }
}

/// A wait of someone who has the token at hand at every step and so need not own it. It has to be
/// ended with [`remove`](Self::remove); the token keeps the waker until then.
pub(crate) struct Wait {
    waiter: Waiter,
}

impl Wait {
    pub(crate) const fn new() -> Self {
        Self {
            waiter: Waiter::new(),
        }
    }

    /// Ready once `token`, the same one at each call, is cancelled; until then `cx` is woken when it
    /// is.
    pub(crate) fn poll(&mut self, token: &CancellationToken, cx: &Context<'_>) -> Poll<()> {
        self.waiter.poll(token.node(), cx)
    }

    /// Takes the waker back from `token`.
    pub(crate) fn remove(&mut self, token: &CancellationToken) {
        self.waiter.remove(token.node());
    }
}

impl Default for Wait {
    fn default() -> Self {
        Self::new()
    }
}

/// One step of a user's wait. It looks as [`CancellationToken::check`] does: the code that polls it may be
/// all that runs, in a `select!` whose other arm is ready each time.
///
/// Wakes: as for [`Waiter::poll`].
fn poll(waiter: &mut Waiter, node: &Arc<Node>, cx: &Context<'_>) -> Poll<()> {
    match node.is_cancelled_by_now() {
        true => Poll::Ready(()),
        false => waiter.poll(node, cx),
    }
}

/// Blocks this thread until the token is cancelled, for `limit` at most if there is one. True if it
/// is cancelled.
pub(super) fn block(node: &Arc<Node>, limit: Option<Duration>) -> bool {
    if node.is_cancelled_by_now() {
        return true;
    }
    let event = Arc::new(ManualResetEvent::new());
    let waker = Waker::from(Arc::clone(&event));
    let mut waiter = Waiter::new();
    // loom has no time, and a limit is reached there at once.
    let deadline_check = node.deadline_check().filter(|_| cfg!(not(cancelable_loom)));
    let cancelled = waiter.poll(node, &Context::from_waker(&waker)).is_ready()
        // The event's waker is woken by a canceller only, after the state was stored.
        || match (deadline_check, limit) {
            (Some(deadline_check), limit) => pass_looking(node, &event, deadline_check, limit),
            (None, None) => {
                event.wait();
                true
            }
            (None, Some(limit)) => event.wait_timeout(limit) || node.is_cancelled(),
        };
    waiter.remove(node);
    cancelled
}

/// How often a thread that waits for an operation's token looks at the operation's clock.
const LOOK: Duration = Duration::from_millis(50);

/// Waits for the event for `limit` at most, and has the deadline_check look meanwhile: the thread that waits may be the
/// one that would poll the run, and then nobody else sees the deadline.
fn pass_looking(
    node: &Node,
    event: &ManualResetEvent,
    deadline_check: &Arc<dyn DeadlineCheck>,
    limit: Option<Duration>,
) -> bool {
    let mut left = limit;
    // Ends: the event is set, a look finds the token cancelled, or nothing is left of the limit.
    loop {
        let turn = left.map_or(LOOK, |left| left.min(LOOK));
        if event.wait_timeout(turn) {
            return true;
        }
        // Each time: turns are slow, and no other call paces this look.
        if !deadline_check.has_no_deadline() {
            deadline_check.check();
        }
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
/// It may be dropped at any time, and nothing is lost: the token stays cancelled.
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

/// A future that is ready when the token it owns is cancelled, from
/// [`CancellationToken::cancelled_owned`].
///
/// # Cancel safety
///
/// It may be dropped at any time, and nothing is lost: the token stays cancelled.
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
