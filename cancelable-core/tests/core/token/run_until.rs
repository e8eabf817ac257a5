//! Work that runs until a token is cancelled: the order of polls, and the winner of a tie (R15).

use crate::support::probe::Probe;
use cancelable_core::CancellationToken;
use cancelable_core::token::FutureExt;
use std::cell::Cell;
use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::task::Poll;

type Form<'a, T> = Pin<Box<dyn Future<Output = Option<T>> + 'a>>;

/// The four ways to run work until a token is cancelled.
fn forms<'a, F: Future + 'a>(
    token: &'a CancellationToken,
    work: impl Fn() -> F,
) -> [Form<'a, F::Output>; 4] {
    [
        Box::pin(token.run_until_cancelled(work())),
        Box::pin(token.clone().run_until_cancelled_owned(work())),
        Box::pin(work().with_cancellation_token(token)),
        Box::pin(work().with_cancellation_token_owned(token.clone())),
    ]
}

#[test]
fn r15_a_cancelled_token_does_not_poll_the_work() {
    let token = CancellationToken::new();
    token.cancel();
    let never_polled = || poll_fn(|_| -> Poll<()> { unreachable!() });
    for mut form in forms(&token, never_polled) {
        assert_eq!(Probe::new().poll(form.as_mut()), Poll::Ready(None));
    }
}

#[test]
fn r15_the_work_wins_a_tie() {
    for which in 0..4 {
        let token = CancellationToken::new();
        let probe = Probe::new();
        let is_ready = Cell::new(false);
        let work = || {
            poll_fn(|_| match is_ready.get() {
                true => Poll::Ready(7),
                false => Poll::Pending,
            })
        };
        let form = &mut forms(&token, work)[which];
        assert!(probe.poll(form.as_mut()).is_pending());
        is_ready.set(true);
        token.cancel();
        assert_eq!(probe.wakes(), 1);
        assert_eq!(probe.poll(form.as_mut()), Poll::Ready(Some(7)));
    }
}

#[test]
fn r15_work_that_is_not_ready_ends_with_the_token() {
    for which in 0..4 {
        let token = CancellationToken::new().child_token();
        let probe = Probe::new();
        let form = &mut forms(&token, pending::<()>)[which];
        assert!(probe.poll(form.as_mut()).is_pending());
        token.cancel();
        assert_eq!(probe.wakes(), 1);
        assert_eq!(probe.poll(form.as_mut()), Poll::Ready(None));
    }
}

#[test]
fn r15_work_that_is_ready_at_once_never_waits_for_the_token() {
    let token = CancellationToken::new();
    for mut form in forms(&token, || ready("done")) {
        assert_eq!(Probe::new().poll(form.as_mut()), Poll::Ready(Some("done")));
    }
    assert!(token.try_cancel());
}

#[test]
fn r15_work_that_cancels_its_own_token_is_not_lost() {
    let token = CancellationToken::new();
    let mut run = pin!(token.run_until_cancelled(poll_fn(|_| {
        token.cancel();
        Poll::Ready(1)
    })));
    assert_eq!(Probe::new().poll(run.as_mut()), Poll::Ready(Some(1)));
    let token = CancellationToken::new();
    let mut run = pin!(token.run_until_cancelled(poll_fn(|_| -> Poll<()> {
        token.cancel();
        Poll::Pending
    })));
    assert_eq!(Probe::new().poll(run.as_mut()), Poll::Ready(None));
}
