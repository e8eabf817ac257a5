//! Tokens, compared with `tokio_util::sync::CancellationToken` and swansong.

use crate::{Goal, Row, compare, each, once, parked};
use std::future::{Future, pending};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

const TIMES: u32 = 100_000;
const MANY: u32 = 1_000_000;
const DEEP: u32 = 100_000;
const FEW: u32 = 10_000;

const CHILD_NOTE: &str = "a child reads two flags, its own and that of its parent's branch, the second through a pointer: \
    0.6 to 1 ns, depending on the compiler's layout of the loop.";

const NEW_NOTE: &str = "more than half of the instructions are the allocator's, and two locked decrements are half of the \
    rest. Kept: a token that is written to its final memory (3 of 20 ns), and a `Drop` that is inlined \
    without its cold part.";

const WAITED_NOTE: &str = "a token stores its second and later waits in its own list, so that siblings share no lock: five \
    locked instructions for each wait. Fewer would need strong references from parents to children.";

const PAGES_NOTE: &str = "the list consists of pages of 512 waiters, and a page is freed with its last waiter: 0.1 ns for \
    one waiter.";

const CALLBACK_NOTE: &str = "a closure of unknown size needs a box, the only allocation of a callback. Safe code cannot store \
    the closure without a box.";

/// The same program for both types, which have the same methods.
macro_rules! beside_tokio_util {
    ($work:expr, $goal:expr, |$Token:ident| $program:expr) => {
        compare(
            $work,
            "tokio-util",
            Goal::AtMost($goal),
            {
                use cancelable_core::CancellationToken as $Token;
                $program
            },
            {
                use tokio_util::sync::CancellationToken as $Token;
                $program
            },
        )
    };
}

fn poll_once<F: Future>(future: Pin<&mut F>) {
    let _ = black_box(future.poll(&mut Context::from_waker(Waker::noop())));
}

/// Keeps the result from being optimised away.
fn is(answer: bool) {
    let _ = black_box(answer);
}

/// Returns the table of the hot paths.
#[must_use]
pub fn hot_paths() -> Vec<Row> {
    let mut rows = vec![
        beside_tokio_util!("`is_cancelled()`", 0.05, |T| {
            let token = T::new();
            move || each(TIMES, || is(black_box(&token).is_cancelled()))
        }),
        beside_tokio_util!("`is_cancelled()` of a child", 0.05, |T| {
            let parent = T::new();
            let token = parent.child_token();
            move || each(TIMES, || is(black_box(&token).is_cancelled()))
        })
        .noting(CHILD_NOTE),
        beside_tokio_util!("new + drop", 0.45, |T| || each(TIMES, || drop(black_box(
            T::new()
        ))))
        .noting(NEW_NOTE),
        beside_tokio_util!("clone + drop", 0.40, |T| {
            let token = T::new();
            move || each(TIMES, || drop(black_box(black_box(&token).clone())))
        }),
        beside_tokio_util!("child + drop", 0.45, |T| {
            let token = T::new();
            move || each(TIMES, || drop(black_box(black_box(&token).child_token())))
        }),
        beside_tokio_util!("child + drop beside 10,000 siblings", 0.45, |T| {
            let token = T::new();
            let siblings: Vec<_> = (0..10_000).map(|_| token.child_token()).collect();
            move || {
                black_box(&siblings);
                each(TIMES, || drop(black_box(black_box(&token).child_token())))
            }
        }),
        beside_tokio_util!(
            "`cancelled()` created, polled pending, dropped",
            0.60,
            |T| {
                let token = T::new();
                move || each(TIMES, || poll_once(pin!(token.cancelled())))
            }
        ),
        beside_tokio_util!("a pending `cancelled()` polled again", 0.50, |T| {
            let token = T::new();
            move || {
                let mut future = pin!(token.cancelled());
                poll_once(future.as_mut());
                each(TIMES, || poll_once(future.as_mut()))
            }
        }),
        beside_tokio_util!("child + `cancelled()` polled + drop", 0.50, |T| {
            let token = T::new();
            move || {
                each(TIMES, || {
                    let child = token.child_token();
                    poll_once(pin!(child.cancelled()));
                })
            }
        }),
        beside_tokio_util!("`run_until_cancelled(ready)`", 0.30, |T| {
            let token = T::new();
            move || {
                each(TIMES, || {
                    poll_once(pin!(token.run_until_cancelled(std::future::ready(1))));
                })
            }
        }),
    ];
    rows.extend(callbacks());
    rows
}

