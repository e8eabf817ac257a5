//! Tokio's timer, made once and moved.

use cancelable_core::runtime::Timer;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

pin_project! {
    pub(crate) struct TokioTimer {
        #[pin]
        sleep: tokio::time::Sleep,
    }
}

impl TokioTimer {
    /// Must be called inside the runtime whose clock it follows; it may be polled anywhere.
    pub(crate) fn new(at: Instant) -> Self {
        Self {
            sleep: tokio::time::sleep_until(at.into()),
        }
    }
}

impl Future for TokioTimer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}

impl Timer for TokioTimer {
    fn reset(self: Pin<&mut Self>, at: Instant) {
        self.project().sleep.reset(at.into());
    }
}
