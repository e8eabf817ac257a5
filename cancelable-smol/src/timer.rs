//! The timer of smol's reactor.

use cancelable_core::runtime::Timer;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

pub(crate) struct AsyncIoTimer {
    timer: async_io::Timer,
}

impl AsyncIoTimer {
    pub(crate) fn new(at: Instant) -> Self {
        Self {
            timer: async_io::Timer::at(at),
        }
    }
}

impl Future for AsyncIoTimer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.timer).poll(cx).map(drop)
    }
}

impl Timer for AsyncIoTimer {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.timer.set_at(at);
    }
}
