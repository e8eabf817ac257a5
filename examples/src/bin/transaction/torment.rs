//! Stops transfers at random points from a seed: by a cancel, by a drop of the run, or by a limit
//! that is too short.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

pub(crate) struct Torment {
    seed: u64,
}

impl Torment {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Pseudorandom numbers from a seed (SplitMix64).
    fn below(&mut self, bound: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// Returns the limit of a transfer. One limit in four is so short that it passes during the
    /// transfer or before.
    pub(crate) fn limit(&mut self, usual: Duration) -> Duration {
        match self.below(4) {
            0 => Duration::from_micros(self.below(500)),
            _ => usual,
        }
    }

    /// Polls `run` a random number of times, and then cancels it or drops it. Returns `None` for a
    /// drop.
    pub(crate) async fn run<F: Future>(&mut self, run: F, stop: impl Fn()) -> Option<F::Output> {
        // Each statement takes several polls.
        let (polls, drops) = (self.below(16), self.below(3) == 0);
        let mut run = Box::pin(run);
        let mut polled = 0;
        poll_fn(move |cx| {
            if polled == polls {
                match drops {
                    true => return Poll::Ready(None),
                    false => stop(),
                }
            }
            polled += 1;
            // A cancel during a statement finds its thread at a random point, as intended.
            let poll = Pin::new(&mut run).poll(cx).map(Some);
            if poll.is_pending() && polled == polls {
                cx.waker().wake_by_ref();
            }
            poll
        })
        .await
    }
}
