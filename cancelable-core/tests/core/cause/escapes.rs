//! Foreign text is shown in one line, with escapes for characters that control a terminal or are invisible (R49): one
//! table of everything that shows such text.

use crate::support::log_lines::lines_of;
use cancelable_core::registry::{Event, Filter};
use cancelable_core::runtime::JoinError;
use cancelable_core::scope::RunError;
use cancelable_core::source::{self, Source, SourceContext, SourceError, SourceFuture};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Cause, Reason, Registry, Scope};
use std::borrow::Cow;
use std::future::pending;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

/// Text with a line break, escapes of a terminal in seven and in eight bits, separators, an override of the direction,
/// an isolate, characters without width, and a tag.
const FOREIGN: &str = "a\nb\rc\u{1b}[2Kd\u{9b}1me\u{2028}\u{85}f\u{202e}\u{2066}\u{61c}g\u{200b}\u{feff}\u{ad}h\u{e0041}é";
const SHOWN: &str = "a\\nb\\rc\\u{1b}[2Kd\\u{9b}1me\\u{2028}\\u{85}f\\u{202e}\\u{2066}\\u{61c}\
                     g\\u{200b}\\u{feff}\\u{ad}h\\u{e0041}é";

struct Failing;

impl Source for Failing {
    fn name(&self) -> Cow<'static, str> {
        FOREIGN.into()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        Err(SourceError::new(FOREIGN))
    }
}

fn error() -> io::Error {
    io::Error::other(FOREIGN)
}

fn panics() {
    resume_unwind(Box::new(FOREIGN))
}

/// Each text that is shown, with a description.
type Table = Vec<(&'static str, String)>;

/// Adds the texts that are made from a cause with a foreign message and a foreign error.
fn causes(table: &mut Table) {
    let cause = || {
        let cause = Cause::new(Reason::Requested).with_message(FOREIGN);
        cause.with_error(Arc::new(error()))
    };
    table.push(("a cause", cause().to_string()));
    let name = FOREIGN;
    let signal = Cause::new(Reason::Signal { number: 1, name });
    table.push(("the name of a signal", signal.to_string()));
    let token = CancellationToken::new();
    token.cancel_with(cause());
    let cancelled = token.check().expect_err("it has no value");
    table.push(("an error of a cancel", cancelled.to_string()));
    table.push(("its debug form", format!("{cancelled:?}")));
    table.push(("as io::Error", io::Error::from(cancelled).to_string()));
}

/// Adds the texts of a scope, its children and finalizers, and of its registry.
fn operations(table: &mut Table) {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let mut events = registry.events();
    let builder = Scope::builder(FOREIGN).runtime(&manual.handle());
    let builder = builder.register_in(&registry).collect_all();
    let builder = builder.grace(Duration::from_secs(1));
    let scope = builder.cleanup_budget(Duration::from_secs(1)).build();
    let scope = scope.expect("it is sound");
    scope.progress().set_message(FOREIGN);
    scope.progress().set_field("field", FOREIGN);
    scope.set_metadata(FOREIGN, FOREIGN);
    table.push(("metadata", scope.metadata().to_string()));
    let snapshot = scope.progress().snapshot();
    table.push(("progress", snapshot.to_string()));
    let field = snapshot.field("field").expect("it was set");
    assert_eq!(field.as_str(), Some(FOREIGN));
    table.push(("a field", field.to_string()));
    let watch = |what: &'static str, table: &mut Table| {
        let dump = registry.dump();
        // The first line counts.
        table.extend(dump.lines().skip(1).map(|line| (what, line.to_owned())));
        let tree = registry.tree().to_string();
        table.extend(tree.lines().map(|line| (what, line.to_owned())));
        assert_eq!(tree.lines().count(), registry.len());
        table.push((what, registry.list(&Filter::new())[0].to_string()));
    };
    watch("pending", table);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let child = op
            .child(FOREIGN)
            .try_spawn(move |_| async { Err::<(), _>(error()) });
        table.push((
            "a child",
            child
                .expect("it is sound")
                .await
                .expect_err("it has no value")
                .to_string(),
        ));
        let child = op
            .child(FOREIGN)
            .spawn(move |_| async { panics() })
            .expect("it is sound");
        table.push((
            "a panic",
            child.await.expect_err("it has no value").to_string(),
        ));
        let call = op
            .try_spawn_blocking(|_| Err::<(), _>(error()))
            .expect("it is sound");
        table.push((
            "a call",
            call.await.expect_err("it has no value").to_string(),
        ));
        op.defer_named(FOREIGN, async { Err(error()) })
            .expect("it is sound");
        op.defer_named(FOREIGN, async { panics() })
            .expect("it is sound");
        op.defer_named(FOREIGN, pending::<()>())
            .expect("it is sound");
        op.cancel_with(FOREIGN);
        watch("stopping", table);
        pending::<()>().await;
    }));
    let failures = outcome.child_failures().iter();
    table.extend(failures.map(|failure| ("a failure", failure.to_string())));
    let errors = outcome.cleanup_errors().iter();
    table.extend(errors.map(|error| ("cleanup", error.to_string())));
    let stragglers = outcome.stragglers().iter();
    table.extend(stragglers.map(|straggler| ("a straggler", straggler.to_string())));
    table.push((
        "the end",
        outcome
            .into_result()
            .expect_err("it has no value")
            .to_string(),
    ));
    let history = registry.history(&Filter::new());
    table.extend(history.iter().map(|ended| ("history", ended.to_string())));
    while let Some(event) = events.try_next() {
        if event.operation().is_some_and(|own| own.name() == FOREIGN) {
            table.push(("an event", Event::to_string(&event)));
        }
    }
}

