//! Pages by a cursor, and counts without snapshots (R35).

use crate::support::clockwork::Clockwork;
use crate::support::hand::Numbers;
use cancelable_core::registry::Filter;
use cancelable_core::{Registry, RuntimeHandle, Scope, Status};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn open(registry: &Registry, name: impl Into<String>) -> Scope {
    let builder = Scope::builder(name.into()).register_in(registry);
    builder.build().expect("it is sound")
}

#[test]
fn r35_pages_by_a_cursor_have_each_operation_once() {
    let registry = Registry::new();
    let mut scopes: Vec<_> = (0..5000)
        .map(|number| open(&registry, format!("job-{number}")))
        .collect();
    Numbers::from_seed(7).shuffle(&mut scopes);
    scopes.truncate(3000);
    let all = registry.list(&Filter::new());
    for size in [1, 7, 64, 999, 5000] {
        let (mut filter, mut paged) = (Filter::new().limit(size), Vec::new());
        loop {
            let page = registry.list(&filter);
            assert!(page.len() <= size);
            let Some(last) = page.last() else {
                break;
            };
            filter = filter.after(last.id());
            let handles = registry.operations(&filter);
            assert_eq!(handles.len(), registry.count(&filter));
            paged.extend(page);
            if size == 1 && paged.len() > 300 {
                break;
            }
        }
        let ids = |list: &[_]| -> Vec<_> {
            list.iter()
                .map(cancelable_core::operation::OperationSnapshot::id)
                .collect()
        };
        assert_eq!(ids(&paged), ids(&all[..paged.len()]), "{size}");
        assert!(size == 1 || paged.len() == all.len());
    }
    // The cursor's operation may have ended, and the filter may have other criteria.
    let cursor = all[1500].id();
    let named = Filter::new().name("job-1*");
    let expected = all[1501..]
        .iter()
        .filter(|one| one.name().starts_with("job-1"))
        .count();
    scopes.retain(|scope| scope.id() != cursor);
    assert_eq!(registry.count(&named.clone().after(cursor)), expected);
    assert_eq!(registry.list(&named.after(cursor)).len(), expected);
    assert_eq!(registry.cancel_all(&Filter::new().after(cursor)), 1499);
    let ended = registry.history(&Filter::new().after(cursor));
    assert!(ended.iter().all(|one| one.id() > cursor));
}

#[test]
fn r35_a_count_is_the_length_of_the_list() {
    let registry = Registry::new();
    let outer = open(&registry, "outer");
    let blue = |name: &'static str| {
        let child = outer.child(name).metadata("tenant", "blue");
        child.build().expect("it is sound")
    };
    let children = [
        blue("a-1"),
        blue("a-2"),
        outer.child("b").build().expect("it is sound"),
    ];
    let filters = [
        Filter::new(),
        Filter::new().name("a-*"),
        Filter::new().name("a-*").limit(1),
        Filter::new().limit(0),
        Filter::new().parent(outer.id()),
        Filter::new().metadata("tenant", "blue"),
        Filter::new().has_metadata("tenant").limit(1),
        Filter::new().metadata("tenant", "red"),
        Filter::new().status(Status::Running),
        Filter::new().status(Status::Failed),
        Filter::new().after(children[0].id()).has_metadata("tenant"),
        Filter::new().matching(|one| one.name() != "b"),
        Filter::new().matching(|one| one.name() != "b").limit(2),
        Filter::new().min_age(Duration::ZERO),
    ];
    for filter in filters {
        assert_eq!(
            registry.count(&filter),
            registry.list(&filter).len(),
            "{filter:?}"
        );
    }
}

#[test]
fn r35_a_count_takes_no_snapshot_unless_the_filter_reads_one() {
    let (clockwork, registry) = (Clockwork::new(), Registry::new());
    let runtime = RuntimeHandle::new(clockwork.clone());
    let builder = Scope::builder("job").runtime(&runtime).metadata("a", "b");
    let _scope = builder.register_in(&registry).build().expect("it is sound");
    // A snapshot has the time, so it reads the clock.
    let reads_clock = |filter: &Filter| {
        let was_read = Arc::new(AtomicBool::new(false));
        let note = Arc::clone(&was_read);
        *clockwork.at_next_look.lock() = Some(Box::new(move || note.store(true, Ordering::SeqCst)));
        assert_eq!(registry.count(filter), 1);
        was_read.load(Ordering::SeqCst)
    };
    assert!(!reads_clock(&Filter::new()));
    assert!(!reads_clock(
        &Filter::new().name("j?b").status(Status::Pending).limit(7)
    ));
    assert!(!reads_clock(&Filter::new().metadata("a", "b")));
    assert!(reads_clock(&Filter::new().min_age(Duration::ZERO)));
    assert!(reads_clock(&Filter::new().matching(|_| true)));
}
