//! A body that stops for a cancel by an error of its own is cancelled, wherever it runs and whatever type contains
//! the error. A body that fails at that time for another reason has failed.

use crate::support::log_lines::lines_of;
use crate::support::open_on;
use cancelable_core::io::UntilCancelled;
use cancelable_core::operation::Hooks;
use cancelable_core::scope::RunError;
use cancelable_core::stream::CancellableStream;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Cancelled, Cause, Reason, Registry, Scope, Status};
use futures_util::{AsyncReadExt, FutureExt, StreamExt, stream};
use parking_lot::Mutex;
use std::error::Error;
use std::fmt::{self, Debug};
use std::future::{pending, ready};
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

type BoxError = Box<dyn Error + Send + Sync>;

/// An error that does not show its inner error, as a transparent error does.
#[derive(Debug)]
enum Import {
    Stopped(Cancelled),
    Full,
}

impl From<Cancelled> for Import {
    fn from(cancelled: Cancelled) -> Self {
        Self::Stopped(cancelled)
    }
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(cancelled) => fmt::Display::fmt(cancelled, f),
            Self::Full => f.write_str("the disk is full"),
        }
    }
}

impl Error for Import {}

/// Cancels the scope and asks it.
fn stop(op: &Scope) -> Result<(), Cancelled> {
    op.cancel_with("the operator");
    op.check()
}

#[track_caller]
fn is_cancelled<E: Debug + 'static>(
    manual: &ManualRuntime,
    body: impl FnOnce(&Scope) -> Result<(), E>,
) {
    let registry = Registry::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (cancelled, failed) = (Arc::clone(&told), Arc::clone(&told));
    let hooks = Hooks::new()
        .on_cancelled(move |_, cause| {
            cancelled
                .lock()
                .push(cause.message().unwrap_or("-").to_owned());
        })
        .on_failed(move |_, error| failed.lock().push(format!("failed: {error}")));
    let builder = Scope::builder("import").runtime(&manual.handle());
    let scope = builder
        .hooks(hooks)
        .register_in(&registry)
        .build()
        .expect("it is sound");
    let outcome = manual.block_on(scope.try_run(async |op| body(&op)));
    assert_eq!(
        (outcome.status(), scope.status()),
        (Status::Cancelled, Status::Cancelled)
    );
    assert!(outcome.is_cancelled() && !outcome.is_completed() && !outcome.is_timeout());
    assert_eq!(*told.lock(), ["the operator"]);
    let statistics = registry.statistics();
    assert_eq!(
        (
            statistics.count(Status::Cancelled),
            statistics.count(Status::Failed)
        ),
        (1, 0)
    );
    assert_eq!(scope.error(), None);
    let error = outcome.into_result().expect_err("it has no value");
    assert!(error.is_cancelled(), "{error:?}");
    assert_eq!(
        error.cause().and_then(|cause| cause.message()),
        Some("the operator")
    );
    assert_eq!(
        error
            .cancellation()
            .and_then(|it| it.operation())
            .map(|it| it.name()),
        Some("import")
    );
    assert!(error.into_failed().is_ok(), "the error of the body is kept");
}

#[test]
fn r18_a_body_that_says_that_it_has_stopped_is_cancelled_whatever_says_so() {
    let manual = ManualRuntime::new();
    is_cancelled::<Cancelled>(&manual, stop);
    is_cancelled::<BoxError>(&manual, |op| Ok(stop(op)?));
    is_cancelled::<io::Error>(&manual, |op| Ok(stop(op)?));
    is_cancelled::<Import>(&manual, |op| Ok(stop(op)?));
    is_cancelled::<Arc<Cancelled>>(&manual, |op| stop(op).map_err(Arc::new));
    is_cancelled::<(u8, Option<Cancelled>)>(&manual, |op| stop(op).map_err(|it| (7, Some(it))));
    is_cancelled::<Cancelled>(&manual, |op| {
        op.cancel_with("the operator");
        op.token().child_token().check()
    });
    // A `Cancelled` from a check on a thread without a current operation.
    is_cancelled::<Cancelled>(&manual, |op| {
        op.cancel_with("the operator");
        let (operation, token) = (op.operation().clone(), op.token().clone());
        let elsewhere = thread::spawn(move || token.check().and(operation.check()));
        elsewhere.join().expect("it does not panic")
    });
    is_cancelled::<Cancelled>(&manual, |op| {
        op.cancel_with("the operator");
        let token = op.token().clone();
        thread::spawn(move || token.check())
            .join()
            .expect("it does not panic")
    });
}

