//! The spans of `tracing`, one for each scope. A binary of its own, because the subscriber is the process's.
#![cfg(all(feature = "testing", feature = "tracing"))]
#![allow(missing_docs)]

use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Scope, Status};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const SECOND: Duration = Duration::from_secs(1);

/// Writes down what happens to spans, by the names of their operations.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    lines: Vec<String>,
    names: BTreeMap<u64, String>,
    /// The number of references to each span.
    held: BTreeMap<u64, usize>,
    inside: Vec<u64>,
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Diary {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "cancelable"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        assert!(fields.0["id"].parse::<u64>().is_ok());
        let mut pages = self.0.lock();
        let id = pages.names.len() as u64 + 1;
        let name = fields.0["name"].clone();
        let above = pages.inside.last().map(|above| pages.names[above].clone());
        let above = above
            .map(|above| format!(" in {above}"))
            .unwrap_or_default();
        pages.lines.push(format!("new {name}{above}"));
        pages.names.insert(id, name);
        pages.held.insert(id, 1);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        let mut pages = self.0.lock();
        pages.inside.push(span.into_u64());
        let line = format!("in {}", pages.names[&span.into_u64()]);
        pages.lines.push(line);
    }

    fn exit(&self, span: &Id) {
        let mut pages = self.0.lock();
        assert_eq!(pages.inside.pop(), Some(span.into_u64()));
        let line = format!("out {}", pages.names[&span.into_u64()]);
        pages.lines.push(line);
    }

    fn clone_span(&self, id: &Id) -> Id {
        *self.0.lock().held.entry(id.into_u64()).or_default() += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut pages = self.0.lock();
        let held = pages.held.entry(id.into_u64()).or_default();
        *held -= 1;
        let closed = *held == 0;
        if closed {
            let line = format!("close {}", pages.names[&id.into_u64()]);
            pages.lines.push(line);
        }
        closed
    }
}

impl Diary {
    fn note(&self, line: &str) {
        self.0.lock().lines.push(line.to_owned());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().lines)
    }
}

#[test]
fn a_scope_has_a_span_that_is_entered_around_each_poll_and_closes_at_its_end() {
    let (diary, manual) = (Diary::default(), ManualRuntime::new());
    let runtime = manual.handle();
    tracing::subscriber::with_default(diary.clone(), || {
        let outer = Scope::builder("outer").runtime(&runtime).build().unwrap();
        let outcome = manual.block_on(outer.run(async |op: Scope| {
            runtime.sleep(SECOND).await;
            let inner = op.child("inner").build().unwrap();
            inner.run(async |_| diary.note("body")).await.status()
        }));
        assert_eq!(outcome.into_value(), Some(Status::Completed));
        assert_eq!(
            diary.take(),
            [
                "new outer",
                "in outer",
                "out outer",
                "in outer",
                "new inner in outer",
                "in inner",
                "body",
                "out inner",
                "close inner",
                "out outer",
                "close outer",
            ],
            "handles that are kept keep no span"
        );
        drop(outer);
    });
}

/// A subscriber that reads an operation whenever it is called, and records the calls.
struct Looks {
    scope: Arc<OnceLock<Scope>>,
    called: Arc<Mutex<BTreeSet<&'static str>>>,
}

impl Looks {
    fn look(&self, what: &'static str) {
        self.called.lock().insert(what);
        if let Some(scope) = self.scope.get() {
            assert!(!scope.snapshot().name().is_empty());
            scope.set_metadata("seen", what);
            drop(scope.check());
            assert!(scope.live_children() < 9);
        }
        // The one that runs here, too.
        if let Some(here) = cancelable_core::current() {
            assert!(here.snapshot().age().is_none_or(|age| age < SECOND * 60));
            here.set_metadata("seen", what);
        }
    }
}

impl Subscriber for Looks {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        self.look("enabled");
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        self.look("new_span");
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {
        self.look("record");
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {
        self.look("record_follows_from");
    }

    fn event(&self, _: &Event<'_>) {
        self.look("event");
    }

    fn enter(&self, _: &Id) {
        self.look("enter");
    }

    fn exit(&self, _: &Id) {
        self.look("exit");
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.look("clone_span");
        id.clone()
    }

    fn try_close(&self, _: Id) -> bool {
        self.look("try_close");
        true
    }
}

/// It hangs where a lock of the operation is held.
#[test]
fn r09_a_subscriber_may_look_at_the_operation_whenever_it_is_called() {
    let (scope, called) = (Arc::new(OnceLock::new()), Arc::default());
    let looks = Looks {
        scope: Arc::clone(&scope),
        called: Arc::clone(&called),
    };
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    tracing::subscriber::with_default(looks, || {
        let outer = Scope::builder("outer").runtime(&runtime).grace(SECOND);
        let outer = outer.build().unwrap();
        assert!(scope.set(outer.clone()).is_ok());
        let outcome = manual.block_on(outer.run(async |op: Scope| {
            runtime.sleep(SECOND).await;
            op.spawn(async {}).unwrap();
            op.spawn_blocking(|_| ()).unwrap();
            op.defer(async {}).ok().unwrap();
            let inner = op.child("inner").build().unwrap();
            let inner = inner.run(async |op: Scope| op.shield(runtime.sleep(SECOND)).await);
            assert!(inner.await.is_completed());
            drop(op.child("never run").build().unwrap());
            op.cancel();
        }));
        assert!(outcome.is_completed());
        drop(Box::pin(
            Scope::builder("dropped").build().unwrap().run(async |_| ()),
        ));
    });
    let called = called.lock();
    for what in ["new_span", "enter", "exit", "try_close"] {
        assert!(called.contains(what), "{called:?}");
    }
}

#[test]
fn children_finalizers_and_blocking_calls_are_in_their_spans() {
    let (diary, manual) = (Diary::default(), ManualRuntime::new());
    tracing::subscriber::with_default(diary.clone(), || {
        let outer = Scope::builder("outer")
            .runtime(&manual.handle())
            .build()
            .unwrap();
        let outcome = manual.block_on(outer.run(async |op: Scope| {
            let notes = [diary.clone(), diary.clone(), diary.clone()];
            let [child, call, end] = notes;
            op.spawn(async move { child.note("child") }).unwrap();
            op.spawn_blocking(move |_| call.note("call")).unwrap();
            op.defer(async move { end.note("finalizer") }).ok().unwrap();
        }));
        assert!(outcome.is_completed());
        let lines = diary.take();
        let around = |note: &str, name: &str| {
            let at = lines.iter().position(|line| line == note).unwrap();
            assert_eq!(lines[at - 1], format!("in {name}"), "{lines:?}");
        };
        around("child", "child");
        around("call", "blocking call");
        around("finalizer", "outer");
        assert!(lines.contains(&"new child in outer".to_owned()));
        assert_eq!(lines.last().map(String::as_str), Some("close outer"));

        drop(Scope::builder("never run").build().unwrap());
        assert_eq!(diary.take(), ["new never run", "close never run"]);
    });
}
