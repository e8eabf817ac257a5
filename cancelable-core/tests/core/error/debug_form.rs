//! The debug forms of errors: the sentence, and the fields in the alternate form.

use crate::support::{SECOND, open, open_on};
use cancelable_core::error::InvalidArgument;
use cancelable_core::runtime::NoRuntime;
use cancelable_core::scope::RunError;
use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Scope};
use std::borrow::Cow;
use std::error::Error;
use std::future::{pending, ready};

/// A source that does not start.
struct Broken;

impl Source for Broken {
    fn name(&self) -> Cow<'static, str> {
        "broken".into()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        Err(SourceError::new("no such file"))
    }
}

#[track_caller]
fn check(error: &dyn Error, fields: &str) {
    assert_eq!(format!("{error:?}"), error.to_string());
    let shown = format!("{error:#?}");
    assert!(shown.starts_with(fields), "{shown}");
}

#[test]
fn r40_the_debug_form_of_an_error_is_its_sentence_and_the_alternate_form_has_the_fields() {
    let argument = InvalidArgument::new("retries", "is zero: give at least 1");
    check(&argument, "InvalidArgument {\n");
    check(&NoRuntime::new("tokio"), "NoRuntime {\n");
    check(&SourceError::new("no such file"), "SourceError {\n");
    let built = Scope::builder("late").timeout(SECOND).build();
    check(&built.unwrap_err(), "BuildError {\n");
    let rejected = open("idle").spawn(ready(())).unwrap_err();
    check(&rejected, "Rejected {\n");
    let token = CancellationToken::new();
    token.cancel();
    check(
        &token.try_on_cancel(|_| ()).unwrap_err(),
        "AlreadyCancelled {\n",
    );

    let manual = ManualRuntime::new();
    let lost = manual.handle().spawn(async { panic!("no such row") });
    let lost = manual.block_on(lost).unwrap_err();
    check(&lost, "Panic(\n");

    let broken = Scope::builder("import").source(Broken);
    let Err(RunError::SourceFailed(failed)) =
        manual.block_on(broken.run(async |_| ())).into_result()
    else {
        panic!("its source fails");
    };
    check(&failed, "SourceFailed {\n");

    let scope = open_on(&manual, "twice");
    manual
        .block_on(scope.run(async |_| ()))
        .complete()
        .expect("it is the first run");
    let again = manual.block_on(scope.run(async |_| ()));
    let Err(RunError::AlreadyRun(refused)) = again.into_result() else {
        panic!("it was run before");
    };
    check(&refused, "AlreadyRun {\n");
}

#[test]
fn r40_the_debug_form_of_a_failure_inside_a_scope_is_its_sentence() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let child = op.spawn(pending::<()>()).expect("it is running");
        child.cancel();
        check(&child.await.unwrap_err(), "ChildError {\n");
        op.defer_named("flush", async { Err::<(), _>("the disk is full") })
            .expect("it is running");
        drop(op.try_spawn(ready(Err::<(), _>("torn wire"))));
    }));
    check(&outcome.cleanup_errors()[0], "CleanupError {\n");
    let Err(RunError::ChildFailed(failure)) = outcome.into_result() else {
        panic!("a child has failed");
    };
    check(&failure, "ChildFailure {\n");
}
