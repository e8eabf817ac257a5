//! Events of a registry.

use cancelable_core::registry::{Event, Events};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Registry, Scope};
use futures_util::StreamExt;
use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

fn lines(events: &mut Events) -> Vec<String> {
    let events = std::iter::from_fn(|| events.try_next());
    events
        .map(|event| {
            let name = event
                .operation()
                .map_or("", |operation| operation.name())
                .to_owned();
            format!("{name} {}", event.as_str())
        })
        .collect()
}

#[test]
fn r37_the_life_of_a_tree_is_told_in_order() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let mut events = registry.events();
    let outer = Scope::builder("outer")
        .runtime(&manual.handle())
        .register_in(&registry)
        .timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    let outcome = manual.block_on(outer.run(async |op: Scope| {
        let inner = op.child("inner").build().unwrap();
        inner.run(|_| pending::<()>()).await.status()
    }));
    assert!(outcome.is_completed());
    drop(
        Scope::builder("never")
            .register_in(&registry)
            .build()
            .unwrap(),
    );
    assert_eq!(
        lines(&mut events),
        [
            "outer opened",
            "outer started",
            "inner opened",
            "inner started",
            "outer cancel_requested",
            "inner cancel_requested",
            "inner ended",
            "outer ended",
            "never opened",
            "never ended",
        ]
    );
    assert_eq!(events.missed(), 0);
}

#[test]
fn r37_a_cancel_is_told_at_once_whoever_asks_and_before_the_end() {
    let registry = Registry::new();
    let mut events = registry.events();
    let above = CancellationToken::new();
    let scope = Scope::builder("job")
        .token(&above)
        .register_in(&registry)
        .build()
        .unwrap();
    above.cancel_with("from above");
    let told: Vec<_> = std::iter::from_fn(|| events.try_next()).collect();
    assert_eq!(told.len(), 2);
    let Event::CancelRequested(operation, cause) = &told[1] else {
        panic!("{told:?}");
    };
    assert_eq!(
        (operation.id(), cause.message()),
        (scope.id(), Some("from above"))
    );
    assert!(
        told[1]
            .to_string()
            .contains("job is being cancelled: cancel requested: from above")
    );
    // Opened when it is cancelled already.
    let late = Scope::builder("late")
        .token(&above)
        .register_in(&registry)
        .build()
        .unwrap();
    assert_eq!(lines(&mut events), ["late opened", "late cancel_requested"]);
    drop((scope, late));
    assert_eq!(lines(&mut events), ["job ended", "late ended"]);
}

#[test]
fn r37_who_listens_later_is_told_of_what_is_open() {
    let registry = Registry::new();
    let open = || {
        Scope::builder("job")
            .register_in(&registry)
            .build()
            .unwrap()
    };
    let (before, asked) = (open(), open());
    asked.cancel();
    let mut events = registry.events();
    assert_eq!(lines(&mut events), ["job cancel_requested"]);
    before.token().cancel();
    assert_eq!(lines(&mut events), ["job cancel_requested"]);
    let mut second = registry.events();
    drop((before, asked));
    assert_eq!(lines(&mut events), ["job ended", "job ended"]);
    assert_eq!(lines(&mut second), ["job ended", "job ended"]);
    drop(events);
    drop(open());
    assert_eq!(lines(&mut second), ["job opened", "job ended"]);
}

#[test]
fn r37_a_slow_reader_loses_the_oldest_and_is_told_how_many() {
    let registry = Registry::new();
    let mut events = registry.events_with_capacity(NonZeroUsize::new(3).unwrap());
    for name in ["a", "b", "c"] {
        drop(Scope::builder(name).register_in(&registry).build().unwrap());
    }
    assert_eq!(events.missed(), 3);
    let first = events.try_next().unwrap();
    assert!(matches!(first, Event::Missed(3)));
    assert_eq!(first.to_string(), "3 events were missed");
    assert_eq!(lines(&mut events), ["b ended", "c opened", "c ended"]);
    drop(Scope::builder("d").register_in(&registry).build().unwrap());
    assert_eq!(lines(&mut events), ["d opened", "d ended"]);
    assert_eq!(events.missed(), 3);
}

#[test]
fn r37_an_event_does_not_keep_the_listing() {
    let registry = Registry::new();
    let mut events = registry.events();
    drop(
        Scope::builder("job")
            .register_in(&registry)
            .build()
            .unwrap(),
    );
    assert!(registry.is_empty());
    let last = std::iter::from_fn(|| events.try_next()).last().unwrap();
    let operation = last.operation().unwrap();
    assert_eq!(
        operation.snapshot().status(),
        cancelable_core::Status::NeverRun
    );
    assert!(last.to_string().ends_with("job has ended: never run"));
}

struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn r37_a_reader_is_woken_once_for_what_comes_after_it_looked() {
    let registry = Registry::new();
    let mut events = registry.events();
    let counts = Arc::new(Counts(AtomicUsize::new(0)));
    let waker = Waker::from(counts.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(events.poll_next_unpin(&mut cx).is_pending());
    let scope = Scope::builder("job")
        .register_in(&registry)
        .build()
        .unwrap();
    assert_eq!(counts.0.load(SeqCst), 1);
    drop(scope);
    assert_eq!(counts.0.load(SeqCst), 1, "it has not looked since");
    assert!(events.poll_next_unpin(&mut cx).is_ready());
    assert!(events.poll_next_unpin(&mut cx).is_ready());
    assert!(events.poll_next_unpin(&mut cx).is_pending());
}

#[test]
fn r37_a_plain_thread_waits_for_events() {
    let registry = Registry::new();
    let mut events = registry.events();
    assert!(events.wait_timeout(Duration::ZERO).is_none());
    thread::scope(|threads| {
        let reader = threads.spawn(move || {
            let first = events.wait();
            let second = events.wait_timeout(Duration::MAX).unwrap();
            [first.as_str(), second.as_str()]
        });
        drop(
            Scope::builder("job")
                .register_in(&registry)
                .build()
                .unwrap(),
        );
        assert_eq!(reader.join().unwrap(), ["opened", "ended"]);
    });
}

/// A waker that opens and ends an operation of the same registry, and one that panics.
struct Meddles(Registry);

impl Wake for Meddles {
    fn wake(self: Arc<Self>) {
        drop(
            Scope::builder("from a waker")
                .register_in(&self.0)
                .build()
                .expect("it is sound"),
        );
        panic!("boom");
    }
}

#[test]
fn r09_r37_a_waker_of_a_reader_may_use_the_registry_and_panic() {
    let registry = Registry::new();
    let (mut first, mut second) = (registry.events(), registry.events());
    let waker = Waker::from(Arc::new(Meddles(registry.clone())));
    assert!(
        first
            .poll_next_unpin(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let scope = Scope::builder("job")
        .register_in(&registry)
        .build()
        .unwrap();
    scope.cancel();
    drop(scope);
    assert_eq!(lines(&mut first).len(), 5);
    assert_eq!(lines(&mut second).len(), 5);
}

#[test]
fn r37_the_order_holds_when_cancels_and_ends_race() {
    let registry = Registry::new();
    let mut events = registry.events();
    for _ in 0..300 {
        let scope = Scope::builder("job")
            .register_in(&registry)
            .build()
            .unwrap();
        let token = scope.token().clone();
        thread::scope(|threads| {
            threads.spawn(move || token.try_cancel());
            drop(scope);
        });
        let told = lines(&mut events);
        assert_eq!(told[0], "job opened");
        let cancel = told.iter().position(|line| line == "job cancel_requested");
        let end = told.iter().position(|line| line == "job ended").unwrap();
        // It may come after the end where it was asked then, and is not told of any more.
        assert!(cancel.is_none_or(|cancel| cancel < end), "{told:?}");
        assert_eq!(told.len(), 2 + usize::from(cancel.is_some()));
    }
}

#[test]
fn r37_r38_progress_is_told_once_until_it_is_read_and_never_after_the_end() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let early = Scope::builder("early")
        .register_in(&registry)
        .build()
        .unwrap();
    early.progress().advance(1);
    let mut events = registry.events();
    early.progress().advance(1);
    let late = early.child("late").build().unwrap();
    late.progress().advance(1);
    late.progress().advance(1);
    assert_eq!(
        lines(&mut events),
        ["early progress", "late opened", "late progress"]
    );
    late.progress().advance(1);
    let event = events.try_next().unwrap();
    assert!(event.to_string().ends_with("late has made progress: 3"));
    let operation = late.operation().clone();
    assert!(manual.block_on(late.run(async |_| ())).is_completed());
    operation.progress().advance(1);
    assert_eq!(lines(&mut events), ["late started", "late ended"]);
    let history = registry.history(&Default::default());
    let progress = history[0].progress().unwrap();
    assert_eq!(progress.position(), 3);
    assert!(history[0].to_string().contains("late: completed, at 3"));
    drop(early);
}
