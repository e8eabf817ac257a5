//! Errors whose `Display` panics: code that stores, logs or returns them continues without the text (R10).

use crate::support::log_lines::lines_of;
use crate::support::open_on;
use cancelable_core::registry::{Event, Filter};
use cancelable_core::scope::RunError;
use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Cause, Reason, Registry, Scope, Status};
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

#[test]
fn r10_r34_an_error_is_returned_although_its_display_panics() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "s");
    let run = scope.try_run(async |_| Err::<(), _>(Wordless));
    let outcome = manual.block_on(run.with_error_text());
    assert_eq!(scope.status(), Status::Failed);
    assert_eq!(scope.error().as_deref(), Some(INSTEAD));
    let error = outcome.into_result().unwrap_err();
    assert_eq!(error.into_failed().ok(), Some(Wordless));
}

#[test]
fn r10_r24_finalizers_run_although_the_display_of_an_error_panics() {
    let manual = ManualRuntime::new();
    let mut errors = 0;
    let lines = lines_of(|| {
        let outcome = manual.block_on(open_on(&manual, "s").run(async |op: Scope| {
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
fn r10_a_cancel_does_not_unwind_although_the_display_of_its_cause_panics() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "s");
    let lines = lines_of(|| {
        let cause = Cause::new(Reason::Requested).with_error(Arc::new(Wordless));
        assert!(scope.cancel_with(cause));
    });
    assert!(scope.is_cancelled());
    let told = lines.iter().filter(|line| line.text.contains(INSTEAD));
    assert_eq!(told.count(), 2, "the token's line and the operation's");
}

/// An error that writes half of its text, and then fails or panics.
#[derive(Debug)]
struct Halting(bool);

impl fmt::Display for Halting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        assert!(self.0, "no more text");
        Err(fmt::Error)
    }
}

impl Error for Halting {}

#[test]
fn r10_r49_an_operation_is_shown_although_the_display_of_its_cause_panics() {
    let errors: [Arc<dyn Error + Send + Sync>; 3] = [
        Arc::new(Wordless),
        Arc::new(Halting(false)),
        Arc::new(Halting(true)),
    ];
    for error in errors {
        let (manual, registry) = (ManualRuntime::new(), Registry::new());
        let mut events = registry.events();
        let other = Scope::builder("other").register_in(&registry).build();
        let other = other.expect("it is sound");
        let lines = lines_of(|| {
            let builder = Scope::builder("s").runtime(&manual.handle());
            let scope = builder.register_in(&registry).build().expect("it is sound");
            let cause = Cause::new(Reason::Requested).with_error(Arc::clone(&error));
            scope.cancel_with(cause);
            let shown = [
                registry.dump(),
                registry.tree().to_string(),
                registry.list(&Filter::new())[1].to_string(),
                scope.check().unwrap_err().to_string(),
                format!("{:?}", scope.check().unwrap_err()),
                std::io::Error::from(scope.check().unwrap_err()).to_string(),
            ];
            for text in &shown {
                assert!(text.contains(INSTEAD), "{text}");
                assert!(!text.contains("half"), "{text}");
            }
            assert!(shown[0].contains("other"), "the others are shown too");
            #[cfg(feature = "serde")]
            for json in [
                serde_json::to_string(&registry.tree()),
                serde_json::to_string(&registry.list(&Filter::new())),
                serde_json::to_string(&scope.check().unwrap_err()),
            ] {
                assert!(json.expect("it is written").contains(INSTEAD));
            }
            let run = manual.block_on(scope.run(async |_| ()));
            assert!(run.into_result().unwrap_err().to_string().contains(INSTEAD));
            assert_eq!(registry.statistics().count(Status::Cancelled), 1);
            let history = registry.history(&Filter::new());
            assert!(history[0].to_string().contains(INSTEAD));
            while let Some(event) = events.try_next() {
                let text = event.to_string();
                let is_cancel = matches!(event, Event::CancelRequested(..));
                assert!(!is_cancel || text.contains(INSTEAD), "{text}");
            }
        });
        assert!(
            lines
                .iter()
                .any(|line| line.status.as_deref() == Some("cancelled"))
        );
        assert!(
            lines
                .iter()
                .all(|line| !line.text.contains("a logger panicked"))
        );
        drop(other);
    }
}

#[test]
fn r10_r25_a_child_fails_although_the_display_of_its_error_panics() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "s");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        drop(
            op.try_spawn(async { Err::<(), _>(Wordless) })
                .expect("it is open"),
        );
    }));
    assert_eq!(outcome.child_failures().len(), 1);
    assert_eq!(scope.status(), Status::Failed);
    let text = scope.error().expect("it has failed");
    assert!(text.contains(INSTEAD), "{text}");
}

#[test]
fn r10_r26_a_blocking_call_fails_although_the_display_of_its_error_panics() {
    let manual = ManualRuntime::with_threads();
    let builder = Scope::builder("s").runtime(&manual.handle());
    let scope = builder.build().expect("it is sound");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        drop(
            op.try_spawn_blocking(|_| Err::<(), _>(Wordless))
                .expect("it is open"),
        );
    }));
    assert_eq!(outcome.child_failures().len(), 1);
    assert_eq!(scope.status(), Status::Failed);
}

#[test]
fn r10_r28_a_source_fails_to_start_although_the_display_of_its_error_panics() {
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
