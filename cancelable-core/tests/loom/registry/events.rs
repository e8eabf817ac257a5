//! Events and hooks of a registry beside its readers (R37, R39).

use crate::support::{Wakes, bounded};
use cancelable_core::operation::Hooks;
use cancelable_core::registry::Events;
use cancelable_core::{Reason, Registry, Scope};
use futures_core::Stream;
use loom::thread;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

fn open(registry: &Registry) -> Scope {
    let builder = Scope::builder("job").register_in(registry);
    builder.build().expect("it is sound")
}

fn event_names(events: &mut Events) -> Vec<&'static str> {
    std::iter::from_fn(|| events.try_next().map(|event| event.as_str())).collect()
}

#[test]
fn r37_an_event_with_a_reader_that_goes_to_sleep() {
    bounded(|| {
        let registry = Registry::builder().history(0).build();
        let mut events = registry.events();
        let worker = thread::spawn(move || drop(open(&registry)));
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let polled = Pin::new(&mut events).poll_next(&mut Context::from_waker(&waker));
        worker.join().unwrap();
        let rest = event_names(&mut events);
        match polled {
            Poll::Ready(event) => {
                assert_eq!((event.unwrap().as_str(), rest), ("opened", vec!["ended"]))
            }
            Poll::Pending => {
                assert_eq!(wakes.count(), 1, "a reader sleeps through an event");
                assert_eq!(rest, ["opened", "ended"]);
            }
        }
    });
}

#[test]
fn r37_a_scope_opens_beside_a_new_reader() {
    bounded(|| {
        let registry = Registry::builder().history(0).build();
        let opener = thread::spawn({
            let registry = registry.clone();
            move || open(&registry)
        });
        let mut events = registry.events();
        let scope = opener.join().unwrap();
        assert!(registry.get(scope.id()).is_some());
        let before = event_names(&mut events);
        assert!(before.is_empty() || before == ["opened"], "{before:?}");
        scope.token().cancel();
        assert_eq!(
            event_names(&mut events),
            ["cancel_requested"],
            "event_names at once and once"
        );
        drop(scope);
        assert_eq!(event_names(&mut events), ["ended"]);
    });
}

#[test]
fn r37_a_cancel_with_the_end_and_with_a_reader() {
    bounded(|| {
        let registry = Registry::builder().history(0).build();
        let mut events = registry.events();
        let scope = open(&registry);
        let token = scope.token().clone();
        let canceller = thread::spawn(move || token.try_cancel());
        drop(scope);
        canceller.join().unwrap();
        let event_names = event_names(&mut events);
        assert!(
            event_names == ["opened", "ended"]
                || event_names == ["opened", "cancel_requested", "ended"],
            "{event_names:?}"
        );
    });
}

#[test]
fn r39_a_cancel_hook_with_the_end() {
    bounded(|| {
        let registry = Registry::builder().history(0).build();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let builder = Scope::builder("job").register_in(&registry);
        let hooks = Hooks::new().on_cancel_requested(move |_, _| {
            counted.fetch_add(1, SeqCst);
        });
        let scope = builder.hooks(hooks).build().unwrap();
        let operation = scope.operation().clone();
        let canceller = thread::spawn(move || operation.cancel_with(Reason::Requested));
        let cancelled = scope.is_cancelled();
        drop(scope);
        canceller.join().unwrap();
        let calls = calls.load(SeqCst);
        assert!(calls <= 1 && (calls == 1 || !cancelled), "{calls}");
    });
}
