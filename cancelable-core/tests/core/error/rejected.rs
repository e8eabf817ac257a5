//! Rejections: each reason with its predicate, its text, its kind of `io::Error`, and the returned value.

use crate::support::{SECOND, open, open_on};
use cancelable_core::error::Rejected;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Cancelled, Reason as CancelReason, Scope, scope};
use std::error::Error;
use std::fmt::Debug;
use std::future::{pending, ready};
use std::io;
use std::sync::mpsc;

const NO_RUNTIME: &str = "it has no runtime; build it with one";

/// The reason that the predicates of a rejection name.
#[derive(Debug, PartialEq)]
enum Reason {
    Pending,
    Ended,
    Cancelled,
    NoRuntime,
    InUse,
    OtherType,
}

/// The expected properties of a rejection by the scope `import`.
struct Expected {
    request: &'static str,
    reason: Reason,
    /// The end of the text, or its beginning where the text ends in a place in the source.
    text: &'static str,
    kind: io::ErrorKind,
}

/// Checks a rejection, and returns the value that came back through an `io::Error`.
#[track_caller]
fn checked<T: Send + 'static>(rejected: Rejected<T>, expected: &Expected) -> T {
    let is = [
        (rejected.is_pending(), Reason::Pending),
        (rejected.is_ended(), Reason::Ended),
        (rejected.is_cancelled(), Reason::Cancelled),
        (rejected.is_without_runtime(), Reason::NoRuntime),
        (rejected.is_in_use(), Reason::InUse),
        (rejected.is_other_type(), Reason::OtherType),
    ];
    let reasons: Vec<_> = is.into_iter().filter(|(is, _)| *is).collect();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert_eq!(reasons[0].1, expected.reason);
    let is_cancelled = expected.reason == Reason::Cancelled;
    assert_eq!(rejected.cancellation().is_some(), is_cancelled);
    assert_eq!(rejected.operation().name(), "import");
    let (text, request) = (rejected.to_string(), expected.request);
    let start = format!("scope import rejected {request}: {}", expected.text);
    match is_cancelled {
        true => assert!(text.starts_with(&start), "{text}"),
        false => assert_eq!(text, start),
    }
    assert!(rejected.source().is_none(), "the text has the reason");
    let debug = format!("{rejected:#?}");
    assert!(
        debug.contains("Rejected") && debug.contains(request),
        "{debug}"
    );
    let error = io::Error::from(rejected);
    assert_eq!((error.kind(), error.to_string()), (expected.kind, text));
    let inner = error.into_inner().expect("the rejection");
    let inner = inner.downcast::<Rejected<T>>();
    inner.expect("the same type").into_inner()
}

#[track_caller]
fn rejection<V, T>(result: Result<V, Rejected<T>>) -> Rejected<T> {
    result.err().expect("a rejection")
}