/// Adds the errors that contain foreign text.
fn errors(table: &mut Table) {
    let manual = ManualRuntime::new();
    let build = |name| {
        let builder = Scope::builder(name).runtime(&manual.handle());
        builder.build().expect("it is sound")
    };
    let failed = manual.block_on(build("s").try_run(async |_| Err::<(), _>(error())));
    let failed = failed.into_result().expect_err("it has no value");
    table.push(("a body's error", failed.to_string()));
    assert_eq!(
        failed.into_failed().expect("it is sound").to_string(),
        FOREIGN,
        "raw"
    );
    let builder = Scope::builder("s").runtime(&manual.handle());
    let scope = builder.source(Failing).build().expect("it is sound");
    let refused = manual.block_on(scope.run(async |_| ()));
    let refused = refused.into_result().expect_err("it has no value");
    assert!(matches!(refused, RunError::SourceFailed(_)));
    table.push(("a source", refused.to_string()));
    table.push(("a source's error", SourceError::new(FOREIGN).to_string()));
    let joined = manual.handle().spawn(async { panics() });
    let joined: Result<(), JoinError> = manual.block_on(joined);
    table.push(("a task", joined.expect_err("it has no value").to_string()));
    let zero = Scope::builder(FOREIGN)
        .timeout(Duration::from_secs(1))
        .build()
        .expect_err("it has no value");
    table.push(("a builder", zero.to_string()));
    let scope = build(FOREIGN);
    let error = scope.spawn(async {}).expect_err("it has no value");
    table.push(("a spawn", error.to_string()));
    drop(manual.block_on(scope.run(async |_| ())));
    let error = scope
        .set_timeout(Duration::ZERO)
        .expect_err("it has no value");
    table.push(("a deadline", error.to_string()));
    let again = manual.block_on(scope.run(async |_| ()));
    table.push((
        "a second run",
        again
            .into_result()
            .expect_err("it has no value")
            .to_string(),
    ));
}

#[test]
fn r49_foreign_text_is_shown_in_one_line_with_escapes() {
    let mut table = Table::new();
    let lines = lines_of(|| {
        causes(&mut table);
        operations(&mut table);
        errors(&mut table);
    });
    assert!(table.len() > 35, "{}", table.len());
    let is_raw = |text: &str| {
        let mut raw = FOREIGN.chars().filter(|found| !SHOWN.contains(*found));
        raw.find(|found| text.contains(*found))
    };
    for (what, text) in &table {
        assert_eq!(is_raw(text), None, "{what}: {text:?}");
        assert!(text.contains(SHOWN), "{what}: {text:?}");
    }
    assert!(lines.len() > 20, "{}", lines.len());
    for line in &lines {
        assert_eq!(is_raw(&line.text), None, "{line:?}");
        for value in line.values.values() {
            assert_eq!(
                is_raw(value),
                None,
                "a logger writes key-values as they are: {line:?}"
            );
        }
    }
}

#[test]
fn r31_r49_the_name_and_the_error_of_a_condition_are_escaped_in_the_log() {
    let manual = ManualRuntime::new();
    let second = Duration::from_secs(1);
    let builder = Scope::builder("s")
        .runtime(&manual.handle())
        .timeout(second * 3);
    let fails = source::condition(second, || Err::<bool, _>(error())).expect("it is sound");
    let panics = source::condition(second, || -> bool { resume_unwind(Box::new(FOREIGN)) });
    let builder = builder.source(fails.named(FOREIGN));
    let scope = builder
        .source(panics.expect("it is sound").named(FOREIGN))
        .build();
    let scope = scope.expect("it is sound");
    let lines = lines_of(|| {
        let outcome = manual.block_on(scope.run(async |_| pending::<()>().await));
        assert!(outcome.is_timeout());
    });
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line.text.contains(SHOWN))
        .collect();
    assert!(told.len() >= 4, "{told:?}");
    for line in &lines {
        assert!(!line.text.contains('\n'), "{line:?}");
    }
}

/// Each level is escaped before it becomes part of the next level, so the texts of all levels would take at least
/// quadratic time.
#[test]
fn r49_errors_inside_errors_are_shown_up_to_a_depth() {
    let mut error: Box<dyn std::error::Error + Send + Sync> = error().into();
    for _ in 0..200 {
        error = Box::new(SourceError::new(error));
    }
    assert_eq!(error.to_string(), "[more inside]");
    let mut error: Box<dyn std::error::Error + Send + Sync> = self::error().into();
    for _ in 0..3 {
        error = Box::new(SourceError::new(error));
    }
    assert_eq!(error.to_string(), SHOWN);
    // The depth is counted down again.
    assert_eq!(SourceError::new(self::error()).to_string(), SHOWN);
}
