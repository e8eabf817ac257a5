//! The memory of tokens and of progress, to the byte (R12, R38). The counts are per thread, so the tests may run in
//! parallel. A binary of its own, because the counter is the global allocator.
#![cfg(all(feature = "stream", feature = "testing"))]
#![allow(missing_docs)]

use allocation_counter::{AllocationInfo, measure};
use cancelable_core::stream::{CancelStreamExt, CancellableStream};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Scope};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use std::future::Future;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

const TEN: NonZeroUsize = NonZeroUsize::new(10).unwrap();
const HUNDRED: NonZeroUsize = NonZeroUsize::new(100).unwrap();

struct Counts;

impl Wake for Counts {
    fn wake(self: Arc<Self>) {}
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

fn waits(token: &CancellationToken) {
    let mut wait = pin!(token.cancelled());
    assert!(poll(&mut wait, Waker::noop()).is_pending());
}

/// Runs `round` a few times, so that memory that is kept once is allocated. Then checks that 10,000 more rounds
/// leave no byte behind and never hold more than `bound` at once.
fn stays_flat(bound: u64, mut round: impl FnMut()) -> AllocationInfo {
    (0..100).for_each(|_| round());
    let info = measure(|| (0..10_000).for_each(|_| round()));
    assert_eq!((info.bytes_current, info.count_current), (0, 0), "{info:?}");
    assert!(info.bytes_max <= bound, "{info:?}");
    info
}

#[test]
fn r12_bytes_per_child() {
    const CHILDREN: usize = 1024;
    let root = CancellationToken::new();
    // The branch, and room for the list of members, which doubles.
    let _first = root.child_token();
    let mut children = Vec::with_capacity(CHILDREN);
    let plain = measure(|| children.extend((0..CHILDREN).map(|_| root.child_token())));
    let per_child = plain.bytes_current / CHILDREN as i64;
    assert_eq!(
        plain.count_total, CHILDREN as u64,
        "one allocation for a child"
    );
    assert!(per_child <= PLAIN_CHILD, "{per_child} bytes");

    // The future itself is the caller's; what its token and its parent keep is ours.
    let mut waits: Vec<_> = children.iter().map(CancellationToken::cancelled).collect();
    let listed = measure(|| {
        for wait in &mut waits {
            assert!(poll(wait, Waker::noop()).is_pending());
        }
    });
    let per_wait = listed.bytes_current / CHILDREN as i64;
    assert!(
        per_child + per_wait <= 120,
        "{per_child} + {per_wait} bytes"
    );
    println!("a child: {per_child} bytes; its waiter: {per_wait} bytes more, in its parent's list");
}

/// The bytes of a child without a waiter.
const PLAIN_CHILD: i64 = 96;

#[test]
fn r12_a_child_that_comes_and_goes_is_one_allocation() {
    let root = CancellationToken::new();
    let info = stays_flat(120, || drop(black_box(root.child_token())));
    assert_eq!(info.count_total, 10_000);
    let info = stays_flat(120, || waits(&root.child_token()));
    assert_eq!(info.count_total, 10_000, "a wait on it costs none");
}

#[test]
fn r12_a_wait_allocates_nothing() {
    let root = CancellationToken::new();
    for token in [
        root.clone(),
        root.child_token(),
        root.child_token().child_token(),
    ] {
        waits(&token);
        let info = measure(|| (0..1000).for_each(|_| waits(&token)));
        assert_eq!(info.count_total, 0);
        // Nor with others waiting, nor when the waker changes.
        let mut others: Vec<_> = (0..20).map(|_| token.cancelled()).collect();
        for other in &mut others {
            assert!(poll(other, Waker::noop()).is_pending());
        }
        waits(&token);
        let wakers = [0, 1].map(|_| Waker::from(Arc::new(Counts)));
        let mut wait = pin!(token.cancelled());
        let info = measure(|| {
            for round in 0..1000 {
                assert!(poll(&mut wait, &wakers[round % 2]).is_pending());
                waits(&token);
            }
        });
        assert_eq!(info.count_total, 0);
    }
}

/// Bytes of a waiter among others of its token. One by itself takes room that is there.
const WAITER: i64 = 16;

#[test]
fn r12_bytes_per_waiter() {
    const WAITERS: usize = 1025;
    let token = CancellationToken::new();
    let mut waits: Vec<_> = (0..WAITERS).map(|_| token.cancelled()).collect();
    let first = measure(|| assert!(poll(&mut waits[0], Waker::noop()).is_pending()));
    assert_eq!(first.count_total, 0);
    let others = measure(|| {
        for wait in &mut waits[1..] {
            assert!(poll(wait, Waker::noop()).is_pending());
        }
    });
    // Of the list, and of its pages.
    let heads = 96 + 4 * 40;
    assert!(others.bytes_current <= WAITER * 1024 + heads, "{others:?}");
    assert!(size_of_val(&waits[0]) <= 40, "{}", size_of_val(&waits[0]));
}

#[test]
fn r12_bytes_per_child_that_waits_again() {
    const CHILDREN: usize = 1024;
    let root = CancellationToken::new();
    // The list is there, and has room.
    let children: Vec<_> = (0..=CHILDREN).map(|_| root.child_token()).collect();
    let mut first: Vec<_> = children.iter().map(CancellationToken::cancelled).collect();
    for wait in &mut first {
        assert!(poll(wait, Waker::noop()).is_pending());
    }
    drop(first);
    let again = measure(|| children.iter().for_each(waits));
    // An entry in the parent's list, which is of the same size as the first wait's.
    let per_child = again.bytes_current / CHILDREN as i64;
    assert!(PLAIN_CHILD + per_child <= 120, "{per_child} bytes more");
    let steady = measure(|| children.iter().for_each(waits));
    assert_eq!(steady.count_total, 0);
}

#[test]
fn r12_a_wait_allocates_nothing_after_threads_have_met_at_the_token() {
    let token = CancellationToken::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5000).for_each(|_| waits(&token)));
        }
    });
    let info = measure(|| (0..1000).for_each(|_| waits(&token)));
    assert_eq!(info.count_total, 0);
}

