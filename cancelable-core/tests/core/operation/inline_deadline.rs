//! R46: work that checks inline sees a deadline although its run is not polled.

use crate::support::probe::Probe;
use crate::support::{SECOND, builder_on};
use cancelable_core::stream::CancelStreamExt;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::FutureExt;
use cancelable_core::{CancellationToken, Cause, Scope};
use futures_util::{FutureExt as _, StreamExt, stream};
use std::future::{pending, ready};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Each reading of the clock is counted: a millisecond passes with each step.
const STEP: Duration = Duration::from_millis(1);

/// Returns the number of milliseconds after which `step` reports its end, in one poll of a scope of one second.
fn stops_after(step: &impl AsyncFn(&CancellationToken) -> bool) -> u32 {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "sum")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let outcome = scope.run(async |op: Scope| {
        let mut steps = 0;
        while !step(op.token()).await {
            steps += 1;
            assert!(steps < 10_000, "it does not stop");
            manual.advance(STEP);
        }
        steps
    });
    match Probe::new().poll(pin!(outcome)) {
        Poll::Ready(outcome) => {
            assert!(outcome.cause().is_some_and(Cause::is_timeout));
            outcome.into_value().expect("it has counted")
        }
        Poll::Pending => panic!("it is one poll"),
    }
}

#[test]
fn r46_check_of_an_operation_s_token_sees_the_deadline() {
    assert_eq!(stops_after(&async |token| token.check().is_err()), 1000);
    assert_eq!(
        stops_after(&async |token| token.clone().check().is_err()),
        1000
    );
}

#[test]
fn r46_so_do_tokens_that_are_made_of_it() {
    let made: [fn(&CancellationToken) -> CancellationToken; 5] = [
        CancellationToken::child_token,
        |token| token.child_token().child_token(),
        |token| {
            let other = CancellationToken::new();
            CancellationToken::any_of([token, &other]).expect("it has two")
        },
        |token| {
            let other = CancellationToken::new().child_token();
            let any = CancellationToken::any_of([&other, &token.child_token()]);
            any.expect("it has two").child_token()
        },
        |token| CancellationToken::all_of([token, &token.child_token()]).expect("it has two"),
    ];
    for made in made {
        assert_eq!(
            stops_after(&async |token| made(token).check().is_err()),
            1000
        );
    }
}

#[test]
fn r46_run_until_cancelled_around_ready_work_sees_the_deadline() {
    assert_eq!(
        stops_after(&async |token| token.run_until_cancelled(ready(())).await.is_none()),
        1000
    );
    assert_eq!(
        stops_after(&async |token| {
            let token = token.clone();
            token.run_until_cancelled_owned(ready(())).await.is_none()
        }),
        1000
    );
    assert_eq!(
        stops_after(&async |token| ready(()).with_cancellation_token(token).await.is_none()),
        1000
    );
}

#[test]
fn r46_waits_see_the_deadline_when_they_are_polled() {
    let waits = async |token: &CancellationToken| token.cancelled().now_or_never().is_some();
    assert_eq!(stops_after(&waits), 1000);
    let owned =
        async |token: &CancellationToken| token.clone().cancelled_owned().now_or_never().is_some();
    assert_eq!(stops_after(&owned), 1000);
    let blocks = async |token: &CancellationToken| token.wait_timeout(Duration::ZERO);
    assert_eq!(stops_after(&blocks), 1000);
}

#[test]
fn r46_a_stream_until_the_token_is_cancelled_sees_the_deadline() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "sum")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let ready = stream::repeat_with(|| manual.advance(STEP)).take(10_000);
    let outcome = scope.run(async |op: Scope| {
        let mut stream = pin!(ready.until_cancelled(op.token()));
        let mut items = 0;
        while stream.next().await.is_some() {
            items += 1;
        }
        items
    });
    let Poll::Ready(outcome) = Probe::new().poll(pin!(outcome)) else {
        panic!("it is one poll");
    };
    assert_eq!(outcome.into_value(), Some(1000));
}

#[test]
fn r46_a_stream_of_the_operation_with_slow_items_sees_the_deadline_at_once() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "sum")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let ready = stream::repeat_with(|| manual.advance(SECOND / 2)).take(10_000);
    let outcome = scope.run(async |op: Scope| op.stream(ready).count().await);
    let Poll::Ready(outcome) = Probe::new().poll(pin!(outcome)) else {
        panic!("it is one poll");
    };
    assert_eq!(outcome.into_value(), Some(2));
}

#[test]
fn r46_attempts_see_the_deadline() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "sum")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let outcome = scope.run(async |op: Scope| {
        let mut tries = 0;
        let attempt = || op.try_run_until_cancelled(ready(Err::<(), _>("refused")));
        while attempt().await.is_err_and(|error| !error.is_cancelled()) {
            tries += 1;
            manual.advance(SECOND / 10);
        }
        tries
    });
    let Poll::Ready(outcome) = Probe::new().poll(pin!(outcome)) else {
        panic!("it is one poll");
    };
    assert_eq!(outcome.into_value(), Some(10));
}