/// Returns the table of cancels of many tokens.
///
/// # Panics
///
/// If Tokio's runtime cannot be started.
#[must_use]
pub fn cancelling() -> Vec<Row> {
    let mut rows = vec![
        beside_tokio_util!(
            "cancel over 1,000,000 children, no waiters, per child",
            0.50,
            |T| || {
                let root = T::new();
                let children: Vec<T> = (0..MANY).map(|_| root.child_token()).collect();
                let time = once(MANY, || root.cancel());
                drop(children);
                time
            }
        ),
        beside_tokio_util!("the same with one waiter each, per child", 0.70, |T| || {
            let root = T::new();
            let mut waits: Vec<_> = (0..MANY)
                .map(|_| root.child_token().cancelled_owned())
                .map(Box::pin)
                .collect();
            waits.iter_mut().for_each(|wait| poll_once(wait.as_mut()));
            let time = once(MANY, || root.cancel());
            drop(waits);
            time
        }),
        beside_tokio_util!("the same, each of which has waited before", 1.0, |T| || {
            let root = T::new();
            let mut waits: Vec<_> = (0..MANY)
                .map(|_| {
                    let child = root.child_token();
                    poll_once(pin!(child.cancelled()));
                    Box::pin(child.cancelled_owned())
                })
                .collect();
            waits.iter_mut().for_each(|wait| poll_once(wait.as_mut()));
            let time = once(MANY, || root.cancel());
            drop(waits);
            time
        })
        .noting(WAITED_NOTE),
        beside_tokio_util!("cancel of a token with 100,000 waiters, one", 1.0, |T| {
            || {
                let token = T::new();
                let mut waits: Vec<_> = (0..DEEP).map(|_| Box::pin(token.cancelled())).collect();
                waits.iter_mut().for_each(|wait| poll_once(wait.as_mut()));
                let time = once(DEEP, || token.cancel());
                drop(waits);
                time
            }
        })
        .noting(PAGES_NOTE),
        beside_tokio_util!("cancel down a chain of 100,000, per level", 0.50, |T| {
            || {
                let mut chain = vec![T::new()];
                for level in 0..DEEP as usize {
                    chain.push(chain[level].child_token());
                }
                let time = once(DEEP, || chain[0].cancel());
                // From the leaf to the root: the peer drops the other way by recursion.
                while let Some(token) = chain.pop() {
                    drop(token);
                }
                time
            }
        }),
    ];
    rows.extend(parked::tasks_of_tokio());
    rows
}

/// Returns the table of swansong, the other token that knows no runtime.
#[must_use]
pub fn beside_swansong() -> Vec<Row> {
    use cancelable_core::CancellationToken;
    use swansong::Swansong;
    let goal = Goal::AtMost(1.0);
    let row = |work: &str, ours: &mut dyn FnMut() -> f64, theirs: &mut dyn FnMut() -> f64| {
        compare(work, "swansong", goal, ours, theirs)
    };
    let (ours, theirs) = (CancellationToken::new(), Swansong::new());
    vec![
        row(
            "`is_cancelled()`",
            &mut || each(TIMES, || is(black_box(&ours).is_cancelled())),
            &mut || each(TIMES, || is(black_box(&theirs).state().is_shutting_down())),
        )
        .noting("both are one load. The difference is its position in the compiled loop."),
        row(
            "clone + drop",
            &mut || each(TIMES, || drop(black_box(ours.clone()))),
            &mut || each(TIMES, || drop(black_box(theirs.clone()))),
        ),
        row(
            "child + drop",
            &mut || each(TIMES, || drop(black_box(ours.child_token()))),
            &mut || each(TIMES, || drop(black_box(theirs.child()))),
        ),
        row(
            "a wait created, polled pending, dropped",
            &mut || each(TIMES, || poll_once(pin!(ours.cancelled()))),
            &mut || each(TIMES, || poll_once(pin!(theirs.interrupt(pending::<()>())))),
        ),
        row(
            "a pending wait polled again",
            &mut || {
                let mut wait = pin!(ours.cancelled());
                poll_once(wait.as_mut());
                each(TIMES, || poll_once(wait.as_mut()))
            },
            &mut || {
                let mut wait = pin!(theirs.interrupt(pending::<()>()));
                poll_once(wait.as_mut());
                each(TIMES, || poll_once(wait.as_mut()))
            },
        ),
        row(
            "cancel over 10,000 children, per child",
            &mut || {
                let root = CancellationToken::new();
                let children: Vec<_> = (0..FEW).map(|_| root.child_token()).collect();
                let time = once(FEW, || root.cancel());
                drop(children);
                time
            },
            &mut || {
                let root = Swansong::new();
                let children: Vec<_> = (0..FEW).map(|_| root.child()).collect();
                let time = once(FEW, || root.shut_down());
                drop(children);
                time
            },
        ),
    ]
}

/// Returns the rows of callbacks, which the peers do not have, compared with the goal of 40 ns.
fn callbacks() -> Vec<Row> {
    const GOAL: f64 = 40.0;
    let token = cancelable_core::CancellationToken::new();
    let number = black_box(1_u64);
    let row = |work: &str, ours: &mut dyn FnMut() -> f64| {
        compare(work, "40 ns", Goal::AtMost(1.0), ours, || GOAL)
    };
    vec![
        row("a callback registered, unregistered", &mut || {
            each(TIMES, || drop(token.on_cancel(|_| ())))
        }),
        row("one that has captured a number", &mut || {
            each(TIMES, || {
                drop(token.on_cancel(move |_| {
                    let _ = black_box(number);
                }));
            })
        })
        .noting(CALLBACK_NOTE),
    ]
}
