//! Errors whose words panic (R10): what keeps, logs or passes them on goes on without them.

use crate::operation_log::lines_of;
use cancelable_core::runtime::ThreadRuntime;
use cancelable_core::scope::RunError;
use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Cause, Reason, Scope, Status};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

const INSTEAD: &str = "an error whose text panicked";

#[derive(Debug, PartialEq)]
struct Wordless;

impl fmt::Display for Wordless {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words");
    }
}

impl Error for Wordless {}

struct Failing;

impl Source for Failing {
    fn name(&self) -> Cow<'static, str> {
        "failing".into()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        Err(SourceError::new(Wordless))
    }
}

fn open(manual: &ManualRuntime) -> Scope {
    let builder = Scope::builder("s").runtime(&manual.handle());
    builder.build().expect("it is sound")
}

#[test]
fn r10_r34_an_error_is_handed_out_although_its_words_panic() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let run = scope.try_run(async |_| Err::<(), _>(Wordless));
    let outcome = manual.block_on(run.with_error_text());
    assert_eq!(scope.status(), Status::Failed);
    assert_eq!(scope.error_text().as_deref(), Some(INSTEAD));
    let error = outcome.into_result().unwrap_err();
    assert_eq!(error.into_failed().ok(), Some(Wordless));
}

#[test]
fn r10_r24_finalizers_run_although_the_words_of_one_panic() {
    let manual = ManualRuntime::new();
    let mut errors = 0;
    let lines = lines_of(|| {
        let outcome = manual.block_on(open(&manual).run(async |op: Scope| {
            for _ in 0..2 {
                op.defer(async { Err(Wordless) }).expect("it is open");
            }
        }));
        assert_eq!(outcome.status(), Status::Completed);
        errors = outcome.cleanup_errors().len();
    });
    assert_eq!(errors, 2);
    let told = lines.iter().filter(|line| line.text.contains(INSTEAD));
    assert_eq!(told.count(), 2);
}

#[test]
fn r10_a_cancel_does_not_unwind_although_the_words_of_its_cause_panic() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let lines = lines_of(|| {
        let cause = Cause::new(Reason::Requested).with_error(Arc::new(Wordless));
        assert!(scope.cancel_with(cause));
    });
    assert!(scope.is_cancelled());
    let told = lines
        .iter()
        .filter(|line| line.text.contains("a logger panicked"));
    assert_eq!(told.count(), 2, "the token's line and the operation's");
}

#[test]
fn r10_r25_a_child_fails_although_its_words_panic() {
    let manual = ManualRuntime::new();
    let scope = open(&manual);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        drop(
            op.try_spawn(async { Err::<(), _>(Wordless) })
                .expect("it is open"),
        );
    }));
    assert_eq!(outcome.child_failures().len(), 1);
    assert_eq!(scope.status(), Status::Failed);
    let text = scope.error_text().expect("it has failed");
    assert!(text.contains(INSTEAD), "{text}");
}

#[test]
fn r10_r26_a_blocking_call_fails_although_its_words_panic() {
    let runtime = ThreadRuntime::new();
    let builder = Scope::builder("s").runtime(&runtime.handle());
    let scope = builder.build().expect("it is sound");
    let outcome = runtime.block_on(scope.run(async |op: Scope| {
        drop(
            op.try_spawn_blocking(|_| Err::<(), _>(Wordless))
                .expect("it is open"),
        );
    }));
    assert_eq!(outcome.child_failures().len(), 1);
    assert_eq!(scope.status(), Status::Failed);
}

#[test]
fn r10_r28_a_source_does_not_start_although_its_words_panic() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("s")
        .runtime(&manual.handle())
        .source(Failing);
    let scope = builder.build().expect("it is sound");
    let outcome = manual.block_on(scope.run(async |_| unreachable!("it is not started")));
    assert_eq!(scope.status(), Status::Failed);
    let error = outcome.into_result().unwrap_err();
    assert!(matches!(error, RunError::SourceFailed(_)));
}
