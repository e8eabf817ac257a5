//! Stopping transfers at points that follow from a seed: a cancel, a drop of the run, or a limit
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

    /// Numbers that look random and are the same for a seed (SplitMix64).
    fn below(&mut self, bound: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// One limit in four is so short that it is over somewhere on the way, or before.
    pub(crate) fn limit(&mut self, usual: Duration) -> Duration {
        match self.below(4) {
            0 => Duration::from_micros(self.below(500)),
            _ => usual,
        }
    }

    /// Polls `run` so many times as the seed says, and then stops it or drops it, which is none.
    pub(crate) async fn run<F: Future>(&mut self, run: F, stop: impl Fn()) -> Option<F::Output> {
        // Each statement takes some polls.
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
            // Where it is stopped while a statement is at work on its thread, how far that has come
            // is chance, which is what is wanted.
            let poll = Pin::new(&mut run).poll(cx).map(Some);
            if poll.is_pending() && polled == polls {
                cx.waker().wake_by_ref();
            }
            poll
        })
        .await
    }
}