#[test]
fn r25_r29_a_rejection_names_its_scope_and_reason_and_returns_the_value() {
    use io::ErrorKind::{Other, TimedOut};
    let manual = ManualRuntime::new();
    let expect = |request, reason, text, kind| Expected {
        request,
        reason,
        text,
        kind,
    };
    let child = |reason, text| expect("a child", reason, text, Other);

    let pending = open_on(&manual, "import");
    let expected = child(
        Reason::Pending,
        "it has not started; call this inside its run",
    );
    let future = checked(rejection(pending.spawn(ready(1))), &expected);
    assert_eq!(manual.block_on(future), 1);
    let closure = checked(rejection(pending.spawn_blocking(|_| 2)), &expected);
    assert_eq!(closure(CancellationToken::new()), 2);

    // Rejected after the end.
    assert!(manual.block_on(pending.run(|_| ready(()))).is_completed());
    let ended = pending;
    let over = "it has ended (completed)";
    let future = checked(
        rejection(ended.spawn(ready(3))),
        &child(Reason::Ended, over),
    );
    assert_eq!(manual.block_on(future), 3);
    let rejected = rejection(ended.defer(ready(())));
    let expected = expect("a finalizer", Reason::Ended, over, Other);
    manual.block_on(checked(rejected, &expected));
    checked(
        rejection(ended.hold()),
        &expect("a hold", Reason::Ended, over, Other),
    );
    checked(
        rejection(ended.set_timeout(SECOND)),
        &expect("a new deadline", Reason::Ended, over, Other),
    );

    // Rejected by a scope whose children have been joined, while a finalizer runs.
    let ending = open_on(&manual, "import");
    let (sender, rejections) = mpsc::channel();
    let handle = ending.clone();
    let outcome = manual.block_on(ending.run(async move |op| {
        let late = async move {
            let rejected = rejection(handle.spawn(ready(4)));
            sender.send(rejected).expect("the test receives it");
        };
        assert!(op.defer(late).is_ok());
    }));
    assert!(outcome.is_completed());
    let rejected = rejections.recv().expect("the finalizer has run");
    let text = "its body and its children have ended";
    assert_eq!(
        manual.block_on(checked(rejected, &child(Reason::Ended, text))),
        4
    );

    // Rejected by a cancelled scope. The kind is that of the cancellation.
    let stopped = open_on(&manual, "import");
    stopped.cancel_with("enough");
    let text = "import cancelled: cancel requested: enough (at ";
    let rejected = rejection(stopped.set_timeout(SECOND));
    assert_eq!(
        rejected.cancellation().and_then(|it| it.cause().message()),
        Some("enough")
    );
    checked(
        rejected,
        &expect("a new deadline", Reason::Cancelled, text, Other),
    );
    let timed_out = open_on(&manual, "import");
    let outcome = manual.block_on(timed_out.run(async |op| {
        op.set_timeout(std::time::Duration::ZERO)?;
        Ok::<_, Rejected>(rejection(op.spawn(ready(5))))
    }));
    let rejected = outcome
        .into_value()
        .expect("the body has ended")
        .expect("it may set a limit");
    assert!(rejected.cancellation().is_some_and(Cancelled::is_timeout));
    let text = "import cancelled after 0 s: timed out (limit 0 s, ";
    let expected = expect("a child", Reason::Cancelled, text, TimedOut);
    assert_eq!(manual.block_on(checked(rejected, &expected)), 5);

    // Rejected for want of a runtime.
    let timeless = open("import");
    let none = |request| expect(request, Reason::NoRuntime, NO_RUNTIME, Other);
    checked(
        rejection(timeless.set_deadline(manual.now())),
        &none("a new deadline"),
    );
    let shield = timeless.shield(ready(6)).within(SECOND);
    assert_eq!(
        manual.block_on(checked(rejection(shield), &none("a limit for a shield"))),
        6
    );
    let hook = rejection(timeless.on_progress_every(SECOND, |_| ()));
    let _hook = checked(hook, &none("an interval for a progress hook"));
    let outcome = manual.block_on(timeless.run(async |op| rejection(op.spawn(ready(7)))));
    let rejected = outcome.into_value().expect("the body has ended");
    assert_eq!(manual.block_on(checked(rejected, &none("a child"))), 7);

    // Rejected by the partial result.
    let update = "an update of its partial result";
    let counted = open("import");
    counted.partial().set(8_u64);
    let rejected = rejection(counted.partial().update(|rows: &mut Vec<u8>| rows.len()));
    let text = "it is of type u64, not alloc::vec::Vec<u8>";
    let closure = checked(rejected, &expect(update, Reason::OtherType, text, Other));
    assert_eq!(closure(&mut vec![1]), 1);
    let inner = |number: &mut u64| *number;
    let outer = |_: &mut u64| rejection(counted.partial().update(inner));
    let Ok(rejected) = counted.partial().update(outer) else {
        panic!("the outer update runs");
    };
    let text = "another update is in progress";
    let closure = checked(rejected, &expect(update, Reason::InUse, text, Other));
    assert_eq!(closure(&mut 9), 9);
}

#[test]
fn r24_r29_a_rejection_without_its_value_keeps_its_reason_and_its_text() {
    let rejected = rejection(open("import").spawn_blocking(|_| 7));
    assert!(!rejected.is_timeout());
    let text = rejected.to_string();
    let rejected: scope::Rejected = rejected.without_value();
    assert!(rejected.is_pending());
    assert_eq!(rejected.to_string(), text);

    let stopped = open("import");
    stopped.cancel_with(CancelReason::DeadlineReached);
    let rejected = rejection(stopped.set_timeout(SECOND)).without_value();
    assert!(rejected.is_timeout() && rejected.is_cancelled());
}

#[test]
fn r20_r24_the_errors_of_a_child_and_of_a_run_tell_that_time_ran_out() {
    let manual = ManualRuntime::new();
    for (reason, is_timeout) in [
        (CancelReason::DeadlineReached, true),
        (CancelReason::Requested, false),
    ] {
        let scope = open_on(&manual, "import");
        let outcome = manual.block_on(scope.run(async |op: Scope| {
            let child = op.spawn(pending::<()>()).expect("it is running");
            child.operation().cancel_with(reason.clone());
            let error = child.await.expect_err("it was cancelled");
            assert_eq!(error.is_timeout(), is_timeout);
            op.cancel_with(reason.clone());
            pending::<()>().await;
        }));
        let error = outcome.into_result().expect_err("it was cancelled");
        assert_eq!(error.is_timeout(), is_timeout);
    }
}
