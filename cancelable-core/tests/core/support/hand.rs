//! Tools for the token's tests: waits that are polled by hand, wakers that act, small stacks, and
//! numbers that look random and are the same in every run.

use crate::support::probe::Probe;
use cancelable_core::CancellationToken;
use cancelable_core::token::WaitForCancellationFutureOwned;
use cooked_waker::IntoWaker;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// A wait on a token with its own counted waker.
pub(crate) struct Sleeper {
    future: WaitForCancellationFutureOwned,
    probe: Probe,
}

impl Sleeper {
    /// Waits on `token`, which is not cancelled.
    pub(crate) fn on(token: &CancellationToken) -> Self {
        Self::try_on(token).expect("the token is not cancelled")
    }

    /// Waits on `token`, unless it is cancelled.
    pub(crate) fn try_on(token: &CancellationToken) -> Option<Self> {
        let mut sleeper = Self {
            future: token.clone().cancelled_owned(),
            probe: Probe::new(),
        };
        sleeper.poll().is_pending().then_some(sleeper)
    }

    pub(crate) fn poll(&mut self) -> Poll<()> {
        self.probe.poll(Pin::new(&mut self.future))
    }

    pub(crate) fn wakes(&self) -> usize {
        self.probe.wakes()
    }
}

pub(crate) fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// A waker that does `act` when it is woken.
pub(crate) fn waker(act: impl Fn() + Send + Sync + 'static) -> Waker {
    struct Act<F>(F);
    impl<F: Fn() + Send + Sync> Wake for Act<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    Waker::from(Arc::new(Act(act)))
}

/// A waker that does `act` when it is cloned. One that is made of an `Arc` can't: its clone is not the user's
/// code.
pub(crate) fn clone_acts(act: impl Fn() + Send + Sync + 'static) -> Waker {
    struct CloneActs(Arc<dyn Fn() + Send + Sync>);
    impl Clone for CloneActs {
        fn clone(&self) -> Self {
            (self.0)();
            Self(self.0.clone())
        }
    }
    impl cooked_waker::WakeRef for CloneActs {
        fn wake_by_ref(&self) {}
    }
    impl cooked_waker::Wake for CloneActs {}
    Box::new(CloneActs(Arc::new(act))).into_waker()
}

/// Waits on `token` with a waker that does `act`. The wait lasts until what this returns is dropped.
pub(crate) fn wait_with(
    token: &CancellationToken,
    act: impl Fn() + Send + Sync + 'static,
) -> WaitForCancellationFutureOwned {
    let mut future = token.clone().cancelled_owned();
    assert!(poll(&mut future, &waker(act)).is_pending());
    future
}

/// Runs code when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Runs `work` in a thread whose stack has 256 KiB, where recursion over a long chain would not end
/// well.
pub(crate) fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(work)
        .expect("a thread can be started");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// SplitMix64: all that a shuffle and a random walk need.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
