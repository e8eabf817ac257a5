//! The end of a scope, seen by code that still has its token, its operation or a builder.

use crate::support::probe::Probe;
use crate::support::{SECOND, open};
use cancelable_core::operation::Hooks;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Outcome, Reason, Registry, Scope, Status};
use futures_util::future::join;
use parking_lot::Mutex;
use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

fn complete(scope: &Scope) -> Outcome<()> {
    let mut run = pin!(scope.run(|_| ready(())));
    match Probe::new().poll(run.as_mut()) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("its body is ready"),
    }
}

#[test]
fn r02_r34_a_cancel_of_what_has_ended_is_refused_and_changes_nothing() {
    let server = CancellationToken::new();
    for token in [None, Some(server)] {
        let builder = Scope::builder("import");
        let builder = match &token {
            Some(token) => builder.token(token),
            None => builder,
        };
        let scope = builder.build().expect("it is sound");
        let outcome = complete(&scope);
        assert!(
            !scope.cancel_with(Reason::Requested)
                && !scope.cancel_with("late")
                && !scope.cancel_now("late")
        );
        scope.cancel();
        if let Some(token) = token {
            token.cancel_with("the server stops");
        }
        assert!(outcome.is_completed() && outcome.cause().is_none());
        assert!(!scope.is_cancelled() && scope.cause().is_none());
        assert_eq!(scope.status(), Status::Completed);
        assert!(scope.grace_remaining().is_none());
    }
}

#[test]
fn r34_what_was_cancelled_before_its_end_keeps_that_cause() {
    let scope = open("import");
    let outcome = {
        let mut run = pin!(scope.run(|op| async move {
            op.cancel_with("enough");
        }));
        match Probe::new().poll(run.as_mut()) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("its body is ready"),
        }
    };
    assert!(outcome.is_completed());
    assert!(!scope.cancel_with("late"));
    assert_eq!(scope.cause().unwrap().message(), Some("enough"));
    assert_eq!(scope.token().message().as_deref(), Some("enough"));
}

#[test]
fn r14_r28_the_token_of_a_scope_that_has_ended_lets_nobody_wait_and_changes_no_record() {
    let manual = ManualRuntime::new();
    let registry = Registry::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let mut events = registry.events();
    let hooks = {
        let asked = Arc::clone(&asked);
        Hooks::new().on_cancel_requested(move |_, _| {
            asked.fetch_add(1, Ordering::SeqCst);
        })
    };
    let scope = Scope::builder("import")
        .runtime(&manual.handle())
        .register_in(&registry)
        .hooks(hooks)
        .watchdog(SECOND)
        .grace(SECOND)
        .build()
        .expect("it has a runtime");
    let token = scope.token().clone();
    let probe = Probe::new();
    let mut by_token = pin!(token.cancelled());
    let mut by_operation = pin!(scope.cancelled());
    assert!(probe.poll(by_token.as_mut()).is_pending());
    assert!(probe.poll(by_operation.as_mut()).is_pending());
    let below = token.child_token();
    let outcome = complete(&scope);
    assert_eq!(probe.wakes(), 2);
    assert!(probe.poll(by_token.as_mut()).is_ready());
    assert!(probe.poll(by_operation.as_mut()).is_ready());
    let cause = below.cause().expect("it is cancelled with the token");
    assert_eq!(cause.reason(), &Reason::ScopeEnded);
    assert_eq!(cause.operation(), Some(scope.label()));
    assert!(
        cause
            .to_string()
            .starts_with("scope import has ended (opened at ")
    );
    let check = scope.check().expect_err("nobody is to go on for it");
    assert_eq!(check.reason(), &Reason::ScopeEnded);

    assert!(outcome.is_completed() && outcome.cause().is_none());
    assert!(!scope.is_cancelled() && scope.cause().is_none());
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let statistics = registry.statistics();
    assert_eq!(
        (
            statistics.count(Status::Completed),
            statistics.count(Status::Cancelled)
        ),
        (1, 0)
    );
    let told = std::iter::from_fn(|| events.try_next()).map(|event| event.as_str());
    assert_eq!(told.collect::<Vec<_>>(), ["opened", "started", "ended"]);
}

#[test]
fn r14_a_token_that_is_asked_for_after_the_end_is_cancelled_too() {
    for with_token in [false, true] {
        let above = CancellationToken::new();
        let builder = Scope::builder("import");
        let builder = match with_token {
            true => builder.token(&above),
            false => builder,
        };
        let scope = builder.build().expect("it is sound");
        drop(complete(&scope));
        assert_eq!(scope.token().reason(), Some(Reason::ScopeEnded));
        assert!(scope.cause().is_none());
    }
    let abandoned = open("import").operation().clone();
    assert_eq!(abandoned.status(), Status::NeverRun);
    assert_eq!(abandoned.token().reason(), Some(Reason::ScopeEnded));
}

