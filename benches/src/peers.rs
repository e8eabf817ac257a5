//! Comparison with other ways to stop a future: stop-token, and `Abortable` of futures.

use crate::{Goal, Row, compare, each};
use cancelable_core::CancellationToken;
use futures_util::future::{AbortHandle, Abortable};
use std::future::{pending, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use stop_token::StopSource;
use stop_token::future::FutureExt;

const TIMES: u32 = 100_000;
const GOAL: Goal = Goal::AtMost(1.0);

fn poll_once<F: Future>(future: Pin<&mut F>) {
    let _ = black_box(future.poll(&mut Context::from_waker(Waker::noop())));
}

/// Returns the table of futures that are stopped from outside.
#[must_use]
pub fn stopping_futures() -> Vec<Row> {
    let token = CancellationToken::new();
    let source = StopSource::new();
    let stop = source.token();
    let ready_until_ours = || {
        each(TIMES, || {
            poll_once(pin!(token.run_until_cancelled(ready(1))));
        })
    };
    let pending_until_ours = || {
        each(TIMES, || {
            poll_once(pin!(token.run_until_cancelled(pending::<()>())));
        })
    };
    vec![
        compare(
            "a ready future, until a token is cancelled",
            "stop-token",
            GOAL,
            ready_until_ours,
            || each(TIMES, || poll_once(pin!(ready(1).timeout_at(stop.clone())))),
        ),
        compare(
            "a future polled pending and dropped",
            "stop-token",
            GOAL,
            pending_until_ours,
            || {
                each(TIMES, || {
                    poll_once(pin!(pending::<()>().timeout_at(stop.clone())));
                })
            },
        ),
        compare(
            "a ready future with a stop of its own",
            "`Abortable`",
            GOAL,
            || {
                each(TIMES, || {
                    let own = CancellationToken::new();
                    poll_once(pin!(own.run_until_cancelled(ready(1))));
                })
            },
            || {
                each(TIMES, || {
                    let (handle, registration) = AbortHandle::new_pair();
                    poll_once(pin!(Abortable::new(ready(1), registration)));
                    drop(black_box(handle));
                })
            },
        ),
        compare(
            "a pending future with a stop of its own",
            "`Abortable`",
            GOAL,
            || {
                each(TIMES, || {
                    let own = CancellationToken::new();
                    poll_once(pin!(own.run_until_cancelled(pending::<()>())));
                })
            },
            || {
                each(TIMES, || {
                    let (handle, registration) = AbortHandle::new_pair();
                    poll_once(pin!(Abortable::new(pending::<()>(), registration)));
                    drop(black_box(handle));
                })
            },
        )
        .noting(
            "the stop of the peer has a single waiter for its whole life, which needs no lock. A token may have \
    any number of waiters.",
        ),
    ]
}
