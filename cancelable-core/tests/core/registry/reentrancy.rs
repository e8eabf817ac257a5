//! Hooks, predicates and wakers that use the registry that calls them (R9, R35, R37, R39).

use cancelable_core::operation::Hooks;
use cancelable_core::registry::{Event, Events, Filter, HooksGuard};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope, Status};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn open(registry: &Registry, name: &'static str) -> Scope {
    let builder = Scope::builder(name).register_in(registry);
    builder.build().expect("it is sound")
}

#[test]
fn r09_r39_a_hook_may_drop_its_own_guard_and_a_reader() {
    let registry = Registry::new();
    let kept: Arc<Mutex<Option<(HooksGuard, Events)>>> = Arc::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let hooks = {
        let (kept, calls) = (Arc::clone(&kept), Arc::clone(&calls));
        Hooks::new().on_end(move |_| {
            calls.fetch_add(1, Ordering::SeqCst);
            let taken = kept.lock().take();
            drop(taken);
        })
    };
    let guard = registry.add_hooks(hooks);
    *kept.lock() = Some((guard, registry.events()));
    drop(open(&registry, "first"));
    drop(open(&registry, "second"));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    // The hooks were the last to have both.
    assert_eq!(
        (Arc::strong_count(&kept), Arc::strong_count(&calls)),
        (1, 1)
    );
}

#[test]
fn r09_r35_a_predicate_may_cancel_and_open_and_end_what_it_looks_at() {
    let registry = Registry::new();
    let scopes: Vec<_> = (0..4).map(|_| open(&registry, "s")).collect();
    let ended = Mutex::new(Some(open(&registry, "s")));
    let spared = scopes[0].clone();
    let opened = Arc::new(Mutex::new(Vec::new()));
    let filter = {
        let (registry, opened) = (registry.clone(), Arc::clone(&opened));
        Filter::new().matching(move |snapshot| {
            if snapshot.id() == spared.id() {
                // By another cause, so that it is not counted.
                spared.cancel_with("by the predicate");
            }
            let gone = ended.lock().take();
            drop(gone);
            opened.lock().push(open(&registry, "late"));
            true
        })
    };
    assert_eq!(registry.cancel_all(&filter), 3);
    assert!(scopes.iter().all(|scope| scope.is_cancelled()));
    assert!(opened.lock().iter().all(|late| !late.is_cancelled()));
}

#[test]
fn r35_a_part_that_is_opened_after_its_parent_has_ended_is_listed_with_what_it_is() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let parent = open(&registry, "parent");
    assert!(manual.block_on(parent.run(async |_| ())).is_completed());
    assert!(registry.list(&Filter::new()).is_empty());
    match parent.child("late").build() {
        Err(_) => assert!(registry.list(&Filter::new()).is_empty()),
        Ok(late) => {
            let listed = registry.list(&Filter::new().parent(parent.id()));
            assert_eq!(listed.len(), 1);
            assert_eq!(registry.tree().entries().len(), 1, "a tree of its own");
            drop(late);
            assert!(registry.list(&Filter::new()).is_empty());
        }
    }
    assert_eq!(registry.statistics().count(Status::Running), 0);
}

#[test]
fn r35_r36_clearing_and_cleaning_up_while_something_ends_keeps_the_counts() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let hooks = {
        let registry = registry.clone();
        Hooks::new()
            .on_start({
                let registry = registry.clone();
                move |_| registry.clear()
            })
            .on_end(move |_| registry.clear())
    };
    let guard = registry.add_hooks(hooks);
    for _ in 0..3 {
        let outcome = manual.block_on(open(&registry, "s").run(async |_| ()));
        assert!(outcome.is_completed());
        drop(open(&registry, "abandoned"));
    }
    drop(guard);
    let statistics = registry.statistics();
    assert_eq!(
        (
            statistics.count(Status::Pending),
            statistics.count(Status::Running)
        ),
        (0, 0)
    );
    let outcome = manual.block_on(open(&registry, "s").run(async |_| ()));
    assert!(outcome.is_completed());
    assert_eq!(registry.statistics().count(Status::Completed), 1);
}

#[test]
fn r35_a_name_with_a_star_is_a_name() {
    let registry = Registry::new();
    let (star, other) = (open(&registry, "a*c"), open(&registry, "abc"));
    let names = |pattern: &'static str| registry.list(&Filter::new().name(pattern)).len();
    assert_eq!(
        (names("a*c"), names("a?c"), names("?*c"), names("*b*")),
        (2, 2, 2, 1)
    );
    let exact = Filter::new().matching(|snapshot| snapshot.name() == "a*c");
    assert_eq!(registry.list(&exact).len(), 1);
    drop((star, other));
}

#[test]
fn r37_a_reader_that_comes_within_an_end_hears_of_it_or_not_but_of_nothing_twice() {
    let registry = Registry::new();
    let late: Arc<Mutex<Option<Events>>> = Arc::default();
    let hooks = {
        let (registry, late) = (registry.clone(), Arc::clone(&late));
        Hooks::new().on_end(move |_| {
            late.lock().get_or_insert_with(|| registry.events());
        })
    };
    let guard = registry.add_hooks(hooks);
    let mut early = registry.events();
    let scope = open(&registry, "s");
    scope.cancel();
    drop(scope);
    let ends = |events: &mut Events| {
        let mut told = Vec::new();
        while let Some(event) = events.try_next() {
            told.push(matches!(event, Event::Ended(_)));
        }
        told
    };
    assert_eq!(ends(&mut early), [false, false, true]);
    let mut late = late.lock().take().expect("the hook was called");
    assert!(ends(&mut late).len() <= 1);
    drop(guard);
}