#[test]
fn r20_what_goes_on_inside_an_ended_scope_is_not_cut_by_that_and_is_by_a_cancel_from_above() {
    let above = CancellationToken::new();
    let handler = Scope::builder("handler").token(&above).build().unwrap();
    let body = handler.child("body").build().unwrap();
    let token = handler.token().clone();
    let probe = Probe::new();
    let mut sending = pin!(body.run(|_| pending::<()>()));
    assert!(probe.poll(sending.as_mut()).is_pending());
    assert!(complete(&handler).is_completed());
    assert!(probe.poll(sending.as_mut()).is_pending());
    assert!(!token.is_cancelled(), "something inside has not ended");
    above.cancel_with("the server stops");
    let Poll::Ready(outcome) = probe.poll(sending.as_mut()) else {
        panic!("it is cancelled");
    };
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.cause().unwrap().message(), Some("the server stops"));
    assert!(handler.cause().is_none(), "it had ended before");

    let handler = open("handler");
    let body = handler.child("body").build().unwrap();
    let token = handler.token().clone();
    assert!(complete(&handler).is_completed());
    assert!(!token.is_cancelled());
    assert!(complete(&body).is_completed());
    assert_eq!(
        token.reason(),
        Some(Reason::ScopeEnded),
        "the last inside has ended"
    );
}

#[test]
fn r25_r29_a_scope_that_has_ended_gets_no_part_any_more() {
    let scope = open("import");
    assert!(complete(&scope).is_completed());
    let child = scope.child("part").build();
    for built in [child, Scope::builder("part").parent(&scope).build()] {
        let error = built.expect_err("it has ended");
        assert!(error.is_parent_ended());
        assert_eq!(
            error.to_string(),
            "scope part cannot be built inside scope import, which has ended (completed): build it \
             earlier, or `detached()`"
        );
    }
    let error = Scope::builder("part").timeout(SECOND).build().unwrap_err();
    assert!(!error.is_parent_ended());
}

#[test]
fn r27_what_a_hook_of_an_end_opens_is_a_part_of_what_has_not_ended() {
    let found = Arc::new(Mutex::new(Vec::new()));
    let report = {
        let found = Arc::clone(&found);
        Hooks::new().on_end(move |_| {
            let report = Scope::builder("report").build().expect("it is sound");
            found
                .lock()
                .push(report.parent().map(|label| label.name().to_owned()));
            assert!(complete(&report).is_completed());
        })
    };
    let outer = open("outer");
    let mut run = pin!(outer.run(|op| async move {
        let inner = op
            .child("inner")
            .hooks(report)
            .build()
            .expect("it is sound");
        inner.run(|_| ready(())).await.is_completed()
    }));
    assert!(Probe::new().poll(run.as_mut()).is_ready());
    assert_eq!(*found.lock(), [Some("outer".to_owned())]);
}

#[test]
fn r23_to_spawn_is_no_look_at_the_token() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("crawl")
        .runtime(&manual.handle())
        .grace(SECOND)
        .build()
        .expect("it has a runtime");
    let runtime = manual.handle();
    let outcome = manual.block_on(async {
        let body = scope.run(|op| async move {
            op.spawn(ready(()))
                .expect("it is running")
                .await
                .expect("it has ended");
            pending::<()>().await;
        });
        let cancel = async {
            runtime.sleep(SECOND).await;
            scope.cancel();
        };
        join(body, cancel).await.0
    });
    let [straggler] = outcome.stragglers() else {
        panic!("{:?}", outcome.stragglers());
    };
    assert_eq!(straggler.checked_ago(), None, "nobody has asked");
}

#[test]
fn r14_a_task_that_was_handed_the_token_ends_with_the_scope() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = Scope::builder("serve").runtime(&runtime).build().unwrap();
    let token = scope.token().clone();
    let task = runtime.spawn(async move { token.run_until_cancelled(pending::<()>()).await });
    let joined = manual.block_on(async {
        assert!(scope.run(|_| ready(())).await.is_completed());
        task.await
    });
    assert_eq!(joined.expect("it is not lost"), None);
}

#[test]
fn r12_a_callback_at_its_own_token_need_not_keep_an_operation() {
    let scope = open("import");
    let weak = scope.downgrade();
    let registration = {
        let weak = weak.clone();
        scope.token().on_cancel(move |_| drop(weak.upgrade()))
    };
    assert_eq!(
        weak.upgrade().map(|operation| operation.id()),
        Some(scope.id())
    );
    assert!(complete(&scope).is_completed());
    drop(scope);
    assert!(weak.upgrade().is_none());
    drop(registration);
}
