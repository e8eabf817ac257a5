//! Registries: lists, cancels, events and history on a runtime.

use crate::Subject;
use cancelable_core::operation::Hooks;
use cancelable_core::registry::{CancelResult, Event, Filter};
use cancelable_core::scope::ScopeBuilder;
use cancelable_core::{Registry, RuntimeHandle, Scope, Status};
use futures_util::StreamExt;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

fn scope(name: &'static str, runtime: &RuntimeHandle, registry: &Registry) -> ScopeBuilder {
    Scope::builder(name).runtime(runtime).register_in(registry)
}

pub fn r34_a_snapshot_tells_the_time_of_the_runtime<S: Subject>() {
    S::run(async |runtime| {
        let registry = Registry::new();
        let before = runtime.now();
        let scope = scope("timed", &runtime, &registry)
            .timeout(MILLISECOND)
            .build()
            .unwrap();
        assert!(scope.run(|_| pending::<()>()).await.is_cancelled());
        let ended = &registry.history(&Filter::new())[0];
        assert!(ended.started_at().unwrap() >= before);
        assert!(ended.elapsed().unwrap() >= MILLISECOND && ended.age() >= ended.elapsed());
        assert!(ended.ended_at().unwrap() <= runtime.now());
        let cause = ended.cause().unwrap();
        assert!(cause.reason().is_timeout() && ended.status() == Status::Cancelled);
    });
}

pub fn r35_children_are_listed_below_their_scope_until_they_end<S: Subject>() {
    S::run(async |runtime| {
        let registry = Registry::new();
        let scope = scope("outer", &runtime, &registry).build().unwrap();
        let outcome = scope.run(async |op: Scope| {
            let children: Vec<_> = (0..5).map(|_| op.spawn(pending::<()>()).unwrap()).collect();
            let call = op.spawn_blocking(|token| token.wait()).unwrap();
            let below = registry.list(&Filter::new().parent(op.id()));
            assert_eq!(below.len(), 6);
            let tree = registry.tree();
            let depths: Vec<_> = tree.entries().iter().map(|entry| entry.depth()).collect();
            assert_eq!(depths, [0, 1, 1, 1, 1, 1, 1]);
            // All children, from a thread outside the runtime.
            let (registry, id) = (registry.clone(), op.id());
            let count = std::thread::spawn(move || {
                registry.cancel_all_with(&Filter::new().parent(id), "enough")
            });
            assert_eq!(count.join().unwrap(), 6);
            for child in children {
                assert!(child.await.unwrap_err().is_cancelled());
            }
            drop(call.await);
        });
        assert!(outcome.await.is_completed());
        assert!(registry.is_empty());
        assert_eq!(
            registry
                .history(&Filter::new().name("child").status(Status::Cancelled))
                .len(),
            5
        );
    });
}

pub fn r35_one_is_cancelled_by_its_number<S: Subject>() {
    S::run(async |runtime| {
        let registry = Registry::new();
        let scope = scope("job", &runtime, &registry).build().unwrap();
        let (own, id) = (registry.clone(), scope.id());
        let canceller = runtime.spawn(async move {
            [own.cancel(id), own.cancel(id)].map(|answer| answer.is_cancelled())
        });
        assert!(scope.run(|_| pending::<()>()).await.is_cancelled());
        assert_eq!(canceller.await.unwrap(), [true, false]);
        assert!(matches!(registry.cancel(id), CancelResult::Ended));
    });
}

pub fn r36_counts_are_exact_and_ids_unique_over_many_tasks<S: Subject>() {
    S::run(async |runtime| {
        let registry = Registry::builder().history(10).build();
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (handle, registry) = (runtime.clone(), registry.clone());
                runtime.spawn(async move {
                    let mut ids = Vec::new();
                    for _ in 0..20 {
                        let scope = scope("job", &handle, &registry).build().unwrap();
                        ids.push(scope.id());
                        assert!(scope.run(async |_| ()).await.is_completed());
                    }
                    ids
                })
            })
            .collect();
        let mut ids = BTreeSet::new();
        for task in tasks {
            ids.extend(task.await.unwrap());
        }
        let statistics = registry.statistics();
        assert_eq!(
            (ids.len(), statistics.count(Status::Completed)),
            (1000, 1000)
        );
        assert_eq!(
            (statistics.open(), registry.history(&Filter::new()).len()),
            (0, 10)
        );
        assert_eq!(statistics.durations().unwrap().count(), 1000);
    });
}

pub fn r37_events_are_read_by_a_task_and_by_a_plain_thread<S: Subject>() {
    S::run(async |runtime| {
        let registry = Registry::new();
        let mut events = registry.events();
        let mut others = registry.events();
        let task = runtime.spawn(async move {
            let mut words = Vec::new();
            while words.last() != Some(&"ended") {
                words.push(events.next().await.unwrap().as_str());
            }
            words
        });
        let thread = std::thread::spawn(move || {
            let mut words = Vec::new();
            while words.last() != Some(&"ended") {
                words.push(others.wait().as_str());
            }
            words
        });
        let scope = scope("job", &runtime, &registry).build().unwrap();
        let outcome = scope.run(async |op: Scope| {
            op.progress().advance(1);
            op.cancel();
            pending::<()>().await;
        });
        assert!(outcome.await.is_cancelled());
        let expected = ["opened", "started", "progress", "cancel_requested", "ended"];
        assert_eq!(task.await.unwrap(), expected);
        assert_eq!(thread.join().unwrap(), expected);
    });
}

pub fn r37_a_reader_that_is_late_is_told_how_much_it_missed<S: Subject>() {
    S::run(async |runtime| {
        let registry = Registry::new();
        let mut events = registry.events();
        for _ in 0..1000 {
            let scope = scope("job", &runtime, &registry).build().unwrap();
            assert!(scope.run(async |_| ()).await.is_completed());
        }
        let first = events.next().await.unwrap();
        assert!(matches!(first, Event::Missed(count) if count == 3000 - 1024));
        let rest = std::iter::from_fn(|| events.try_next());
        assert_eq!(rest.count(), 1024);
    });
}

pub fn r39_hooks_are_called_on_the_way<S: Subject>() {
    S::run(async |runtime| {
        let (registry, told) = (Registry::new(), Arc::new(Mutex::new(Vec::new())));
        let note = |word: &'static str| {
            let told = Arc::clone(&told);
            move || told.lock().push(word)
        };
        let (start, asked, progress) = (note("start"), note("asked"), note("progress"));
        let (cancelled, end) = (note("cancelled"), note("end"));
        let hooks = Hooks::new()
            .on_start(move |_| start())
            .on_progress(move |_, _| progress())
            .on_cancel_requested(move |_, _| asked())
            .on_cancelled(move |_, _| cancelled())
            .on_end(move |_| end());
        let _guard = registry.add_hooks(hooks);
        let scope = scope("job", &runtime, &registry).build().unwrap();
        let token = scope.token().clone();
        let outcome = scope.run(async |op: Scope| {
            op.progress().advance(1);
            runtime.spawn(async move { token.cancel() }).detach();
            pending::<()>().await;
        });
        assert!(outcome.await.is_cancelled());
        let told = told.lock().clone();
        // The cancel is delivered on the cancelling thread, and may come at the same time as the end.
        let asked = told.iter().position(|word| *word == "asked");
        let others: Vec<_> = told.iter().filter(|word| **word != "asked").collect();
        assert_eq!(others, [&"start", &"progress", &"cancelled", &"end"]);
        assert!(asked.is_none_or(|at| at >= 2));
    });
}
