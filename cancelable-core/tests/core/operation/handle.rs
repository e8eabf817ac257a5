//! The record of an operation: how code finds it, what it reports, and what remains after its end.

use crate::support::log_lines::lines_of;
use crate::support::probe::Probe;
use crate::support::{SECOND, open};
use cancelable_core::cause::OperationLabel;
use cancelable_core::registry::Filter;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Cause, Operation, Reason, Registry, Scope, Status};
use cancelable_core::{current, source};
use log::Level;
use std::future::{pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

fn current_name() -> Option<String> {
    current().map(|operation| operation.name().to_owned())
}

/// Polls once with `act` and then never completes.
async fn act_and_wait(act: impl FnOnce()) {
    act();
    pending::<()>().await;
}

#[test]
fn r27_outside_a_run_there_is_no_current_operation() {
    assert!(current().is_none());
    let scope = open("idle");
    assert!(current().is_none(), "an open scope is not a running one");
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    assert!(current().is_none(), "between two polls nothing runs");
}

#[test]
fn r27_the_innermost_operation_is_current_and_the_outer_one_comes_back() {
    let outer = open("outer");
    let seen = ManualRuntime::new().block_on(outer.run(|op| async move {
        let before = current_name();
        let inner = op.child("inner").build().expect("it needs no runtime");
        let inside = inner.run(|_| async { current_name() }).await.into_value();
        (before, inside.flatten(), current_name())
    }));
    let names = ("outer", "inner", "outer");
    let expected = (
        Some(names.0.into()),
        Some(names.1.into()),
        Some(names.2.into()),
    );
    assert_eq!(seen.into_value(), Some(expected));
}

#[test]
fn r27_the_closure_the_sources_and_the_drop_of_a_body_run_inside_too() {
    type Notes = mpsc::Sender<(&'static str, Option<String>)>;
    struct NotesAtDrop(Notes);
    impl Drop for NotesAtDrop {
        fn drop(&mut self) {
            let _ = self.0.send(("drop", current_name()));
        }
    }
    let (notes, noted) = mpsc::channel();
    let (in_source, in_closure) = (notes.clone(), notes.clone());
    let watch = poll_fn(move |_| {
        let _ = in_source.send(("source", current_name()));
        Poll::<()>::Pending
    });
    let scope = Scope::builder("s").source(source::future(watch));
    let scope = scope.build().expect("it is sound");
    let guard = NotesAtDrop(notes);
    let mut run = Box::pin(scope.run(move |_| {
        let _ = in_closure.send(("closure", current_name()));
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    drop(run);
    let s = || Some("s".to_owned());
    let noted: Vec<_> = noted.try_iter().collect();
    let expected = [
        ("source", s()),
        ("closure", s()),
        ("source", s()),
        ("drop", s()),
    ];
    assert_eq!(
        noted, expected,
        "a source is polled at entry and then beside the body"
    );
}

#[test]
fn r27_a_panic_puts_the_outer_operation_back() {
    let outer = open("outer");
    let name = ManualRuntime::new().block_on(outer.run(|op| async move {
        let inner = op.child("inner").build().expect("it needs no runtime");
        let run = inner.run(|_| async { panic!("on purpose") });
        let mut run = pin!(run);
        let probe = Probe::new();
        let caught = catch_unwind(AssertUnwindSafe(|| probe.poll(run.as_mut())));
        assert!(caught.is_err());
        current_name()
    }));
    assert_eq!(name.into_value().flatten().as_deref(), Some("outer"));
    assert!(current().is_none());
}

#[test]
fn r27_it_follows_a_run_from_thread_to_thread() {
    let scope = open("wanderer");
    let mut run = Box::pin(scope.run(|_| async {
        let mut names = Vec::new();
        for _ in 0..3 {
            names.push((thread::current().id(), current_name()));
            yield_once().await;
        }
        names
    }));
    for _ in 0..3 {
        run = thread::spawn(move || {
            assert!(Probe::new().poll(run.as_mut()).is_pending());
            assert!(current().is_none());
            run
        })
        .join()
        .expect("the thread polls once");
    }
    let Poll::Ready(outcome) = Probe::new().poll(run.as_mut()) else {
        panic!("three yields were polled");
    };
    let names = outcome.into_value().expect("nothing cancelled it");
    assert!(
        names
            .iter()
            .all(|(_, name)| name.as_deref() == Some("wanderer"))
    );
    assert!(
        names[0].0 != names[1].0 && names[1].0 != names[2].0,
        "each poll had its own thread"
    );
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|_| match std::mem::replace(&mut yielded, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

#[test]
fn a_scope_is_a_part_of_the_operation_it_is_built_in_unless_detached() {
    let outer = open("outer");
    let mut run = pin!(outer.run(|op| act_and_wait(move || {
        let implied = open("implied");
        assert_eq!(implied.parent(), Some(op.label()));
        let detached = Scope::builder("detached")
            .detached()
            .build()
            .expect("it is sound");
        assert_eq!(detached.parent(), None);
        op.cancel();
        assert!(implied.is_cancelled());
        assert!(!detached.is_cancelled());
    })));
    assert!(
        Probe::new().poll(run.as_mut()).is_ready(),
        "the body cancelled its own scope"
    );
}

#[test]
fn it_says_what_it_is_and_where_it_was_opened() {
    let line = line!() + 1;
    let scope = Scope::builder(format!("import {}", 7))
        .build()
        .expect("it needs no runtime");
    let operation: Operation = scope.operation().clone();
    assert_eq!(operation.name(), "import 7");
    assert_eq!(operation.location().line(), line);
    assert_eq!(operation.status(), Status::Pending);
    assert_eq!(operation.elapsed(), None);
    assert_ne!(operation.id(), open("other").id());
    assert_eq!(operation.label().to_string(), "import 7");
    assert_eq!(operation.id(), operation.label().id());
}

#[test]
fn r34_start_end_and_duration_come_from_the_runtime() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = Scope::builder("s")
        .runtime(&runtime)
        .build()
        .expect("it has a runtime");
    manual.advance(SECOND);
    let started = manual.now();
    let outcome = manual.block_on(scope.run(|op| async move {
        assert_eq!(op.status(), Status::Running);
        runtime.sleep(2 * SECOND).await;
        assert_eq!(op.elapsed(), Some(2 * SECOND));
    }));
    assert_eq!(outcome.elapsed(), Some(2 * SECOND));
    manual.advance(SECOND);
    assert_eq!(scope.started_at(), Some(started));
    assert_eq!(scope.ended_at(), Some(started + 2 * SECOND));
    assert_eq!(scope.elapsed(), Some(2 * SECOND));
}

#[test]
fn r02_a_cancel_by_the_handle_says_who_where_and_when() {
    let manual = ManualRuntime::new();
    let victim = Scope::builder("victim")
        .runtime(&manual.handle())
        .build()
        .expect("it is sound");
    manual.advance(5 * SECOND);
    let line = line!() + 2;
    let outcome = manual.block_on(open("killer").run(|_| {
        let first = victim.cancel_with(Reason::Requested);
        let second = victim.cancel_with("too late");
        ready((first, second))
    }));
    assert_eq!(outcome.into_value(), Some((true, false)));
    let cause = victim.cause().expect("it was cancelled");
    assert_eq!(cause.reason(), &Reason::Requested);
    assert_eq!(cause.message(), None);
    assert_eq!(
        (cause.location().file(), cause.location().line()),
        (file!(), line)
    );
    assert_eq!(cause.operation().map(|label| label.name()), Some("killer"));
    assert_eq!(cause.time(), Some(manual.now()));
}

#[test]
fn r12_a_long_line_of_ancestors_is_dropped_on_a_small_stack() {
    let deep = thread::Builder::new().stack_size(128 * 1024).spawn(|| {
        let probe = Probe::new();
        let mut innermost = open("root");
        for _ in 0..100_000 {
            let child = innermost
                .child("child")
                .build()
                .expect("it needs no runtime");
            let mut run = pin!(innermost.run(|_| ready(())));
            assert!(probe.poll(run.as_mut()).is_ready());
            innermost = child;
        }
        drop(innermost);
    });
    deep.expect("a thread starts").join().expect("no overflow");
}

#[test]
fn state_changes_are_logged_at_debug_with_their_names() {
    let lines = lines_of(|| {
        let scope = open("logged");
        scope.cancel_with("enough");
        let mut run = pin!(scope.run(|_| pending::<()>()));
        assert!(Probe::new().poll(run.as_mut()).is_ready());
    });
    let statuses: Vec<_> = lines
        .iter()
        .filter_map(|line| line.status.as_deref())
        .collect();
    assert_eq!(statuses, ["pending", "running", "cancelled"]);
    assert!(
        lines.iter().all(|line| line.level == Level::Debug),
        "{lines:?}"
    );
    // The token, which has no name, logs a line of its own.
    let (_, lines): (Vec<_>, Vec<_>) = lines
        .into_iter()
        .partition(|line| line.text.starts_with("token "));
    assert!(
        lines
            .iter()
            .all(|line| line.operation.as_deref() == Some("logged")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.text.contains("cancel requested: enough")),
        "{lines:?}"
    );
}

#[test]
fn r02_a_cause_that_was_given_a_time_has_the_operation_that_runs() {
    let manual = ManualRuntime::new();
    let (timed, again) = (CancellationToken::new(), CancellationToken::new());
    let outside = CancellationToken::new();
    outside.cancel();
    let at = manual.now() + SECOND;
    let outcome = manual.block_on(open("outer").run(async |_| {
        timed.cancel_with(Cause::new(Reason::Requested).with_time(at));
        // It has been decided outside, and is passed on here.
        again.cancel_with(outside.cause().expect("it is cancelled"));
    }));
    assert!(outcome.is_completed());
    let cause = timed.cause().expect("it is cancelled");
    assert_eq!(cause.operation().map(OperationLabel::name), Some("outer"));
    assert_eq!(cause.time(), Some(at));
    let cause = again.cause().expect("it is cancelled");
    assert_eq!(cause.operation(), None);
    assert_eq!(cause.time(), outside.cancelled_at());
}

#[test]
fn r06_r09_a_callback_may_cancel_its_operation_again() {
    let registry = Registry::new();
    let scope = Scope::builder("s").register_in(&registry).build();
    let scope = scope.expect("it needs no runtime");
    let leaf = scope.token().child_token().child_token();
    let (answers, told) = mpsc::channel();
    for token in [scope.token(), &leaf] {
        let (operation, registry, leaf) =
            (scope.operation().clone(), registry.clone(), leaf.clone());
        let answers = answers.clone();
        let callback = move |_: &Cause| {
            let again = [
                operation.cancel_with(Reason::Requested),
                operation.cancel_now("now"),
                registry.cancel(operation.id()).is_cancelled(),
                registry.cancel_all(&Filter::new()) > 0,
            ];
            answers
                .send((again, leaf.is_cancelled()))
                .expect("it is heard");
        };
        token.on_cancel(callback).detach();
    }
    assert!(scope.cancel_with(Reason::Requested));
    drop(answers);
    assert_eq!(told.iter().collect::<Vec<_>>(), [([false; 4], true); 2]);
}