#[test]
fn r41_r43_what_a_stream_or_a_reader_says_of_the_cut_is_the_cancel() {
    let manual = ManualRuntime::new();
    let cut = manual.block_on(open_on(&manual, "sum").try_run(async |op: Scope| {
        let mut numbers = op.stream(stream::iter(1..).inspect(|&it| {
            if it == 3 {
                op.cancel();
            }
        }));
        while numbers.next().await.is_some() {}
        numbers.cancellation().map_or(Ok(()), Err)
    }));
    assert_eq!(cut.status(), Status::Cancelled);
    let read = manual.block_on(open_on(&manual, "read").try_run(async |op: Scope| {
        op.cancel();
        let mut reader = UntilCancelled::new(futures_util::io::Cursor::new("text"), &op);
        reader.read_to_end(&mut Vec::new()).await.map(drop)
    }));
    assert_eq!(read.status(), Status::Cancelled);
}

#[test]
fn r18_an_error_that_only_coincides_with_a_cancel_is_a_failure() {
    let manual = ManualRuntime::new();
    let fails = |body: &dyn Fn(&Scope) -> Result<(), BoxError>| {
        let scope = open_on(&manual, "import");
        let outcome = manual.block_on(scope.try_run(async |op| body(&op)));
        assert_eq!(
            (outcome.status(), outcome.cause().is_some()),
            (Status::Failed, true)
        );
        let error = outcome.into_result().expect_err("it has no value");
        assert!(!error.is_cancelled() && matches!(error, RunError::Failed(_)));
    };
    // It has looked, and says something else.
    fails(&|op| stop(op).map_err(|_| "the disk is full".into()));
    fails(&|op| stop(op).map_err(|it| it.to_string().into()));
    fails(&|op| Ok(stop(op).map_err(|_| Import::Full)?));
    // Another one's cancel.
    fails(&|op| {
        op.cancel();
        let other = CancellationToken::new();
        other.cancel();
        Ok(other.check()?)
    });
    // It stands aside, and the error can't hold it.
    let mut seen = None;
    let outcome = manual.block_on(open_on(&manual, "import").try_run(async |op| {
        seen = stop(&op).err();
        Err::<(), _>("the disk is full")
    }));
    assert_eq!(outcome.status(), Status::Failed);
    assert!(seen.is_some());
    // Asked before there was a cancel, and after the end of another run.
    fails(&|op| {
        let before = op.check().map_err(|_| Import::Full);
        op.cancel();
        before?;
        Err(Box::new(Import::Full))
    });
}