#[test]
fn r05_r12_asking_and_cloning_allocate_nothing() {
    let token = CancellationToken::new().child_token();
    let info = measure(|| {
        for _ in 0..1000 {
            assert!(!token.clone().is_cancelled() && token.cause().is_none());
            assert!(token.check().is_ok() && token.downgrade().upgrade().is_some());
        }
    });
    assert_eq!(info.count_total, 0);
    token.cancel();
    let info = measure(|| {
        for _ in 0..1000 {
            assert!(token.is_cancelled() && token.cause().is_some() && token.check().is_err());
            assert!(poll(&mut pin!(token.cancelled()), Waker::noop()).is_ready());
            assert!(!token.cancel_with(token.cause().unwrap()));
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn r12_a_cancel_allocates_its_cause_and_nothing_for_each_child() {
    for children in [0, 10, 10_000] {
        let root = CancellationToken::new();
        let _children: Vec<_> = (0..children).map(|_| root.child_token()).collect();
        let info = measure(|| assert!(root.try_cancel()));
        // The cause, and the walk's stack where there is a branch.
        assert!(info.count_total <= 2, "{children} children: {info:?}");
    }
}

#[test]
fn r12_a_cancel_keeps_no_level_of_a_chain_that_it_has_left() {
    let mut chain = vec![CancellationToken::new()];
    for above in 0..10_000 {
        chain.push(chain[above].child_token());
    }
    let info = measure(|| assert!(chain[0].try_cancel()));
    assert!(info.bytes_max < 1024, "{info:?}");
}

#[test]
fn r12_a_callback_is_one_allocation_of_its_own() {
    let token = CancellationToken::new();
    let mut kept = Vec::with_capacity(1000);
    let number = black_box(1_u64);
    let info = measure(|| {
        kept.extend((0..1000).map(|_| {
            token.on_cancel(move |_| {
                let _ = black_box(number);
            })
        }));
    });
    // The closure in its box; the list of them is a vector that doubles.
    let per_callback = info.bytes_current / 1000;
    println!(
        "a callback: {per_callback} bytes, {} allocations of 1000",
        info.count_total
    );
    assert!((1000..1020).contains(&info.count_total), "{info:?}");
    assert!(per_callback <= 48, "{per_callback}");
    drop(kept);
    // A callback that captures nothing costs no allocation once the list exists.
    let info = stays_flat(0, || drop(token.on_cancel(|_| ())));
    assert_eq!(info.count_total, 0);
    let info = stays_flat(64, || {
        drop(token.on_cancel(move |_| {
            let _ = black_box(number);
        }));
    });
    assert_eq!(info.count_total, 10_000);
}

#[test]
fn r12_the_lists_are_given_back_after_a_peak() {
    let root = CancellationToken::new();
    let _branch = root.child_token();
    drop(root.on_cancel(|_| ()));
    let info = measure(|| {
        let children: Vec<_> = (0..10_000).map(|_| root.child_token()).collect();
        let mut waits: Vec<_> = children.iter().map(CancellationToken::cancelled).collect();
        let mut own: Vec<_> = (0..10_000).map(|_| root.cancelled()).collect();
        for wait in waits.iter_mut().chain(&mut own) {
            assert!(poll(wait, Waker::noop()).is_pending());
        }
        let callbacks: Vec<_> = (0..10_000).map(|_| root.on_cancel(|_| ())).collect();
        drop((waits, own, callbacks));
    });
    assert!(info.bytes_current < 2048, "{info:?}");
}

#[test]
fn r12_one_that_stays_does_not_keep_the_room_of_those_that_came_with_it() {
    const PEAK: usize = 100_000;
    // Less than a byte for each that has gone.
    let flat = |info: allocation_counter::AllocationInfo| {
        assert!(info.bytes_current < PEAK as i64 / 2, "{info:?}");
    };
    // The first, the last, and one in the middle.
    for stays in [0, PEAK / 2, PEAK - 1] {
        let root = CancellationToken::new();
        let mut kept = Vec::with_capacity(1);
        flat(measure(|| {
            let mut all: Vec<_> = (0..PEAK).map(|_| root.on_cancel(|_| ())).collect();
            kept.push(all.swap_remove(stays));
        }));
        let mut kept = Vec::with_capacity(1);
        flat(measure(|| {
            let mut all: Vec<_> = (0..PEAK).map(|_| root.cancelled()).collect();
            for wait in &mut all {
                assert!(poll(wait, Waker::noop()).is_pending());
            }
            kept.push(all.swap_remove(stays));
        }));
        let mut kept = Vec::with_capacity(1);
        flat(measure(|| {
            let mut all: Vec<_> = (0..PEAK).map(|_| root.child_token()).collect();
            for child in &all {
                child.on_cancel(|_| ()).detach();
            }
            kept.push(all.swap_remove(stays));
        }));
    }
}

#[test]
fn r13_a_join_keeps_what_is_given_twice_once() {
    let token = CancellationToken::new();
    drop(CancellationToken::any_of([&token]));
    let mut joins = Vec::with_capacity(2);
    let once = measure(|| joins.push(CancellationToken::any_of([&token])));
    let often = measure(|| joins.push(CancellationToken::any_of([&token; 1000])));
    assert!(
        often.bytes_current <= once.bytes_current + 256,
        "{once:?} {often:?}"
    );
}

#[cfg(feature = "testing")]
mod a_scope {
    use super::poll;
    use allocation_counter::{AllocationInfo, measure};
    use cancelable_core::scope::ScopeBuilder;
    use cancelable_core::testing::ManualRuntime;
    use cancelable_core::{CancellationToken, Scope};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Returns the total allocations of `run` for one scope of `builder`, after a first run has filled the
    /// caches.
    fn of_a_scope(
        runtime: &ManualRuntime,
        builder: impl Fn(ScopeBuilder) -> ScopeBuilder,
        yields: usize,
    ) -> AllocationInfo {
        let handle = runtime.handle();
        let run = || {
            let scope = builder(Scope::builder("work").runtime(&handle)).build();
            let scope = scope.expect("it has a runtime");
            let mut left = yields;
            let body = std::future::poll_fn(move |_| match left.checked_sub(1) {
                None => Poll::Ready(()),
                Some(fewer) => {
                    left = fewer;
                    Poll::Pending
                }
            });
            let mut run = pin!(scope.run(|_| body));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..yields {
                assert!(run.as_mut().poll(&mut context).is_pending());
            }
            assert!(run.as_mut().poll(&mut context).is_ready());
        };
        run();
        let info = measure(run);
        assert_eq!((info.bytes_current, info.count_current), (0, 0), "{info:?}");
        info
    }

    /// The record; what it waits with is the runtime's, and a token that is given is not put into a list.
    /// The scope's own token is made for whoever asks for it, which nobody does here, and below a token
    /// that is given.
    #[test]
    fn r16_r28_a_scope_is_one_allocation_and_a_timer() {
        let manual = ManualRuntime::new();
        let token = CancellationToken::new();
        let hour = std::time::Duration::from_secs(3600);
        let count = |builder: &dyn Fn(ScopeBuilder) -> ScopeBuilder, yields| {
            of_a_scope(&manual, builder, yields).count_total
        };
        assert_eq!(count(&|scope| scope, 0), 1, "plain, ready at once");
        assert_eq!(count(&|scope| scope, 3), 1, "plain, waits");
        // The branch, which is the token's for good.
        drop(token.child_token());
        assert_eq!(count(&|scope| scope.token(&token), 3), 2, "with a token");
        let timed = |scope: ScopeBuilder| scope.timeout(hour);
        assert_eq!(count(&timed, 0), 1, "a timeout of a body that is ready");
        // The parts of this runtime's timer: asked of itself.
        let handle = manual.handle();
        let timer = || {
            let mut sleep = handle.sleep(hour);
            assert!(poll(&mut sleep, Waker::noop()).is_pending());
        };
        timer();
        let timer = measure(timer).count_total;
        assert!(timer > 0);
        for yields in [1, 3] {
            assert_eq!(count(&timed, yields), 1 + timer, "with a timeout, waits");
            let both = |scope: ScopeBuilder| scope.timeout(hour).token(&token);
            assert_eq!(count(&both, yields), 2 + timer, "with both");
        }
        let info = of_a_scope(&manual, |scope| scope, 1);
        println!("a scope: {} bytes", info.bytes_max);
        // 24 bytes keep the deadline from above; see `record/own_deadline.rs`. With a span it is 8 more.
        let most = if cfg!(feature = "tracing") { 496 } else { 488 };
        assert!(info.bytes_max <= most, "{info:?}");
    }
}

/// A listing that is content with the first few looks at the first few: what it takes does not grow with
/// what is listed.
#[cfg(feature = "testing")]
#[test]
fn r35_a_limited_listing_takes_the_same_however_many_are_listed() {
    use cancelable_core::registry::Filter;
    use cancelable_core::{Registry, Scope};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    let of = |listed: usize| {
        let registry = Registry::new();
        let open = |_| Scope::builder("job").register_in(&registry).build();
        let scopes: Vec<_> = (0..listed).map(open).collect();
        let first = scopes[0].as_ref().map(|scope| scope.id()).ok();
        let asked = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&asked);
        let filter = Filter::new().limit(10).matching(move |_| {
            counts.fetch_add(1, Relaxed);
            true
        });
        let info = measure(|| {
            let found = registry.list(&filter);
            assert_eq!((found.len(), Some(found[0].id())), (10, first));
            assert_eq!(registry.operations(&filter).len(), 10);
            assert_eq!(registry.find("job").map(|found| found.id()), first);
            assert!(registry.list(&Filter::new().limit(0)).is_empty());
        });
        assert_eq!(asked.load(Relaxed), 20);
        info.bytes_max
    };
    let (few, many) = (of(5_000), of(100_000));
    assert!(many <= few + few / 4, "{few} {many}");
}

#[test]
fn r12_children_that_have_children_callbacks_and_joins_leave_nothing() {
    let root = CancellationToken::new();
    let other = CancellationToken::new();
    stays_flat(4096, || {
        let child = root.child_token();
        let leaf = child.child_token();
        let registration = leaf.on_cancel(|_| ());
        child.on_cancel(|_| ()).detach();
        let any = CancellationToken::any_of([&leaf, &other, &root]).unwrap();
        let all = CancellationToken::all_of([&any, &other]).unwrap();
        waits(&all.child_token());
        waits(&leaf);
        drop(child);
        waits(&leaf.child_token());
        drop((any, registration, leaf));
        waits(&all);
    });
}

#[test]
fn r12_children_of_a_dropped_token_leave_nothing_to_the_last_of_them() {
    let root = CancellationToken::new();
    let mut last = None;
    let info = measure(|| {
        let parent = root.child_token();
        let children: Vec<_> = (0..10_000).map(|_| parent.child_token()).collect();
        let registrations: Vec<_> = children.iter().map(|one| one.on_cancel(|_| ())).collect();
        drop(parent);
        // Their entries move past the parent with the branches that they get now.
        let below: Vec<_> = children.iter().map(|one| one.child_token()).collect();
        last = Some(children[0].clone());
        drop((children, registrations, below));
    });
    // The root's list has room for as many as there were, and not the tokens themselves.
    assert!(info.bytes_current < 16_384 * 24 + 2048, "{info:?}");
    assert!(last.is_some_and(|last| !last.is_cancelled()));
}

#[test]
fn r12_children_that_are_cancelled_leave_nothing() {
    let root = CancellationToken::new();
    stays_flat(4096, || {
        let child = root.child_token();
        let leaf = child.child_token();
        let mut wait = leaf.clone().cancelled_owned();
        assert!(poll(&mut wait, Waker::noop()).is_pending());
        leaf.on_cancel(|_| ()).detach();
        child.cancel_with("done");
    });
}

/// What `make` leaves for each of those that it keeps, when it has kept as many before and dropped them.
fn kept_each<T>(mut make: impl FnMut() -> T) -> AllocationInfo {
    const KEPT: usize = 1000;
    let mut kept = Vec::with_capacity(KEPT);
    // Twice: what the lists are made of comes with the first.
    (0..KEPT).for_each(|_| kept.push(make()));
    kept.clear();
    measure(|| (0..KEPT).for_each(|_| kept.push(make())))
}

/// A token that is cancelled and kept is in nobody's list: it costs what it would without a parent.
#[test]
fn r12_what_is_cancelled_and_kept_leaves_nothing_in_its_parent() {
    type Keep = fn(CancellationToken) -> Box<dyn std::any::Any>;
    let ways: [(&str, Keep); 5] = [
        ("a callback that is held", |token| {
            let registration = token.on_cancel(|_| ());
            token.cancel();
            Box::new(registration)
        }),
        ("a callback that is detached", |token| {
            token.on_cancel(|_| ()).detach();
            token.cancel();
            Box::new(token)
        }),
        ("waits", |token| {
            waits(&token);
            waits(&token);
            token.cancel();
            Box::new(token)
        }),
        ("a child", |token| {
            let child = token.child_token();
            token.cancel();
            Box::new((token, child))
        }),
        ("a child that is all that is left", |token| {
            let child = token.child_token();
            child.on_cancel(|_| ()).detach();
            token.on_cancel(|_| ()).detach();
            token.cancel();
            Box::new(child)
        }),
    ];
    for (name, keep) in ways {
        let alone = kept_each(|| keep(CancellationToken::new()));
        let root = CancellationToken::new();
        let below = kept_each(|| keep(root.child_token()));
        assert_eq!(below.bytes_current, alone.bytes_current, "{name}");
        assert!(!root.is_cancelled());
    }
    // Also where all are there before the first is cancelled.
    let at_once = |make: &dyn Fn() -> CancellationToken| {
        let mut kept = Vec::with_capacity(1000);
        let mut round = || {
            kept.clear();
            measure(|| {
                kept.extend((0..1000).map(|_| {
                    let token = make();
                    let registration = token.on_cancel(|_| ());
                    (token, registration)
                }));
                kept.iter().for_each(|(token, _)| token.cancel());
            })
        };
        round();
        round().bytes_current
    };
    let root = CancellationToken::new();
    let alone = at_once(&CancellationToken::new);
    assert_eq!(at_once(&|| root.child_token()), alone);
}

/// A join that has been cancelled leaves the lists of those of its inputs that have not.
#[test]
fn r12_r13_a_join_that_is_cancelled_and_kept_leaves_nothing_in_its_inputs() {
    type End = fn(&CancellationToken, &CancellationToken);
    let ways: [(&str, End); 2] = [
        ("by an input", |input, _| input.cancel()),
        ("by itself", |_, join| join.cancel()),
    ];
    for (name, end) in ways {
        let join_with = |lasting: &CancellationToken| {
            let input = CancellationToken::new();
            let join = CancellationToken::any_of([&input, lasting]).unwrap();
            let registration = join.on_cancel(|_| ());
            end(&input, &join);
            (input, join, registration)
        };
        // Each with a second input of its own, for what is kept without a list that all are in.
        let alone = kept_each(|| {
            let lasting = CancellationToken::new();
            let join = join_with(&lasting);
            (lasting, join)
        });
        // And that second input by itself, with the branch that it has by then.
        let inputs = kept_each(|| {
            let lasting = CancellationToken::new();
            drop(lasting.child_token());
            lasting
        });
        let lasting = CancellationToken::new();
        let together = kept_each(|| join_with(&lasting));
        assert_eq!(
            together.bytes_current,
            alone.bytes_current - inputs.bytes_current,
            "{name}"
        );
    }
}

#[test]
fn r12_blocking_waits_leave_nothing() {
    let root = CancellationToken::new();
    let token = root.child_token();
    stays_flat(256, || {
        assert!(!token.wait_timeout(std::time::Duration::ZERO));
    });
}

/// Hands a token down for ever: `step` makes the next one of the last.
fn hand_down(mut step: impl FnMut(CancellationToken) -> CancellationToken) {
    let root = CancellationToken::new();
    let mut token = Some(root.child_token());
    stays_flat(4096, || token = token.take().map(&mut step));
    // And the root still reaches the last.
    let last = token.expect("each step gives the next");
    assert!(!last.is_cancelled());
    let mut wait = pin!(last.cancelled());
    assert!(poll(&mut wait, Waker::noop()).is_pending());
    root.cancel();
    assert!(last.is_cancelled() && poll(&mut wait, Waker::noop()).is_ready());
}

#[test]
fn r12_handing_a_token_down_for_ever_stays_flat() {
    hand_down(|token| token.child_token());
    hand_down(|token| token.child_token().child_token());
    hand_down(|token| {
        let next = token.child_token();
        let below = next.child_token();
        drop(token);
        drop(next);
        below
    });
}

#[test]
fn r12_handing_a_token_down_with_waits_in_between_stays_flat() {
    hand_down(|token| {
        waits(&token);
        token.child_token()
    });
    hand_down(|token| {
        let next = token.child_token();
        waits(&next);
        next
    });
    hand_down(|token| {
        let mut wait = token.clone().cancelled_owned();
        assert!(poll(&mut wait, Waker::noop()).is_pending());
        let next = token.child_token().child_token();
        drop(token);
        waits(&next);
        drop(wait);
        drop(next.on_cancel(|_| ()));
        next
    });
}

/// The next token has a child of its own before the last one goes.
#[test]
fn r12_handing_a_token_down_with_work_below_stays_flat() {
    hand_down(|token| {
        let next = token.child_token();
        waits(&next.child_token());
        next
    });
}

/// Two tokens of the chain live at any time.
#[test]
fn r12_handing_down_a_window_of_tokens_stays_flat() {
    for window in 1..5 {
        let mut living = std::collections::VecDeque::with_capacity(8);
        hand_down(|token| {
            let next = token.child_token();
            living.push_back(token);
            if living.len() > window {
                living.pop_front();
            }
            next
        });
    }
}

#[test]
fn r38_progress_allocates_when_it_is_first_asked_for_and_not_to_advance() {
    let open = || Scope::builder("import").build().expect("it is sound");
    drop(open());
    let mut scopes = Vec::with_capacity(1);
    let opened = measure(|| scopes.push(open()));
    let scope = &scopes[0];
    let read = measure(|| assert!(scope.snapshot().progress().is_none()));
    assert_eq!(read.count_total, 0, "a look makes none");
    let made = measure(|| {
        let _ = black_box(scope.progress());
    });
    println!(
        "an operation: {} bytes in {} allocations; its progress: {} bytes more in {}",
        opened.bytes_current, opened.count_current, made.bytes_current, made.count_current
    );
    assert!(made.count_current > 0 && made.count_total <= 2, "{made:?}");
    let advanced = measure(|| {
        for _ in 0..1000 {
            scope.progress().advance(1);
            scope.progress().clone().set_position(7);
        }
    });
    assert_eq!(advanced.count_total, 0);
}

#[test]
fn r12_r38_children_that_come_and_go_leave_nothing() {
    let root = Scope::builder("root").build().expect("it is sound");
    let _ = root.progress();
    let info = stays_flat(8192, || {
        let part = root.child("part").build().expect("it is sound");
        part.progress().set_total(2);
        let hook = part.on_progress(|_| ());
        part.progress().advance(1);
        drop(hook);
        let mut run = pin!(part.run(|_| std::future::ready(())));
        let polled = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_ready());
    });
    println!("{} allocations a part", info.count_total / 10_000);
    assert_eq!(root.progress().snapshot().overall().position(), 10_100);
}

/// Returns the number of allocations for pulling that number of items.
fn pulled(stream: &mut (impl Stream<Item = u64> + Unpin), items: u64) -> u64 {
    let mut cx = Context::from_waker(Waker::noop());
    let mut pull = |_| assert!(stream.poll_next_unpin(&mut cx).is_ready());
    measure(|| (0..items).for_each(&mut pull)).count_total
}

#[test]
fn r41_an_item_of_a_stream_allocates_nothing() {
    let token = CancellationToken::new().child_token();
    let numbers = || stream::iter(0_u64..);
    assert_eq!(pulled(&mut numbers().until_cancelled(&token), 1000), 0);

    let scope = Scope::builder("import").build().expect("it is sound");
    assert_eq!(pulled(&mut scope.stream(numbers()), 1000), 0);
    let mut reported = scope.stream(numbers()).report_every(TEN, scope.progress());
    assert_eq!(pulled(&mut reported, 1000), 0);

    let mut kept = scope.stream(numbers()).keep_last(TEN);
    // The buffer is filled first.
    assert!(pulled(&mut kept, 100) > 0);
    assert_eq!(pulled(&mut kept, 1000), 0);
    let last = kept.last_items();
    assert_eq!(last.to_vec(), Vec::from_iter(1090..1100));

    // A wait of a stream costs nothing either.
    let mut waits = stream::pending::<u64>().until_cancelled(&token);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waits.poll_next_unpin(&mut cx).is_pending());
    let waiting = measure(|| {
        (0..1000).for_each(|_| assert!(waits.poll_next_unpin(&mut cx).is_pending()));
    });
    assert_eq!(waiting.count_total, 0);
    scope.cancel();
}

#[test]
fn r41_chunks_cost_one_allocation_each() {
    let token = CancellationToken::new();
    let numbers = stream::iter(0_u64..).until_cancelled(&token);
    let runtime = ManualRuntime::new().handle();
    let sums = numbers.chunks_within(HUNDRED, Duration::from_secs(1), &runtime);
    let mut sums = sums.map(|chunk| chunk.len() as u64);
    assert_eq!(pulled(&mut sums, 100), 100);
}

/// A loop inside one shield, of a service that lives long.
#[test]
fn r12_r22_a_shield_keeps_nothing_of_the_scopes_that_have_ended_in_it() {
    let scope = Scope::builder("s").build().unwrap();
    let run = scope.run(async |op: Scope| {
        let turn = |count: usize| {
            for _ in 0..count {
                let inside = op.child("inside").build().unwrap();
                assert!(inside.run(async |_| ()).now_or_never().is_some());
                // One that nobody runs, too.
                drop(op.child("abandoned").build().unwrap());
            }
        };
        let work = async {
            turn(100);
            let info = measure(|| turn(10_000));
            assert!(info.bytes_current.abs() < 1024, "{info:?}");
        };
        op.shield(work).await;
    });
    assert!(run.now_or_never().is_some());
}