#[test]
fn r46_the_deadline_of_a_scope_above_and_one_that_moves_are_seen() {
    let manual = ManualRuntime::new();
    let outer = builder_on(&manual, "sum").build().expect("it is sound");
    let outcome = outer.run(async |outer: Scope| {
        let inner = outer
            .child("inner")
            .timeout(100 * SECOND)
            .build()
            .expect("it is sound");
        let token = inner.token().clone();
        let inside = inner.run(async |inner: Scope| {
            assert!(token.check().is_ok());
            // Nearer, above; and then its own.
            outer.set_timeout(2 * SECOND).expect("it is open");
            manual.advance(SECOND);
            assert!(token.check().is_ok());
            outer.set_timeout(100 * SECOND).expect("it is open");
            inner.set_timeout(3 * SECOND).expect("it is open");
            manual.advance(2 * SECOND);
            assert!(token.check().is_ok());
            manual.advance(SECOND);
            assert!(token.check().is_err());
            assert!(!outer.is_cancelled(), "it has time");
        });
        inside.await.cause().is_some_and(Cause::is_timeout)
    });
    let Poll::Ready(outcome) = Probe::new().poll(pin!(outcome)) else {
        panic!("it is one poll");
    };
    assert_eq!(outcome.into_value(), Some(true));
    assert!(!outer.is_cancelled());
}

/// A scope that is cancelled by the token of an operation that it is no part of.
fn linked(to: &CancellationToken, runtime: Option<&ManualRuntime>) -> Scope {
    let mut builder = Scope::builder("linked").detached().token(to);
    if let Some(manual) = runtime {
        builder = builder.runtime(&manual.handle());
    }
    builder.build().expect("it is sound")
}

/// In one poll, so that nothing but the questions of the work itself looks at a clock.
fn in_one_poll(scope: &Scope, body: impl FnOnce(&Scope)) {
    let mut run = pin!(scope.run(|op| {
        body(&op);
        ready(())
    }));
    assert!(Probe::new().poll(run.as_mut()).is_ready());
}

#[test]
fn r46_a_scope_that_is_linked_to_an_operation_looks_at_the_clock_of_that() {
    type Asks = fn(&Scope) -> bool;
    let asks: [Asks; 4] = [
        |op| op.check().is_err(),
        |op| op.token().check().is_err(),
        |op| {
            op.child("below")
                .build()
                .is_ok_and(|below| below.check().is_err())
        },
        |op| {
            let stream = op.stream(stream::iter(0..1));
            stream.collect::<Vec<_>>().now_or_never() == Some(Vec::new())
        },
    ];
    for ask in asks {
        for has_runtime in [true, false] {
            for is_joined in [true, false] {
                let manual = ManualRuntime::new();
                let outer = builder_on(&manual, "sum")
                    .timeout(SECOND)
                    .build()
                    .expect("it is sound");
                in_one_poll(&outer, |op| {
                    let other = CancellationToken::new();
                    let runtime = has_runtime.then_some(&manual);
                    let inner = match is_joined {
                        false => linked(op.token(), runtime),
                        true => {
                            let builder = Scope::builder("joined").detached();
                            let builder = builder.token(&other).token(op.token());
                            builder.build().expect("it is sound")
                        }
                    };
                    in_one_poll(&inner, |inner| {
                        assert!(!ask(inner), "it has time");
                        manual.advance(SECOND);
                        assert!(ask(inner));
                        assert!(inner.cause().is_some_and(|cause| cause.is_timeout()));
                    });
                });
                assert!(outer.is_cancelled());
            }
        }
    }
}

#[test]
fn r12_r46_a_long_line_of_linked_scopes_looks_on_a_small_stack() {
    let work = || {
        let manual = ManualRuntime::new();
        let outer = builder_on(&manual, "sum")
            .timeout(SECOND)
            .build()
            .expect("it is sound");
        let mut line = vec![outer];
        for _ in 0..20_000 {
            let last = line.last().expect("there is one").token().clone();
            line.push(linked(&last, None));
        }
        let mut run = pin!(line[0].run(|_| pending::<()>()));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        let last = line.last().expect("there is one");
        assert!(last.check().is_ok() && last.token().check().is_ok());
        manual.advance(SECOND);
        assert!(last.token().check().is_err());
    };
    let thread = std::thread::Builder::new()
        .stack_size(128 * 1024)
        .spawn(work);
    thread.expect("it starts").join().expect("it ends");
}

#[test]
fn r46_a_timeout_counts_from_entry_for_a_token_that_was_asked_before() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "sum")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let token = scope.token().child_token();
    assert!(token.check().is_ok());
    manual.advance(10 * SECOND);
    assert!(token.check().is_ok(), "it has not begun");
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    assert!(token.check().is_ok());
    manual.advance(SECOND);
    assert!(token.check().is_err());
}

#[test]
fn r05_is_cancelled_looks_at_no_clock() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "sum")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    let token = scope.token().clone();
    assert!(token.check().is_ok());
    manual.advance(2 * SECOND);
    assert!(!token.is_cancelled());
    assert!(token.check().is_err());
    assert!(token.is_cancelled());
}

#[test]
fn r46_the_deadline_of_a_scope_that_has_ended_binds_its_token_no_more() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "sum")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let token = scope.token().clone();
    assert!(manual.block_on(scope.run(async |_| ())).is_completed());
    let before = token.reason();
    manual.advance(2 * SECOND);
    let _ = token.check();
    assert_eq!(token.reason(), before);
    // Nor does a handle keep what has gone.
    drop(scope);
    let _ = token.check();
    assert_eq!(token.reason(), before);
}