#[test]
fn r25_r26_a_child_and_a_call_that_say_so_are_cancelled_and_no_failure() {
    let manual = ManualRuntime::with_threads();
    let scope = open_on(&manual, "sync");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let child = op.child("child");
        let child = child.try_spawn(async |op: Scope| -> Result<(), Import> { Ok(stop(&op)?) });
        let child = child.expect("the scope is running");
        let record = child.operation().clone();
        let error = child.await.expect_err("it was cancelled");
        assert!(
            error.is_cancelled() && error.failure().is_none(),
            "{error:?}"
        );
        assert!(
            error.returned().is_some_and(|it| it.is::<Import>()),
            "it is kept"
        );
        assert_eq!(record.status(), Status::Cancelled);

        let op_2 = op.child("calls").build().expect("it is sound");
        let inner = op_2.run(async |op: Scope| {
            let (all, asked) = (op.clone(), std::sync::mpsc::channel());
            let call = op.try_spawn_blocking(move |token| -> Result<(), Import> {
                asked.1.recv().expect("it comes");
                Ok(token.check()?)
            });
            let call = call.expect("the scope is running");
            let record = call.operation().clone();
            all.cancel();
            asked.0.send(()).expect("it waits");
            let error = call.await.expect_err("it was cancelled");
            assert!(
                error.is_cancelled() && error.returned().is_some(),
                "{error:?}"
            );
            assert_eq!(record.status(), Status::Cancelled);
        });
        assert!(inner.await.child_failures().is_empty());
        assert!(!op.is_cancelled(), "nothing has failed");
    }));
    assert_eq!(outcome.status(), Status::Completed);
    assert!(outcome.child_failures().is_empty());
}

#[test]
fn r26_a_closure_that_says_so_is_cancelled() {
    let open = || Scope::builder("crunch").build().expect("it is sound");
    let outcome = open().try_run_blocking(|op| Ok::<_, Import>(stop(op)?));
    assert_eq!(
        (outcome.status(), outcome.is_cancelled()),
        (Status::Cancelled, true)
    );
    assert!(matches!(
        outcome.into_result(),
        Err(RunError::Stopped {
            error: Import::Stopped(_),
            ..
        })
    ));
    let outcome = open().try_run_blocking(|op| stop(op).map_err(|_| Import::Full));
    assert_eq!(outcome.status(), Status::Failed);
}

#[test]
fn r18_r19_what_an_inner_run_or_a_child_was_cancelled_for_stops_the_body_around_it() {
    let manual = ManualRuntime::new();
    // The error of the inner body, which was given out to that.
    let outer = open_on(&manual, "outer");
    let outcome = manual.block_on(outer.try_run(async |op: Scope| -> Result<(), BoxError> {
        let inner = op.child("inner").build()?;
        let run = inner.try_run(async |inner: Scope| {
            op.cancel();
            inner.check()
        });
        Ok(run.await.into_result()?)
    }));
    assert_eq!(outcome.status(), Status::Cancelled);
    assert!(
        outcome
            .into_result()
            .map_err(RunError::flatten)
            .is_err_and(|error| error.is::<RunError<Cancelled>>())
    );
    // The cancel of an inner body that was dropped.
    let outer = open_on(&manual, "outer");
    let outcome = manual.block_on(outer.try_run(async |op: Scope| -> Result<(), BoxError> {
        let inner = op.child("inner").build()?;
        let run = inner.run(async |_| {
            op.cancel();
            pending::<()>().await;
        });
        Ok(run.await.into_result()?)
    }));
    assert_eq!(outcome.status(), Status::Cancelled);
    // A child of it, which the body goes on to join.
    let outer = Scope::builder("outer").runtime(&manual.handle());
    let outer = outer
        .grace(Duration::from_secs(1))
        .build()
        .expect("it is sound");
    let outcome = manual.block_on(outer.try_run(async |op: Scope| -> Result<(), BoxError> {
        let child = op.spawn(pending::<()>())?;
        op.cancel();
        child.await?;
        Ok(())
    }));
    assert!(matches!(outcome.error(), Some(RunError::Stopped { .. })));
    assert_eq!(outcome.status(), Status::Cancelled);
    // The inner one's own cancel is a failure of the outer one, also where that is cancelled.
    let outer = open_on(&manual, "outer");
    let outcome = manual.block_on(outer.try_run(async |op: Scope| -> Result<(), BoxError> {
        let inner = op.child("inner").build()?;
        let run = inner.try_run(async |inner: Scope| stop(&inner));
        let ended = run.await;
        op.cancel();
        Ok(ended.into_result()?)
    }));
    assert_eq!(outcome.status(), Status::Failed);
}

