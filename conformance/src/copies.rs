//! Readers and writers that a cancel ends.

use crate::Subject;
use cancelable_core::Scope;
use cancelable_core::io::{UntilCancelled, copy};
use futures_util::io::{AsyncRead, AsyncReadExt};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// A reader that has some bytes and is pending after them.
struct Stalled(&'static [u8]);

impl AsyncRead for Stalled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.0 {
            [] => Poll::Pending,
            _ => Pin::new(&mut self.0).poll_read(cx, buffer),
        }
    }
}

pub fn r43_a_read_that_waits_fails_at_the_deadline<S: Subject>() {
    S::run(async |runtime| {
        let scope = Scope::builder("download")
            .runtime(&runtime)
            .timeout(MILLISECOND * 5);
        let scope = scope.build().unwrap();
        let run = scope.try_run(async |op: Scope| {
            let mut bytes = [0; 10];
            UntilCancelled::new(Stalled(b"short"), &op)
                .read_exact(&mut bytes)
                .await
        });
        let error = run.await.into_result().unwrap_err().into_failed().unwrap();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
}

pub fn r43_a_copy_says_how_far_it_came<S: Subject>() {
    S::run(async |runtime| {
        let scope = Scope::builder("download")
            .runtime(&runtime)
            .timeout(MILLISECOND * 5);
        let scope = scope.build().unwrap();
        let mut target = Vec::new();
        let run = scope.try_run(async |op: Scope| copy(Stalled(b"short"), &mut target, &op).await);
        let error = run.await.into_result().unwrap_err().into_failed().unwrap();
        assert_eq!((error.copied(), error.unwritten()), (5, &b""[..]));
        assert!(error.cancellation().unwrap().is_timeout());
        assert_eq!(target, b"short");
        assert_eq!(scope.progress().position(), 5);
    });
}