#[test]
fn r25_a_body_that_says_that_a_child_has_failed_has_failed() {
    let manual = ManualRuntime::new();
    let outcome = manual.block_on(open_on(&manual, "sync").try_run(async |op: Scope| {
        let child = op
            .try_spawn(ready(Err::<(), _>("no route")))
            .expect("the scope is running");
        assert!(child.await.is_err());
        op.check()
    }));
    assert_eq!(outcome.status(), Status::Failed);
    let cause = outcome.cause().expect("the child has cancelled it");
    assert_eq!(cause.reason(), &Reason::ChildFailed);
    assert!(
        outcome
            .into_result()
            .expect_err("it failed")
            .into_failed()
            .is_ok()
    );
}

#[test]
fn r22_an_error_of_shielded_work_that_nobody_reads_is_logged() {
    let manual = ManualRuntime::new();
    let lines = |answer: Result<(), Import>, within: bool| {
        let lines = lines_of(|| {
            let scope = open_on(&manual, "transfer");
            let outcome = manual.block_on(scope.try_run(async |op: Scope| {
                op.cancel();
                let work = op.shield(async move { answer });
                match within {
                    false => work.await,
                    true => {
                        let work = work.within(Duration::from_secs(1));
                        work.expect("it has a runtime").await.expect("in time")
                    }
                }
            }));
            assert_eq!(outcome.status(), Status::Cancelled);
        });
        let lines = lines
            .into_iter()
            .filter(|line| line.level == log::Level::Warn);
        lines.map(|line| line.text).collect::<Vec<_>>()
    };
    assert_eq!(lines(Ok(()), false), [""; 0]);
    assert_eq!(lines(Ok(()), true), [""; 0]);
    for within in [false, true] {
        let lines = lines(Err(Import::Full), within);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert!(line.starts_with("transfer"), "{line}");
        assert!(
            line.contains("own_errors.rs") && line.contains("Import"),
            "{line}"
        );
    }
}

#[test]
fn r28_the_drop_of_a_run_has_the_cause_that_it_was_given() {
    let manual = ManualRuntime::new();
    let cause = |drops: &dyn Fn(&Scope)| {
        let scope = open_on(&manual, "mirror");
        drops(&scope);
        manual.run_until_idle();
        assert_eq!(scope.status(), Status::Cancelled);
        scope.cause().expect("its run was dropped")
    };
    let plain = cause(&|scope| assert!(scope.run(|_| pending::<()>()).now_or_never().is_none()));
    assert_eq!(
        (plain.reason(), plain.message()),
        (&Reason::RunDropped, None)
    );
    let told = cause(&|scope| {
        let run = scope
            .run(|_| pending::<()>())
            .if_dropped("the origin was first");
        assert!(run.now_or_never().is_none());
    });
    assert_eq!(told.message(), Some("the origin was first"));
    assert!(told.location().file().ends_with("own_errors.rs"));
    let told = cause(&|scope| {
        let run = scope.try_run(|_| pending::<Result<(), ()>>());
        let run = run.if_dropped(Cause::new(Reason::ShuttingDown));
        assert!(run.now_or_never().is_none());
    });
    assert_eq!(told.reason(), &Reason::ShuttingDown);
    // The earlier cancel is the cause.
    let before = cause(&|scope| {
        let run = scope.run(|op| async move {
            op.cancel_with("the operator");
            op.shield(pending::<()>()).await;
        });
        assert!(run.if_dropped("too late").now_or_never().is_none());
    });
    assert_eq!(before.message(), Some("the operator"));
    // One that ends in time is not cancelled.
    let scope = open_on(&manual, "mirror");
    let outcome = manual.block_on(scope.run(|_| ready(1)).if_dropped("never"));
    assert_eq!(
        (outcome.cause().is_none(), outcome.into_value()),
        (true, Some(1))
    );
}
