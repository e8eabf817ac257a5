//! A registry of many operations, whose list gains and loses pages (R35, R36).

use crate::support::hand::Numbers;
use cancelable_core::cause::OperationId;
use cancelable_core::registry::Filter;
use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, Task, Timer};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Reason, Registry, RuntimeHandle, Scope, Status};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

fn open(registry: &Registry, name: impl Into<String>) -> Scope {
    let builder = Scope::builder(name.into()).register_in(registry);
    builder.build().expect("it is sound")
}

fn ids(registry: &Registry, filter: &Filter) -> Vec<OperationId> {
    let list = registry.list(filter);
    let ids: Vec<_> = list.iter().map(|one| one.id()).collect();
    let handles = registry.operations(filter);
    assert!(handles.iter().map(|one| one.id()).eq(ids.iter().copied()));
    ids
}

/// The registry beside a map: what is listed, found and counted is the same.
fn is_as(registry: &Registry, open: &BTreeMap<OperationId, Scope>) {
    let expected = |fits: &dyn Fn(&Scope) -> bool| -> Vec<_> {
        let scopes = open.iter().filter(|(_, scope)| fits(scope));
        scopes.map(|(id, _)| *id).collect()
    };
    assert_eq!(registry.len(), open.len());
    assert_eq!(ids(registry, &Filter::new()), expected(&|_| true));
    for (pattern, start, end) in [
        ("job-7*", "job-7", ""),
        ("job-*7", "job-", "7"),
        ("a long name of a job-1*", "a long name of a job-1", ""),
        ("a long name of a *3", "a long name of a ", "3"),
        ("*5", "", "5"),
    ] {
        let filter = Filter::new().name(pattern).status(Status::Pending);
        let fits = |scope: &Scope| scope.name().starts_with(start) && scope.name().ends_with(end);
        assert_eq!(ids(registry, &filter), expected(&fits), "{pattern}");
        let most = expected(&fits).into_iter().take(3).collect::<Vec<_>>();
        assert_eq!(ids(registry, &filter.limit(3)), most);
    }
    let (first, last) = (open.values().next(), open.values().next_back());
    for above in first.into_iter().chain(last) {
        let is_below = |scope: &Scope| scope.parent().is_some_and(|own| own.id() == above.id());
        let filter = Filter::new().parent(above.id());
        assert_eq!(ids(registry, &filter), expected(&is_below));
        let found = registry.find(above.name());
        let namesake = open.values().find(|scope| scope.name() == above.name());
        assert_eq!(found.map(|one| one.id()), namesake.map(|one| one.id()));
    }
    assert!(ids(registry, &Filter::new().status(Status::Running)).is_empty());
    let tree = registry.tree();
    assert_eq!(tree.entries().len(), open.len());
}

#[test]
fn r35_r36_a_list_that_grows_and_shrinks_is_that_of_a_map() {
    let registry = Registry::builder().history(0).build();
    let mut numbers = Numbers::from_seed(7);
    let mut open_ones: BTreeMap<OperationId, Scope> = BTreeMap::new();
    let mut gone = Vec::new();
    // Fills some pages, then thins them, then goes up and down.
    for (rounds, opened_of_ten) in [(5000, 10), (3000, 0), (3000, 7), (3000, 3), (2000, 5)] {
        for _ in 0..rounds {
            if numbers.below(10) < opened_of_ten || open_ones.is_empty() {
                let number = numbers.below(1000);
                let scope = match open_ones.values().next() {
                    Some(above) if number < 50 => {
                        let child = above.child("part").build();
                        child.expect("it is sound")
                    }
                    _ if number % 2 == 0 => open(&registry, format!("job-{number}")),
                    _ => open(&registry, format!("a long name of a job-{number}")),
                };
                open_ones.insert(scope.id(), scope);
            } else {
                let from = numbers.below(open_ones.len());
                let id = *open_ones.keys().nth(from).expect("it is below the length");
                gone.push(id);
                open_ones.remove(&id);
            }
        }
        is_as(&registry, &open_ones);
        for (id, scope) in &open_ones {
            let found = registry.get(*id);
            assert_eq!(found.map(|one| one.id()), Some(scope.id()));
        }
        assert!(gone.iter().all(|id| registry.get(*id).is_none()));
    }
    open_ones.clear();
    is_as(&registry, &open_ones);
}

/// A clock that does something when it is first read: a scope reads it between taking its number and
/// entering the list.
struct Between {
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    time: Instant,
}

impl RuntimeAdapter for Between {
    fn name(&self) -> &'static str {
        "between"
    }

    fn now(&self) -> Instant {
        let act = self.act.lock().take();
        act.into_iter().for_each(|act| act());
        self.time
    }

    fn timer(&self, _: Instant) -> Pin<Box<dyn Timer>> {
        unreachable!("nothing waits")
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        Err(Refused::new(task))
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        Err(Refused::new(job))
    }
}

#[test]
fn r35_what_comes_late_to_the_list_has_its_place_there() {
    let registry = Registry::new();
    for count in [1, 40, 1500, 2500, 5000] {
        let before = open(&registry, "before");
        let meanwhile = Arc::new(Mutex::new(Vec::new()));
        let (own, kept) = (registry.clone(), Arc::clone(&meanwhile));
        let act = move || {
            let opened = (0..count).map(|_| open(&own, "meanwhile"));
            kept.lock().extend(opened);
        };
        let runtime = RuntimeHandle::new(Between {
            act: Mutex::new(Some(Box::new(act))),
            time: ManualRuntime::new().now(),
        });
        let late = Scope::builder("late")
            .runtime(&runtime)
            .register_in(&registry);
        let late = late.build().expect("it is sound");
        let all = || {
            let meanwhile = meanwhile.lock();
            let meanwhile: Vec<_> = meanwhile.iter().map(|scope| scope.id()).collect();
            [vec![before.id(), late.id()], meanwhile].concat()
        };
        assert!(all().is_sorted() && all().len() == count + 2);
        assert_eq!(ids(&registry, &Filter::new()), all());
        let found = registry.get(late.id()).expect("it is listed");
        assert_eq!(found.name(), "late");
        // Every second one goes, and then the rest.
        let mut parity = false;
        meanwhile.lock().retain(|_| {
            parity = !parity;
            parity
        });
        assert_eq!(ids(&registry, &Filter::new()), all());
        assert!(registry.get(late.id()).is_some());
        drop((before, late));
        meanwhile.lock().clear();
        assert!(registry.is_empty() && registry.list(&Filter::new()).is_empty());
    }
}

#[test]
fn r35_a_look_at_the_list_stays_what_it_was_while_operations_come_and_go() {
    let registry = Registry::new();
    let scopes: Vec<_> = (0..5000)
        .map(|number| open(&registry, format!("{number}")))
        .collect();
    let ids_before: Vec<_> = scopes.iter().map(|scope| scope.id()).collect();
    let held = Arc::new(Mutex::new((scopes, Vec::new())));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let filter = {
        let (registry, held, seen) = (registry.clone(), held.clone(), seen.clone());
        Filter::new().matching(move |one| {
            seen.lock().push(one.id());
            let ended = {
                let (scopes, late) = &mut *held.lock();
                late.push(open(&registry, "late"));
                // Of the page that is read, and of others.
                let next = scopes.len() / 2;
                (!scopes.is_empty()).then(|| scopes.swap_remove(next))
            };
            drop(ended);
            true
        })
    };
    let listed = registry.list(&filter);
    let seen = std::mem::take(&mut *seen.lock());
    assert!(seen.is_sorted() && seen.iter().all(|id| ids_before.contains(id)));
    assert!(listed.iter().map(|one| one.id()).eq(seen.iter().copied()));
    // Each was looked at that had not ended by then.
    let (scopes, late) = &mut *held.lock();
    assert!(scopes.iter().all(|scope| seen.contains(&scope.id())));
    assert_eq!(late.len(), seen.len());
    assert_eq!(registry.len(), scopes.len() + late.len());
    let mut open_ones: Vec<_> = scopes
        .iter()
        .chain(&*late)
        .map(|scope| scope.id())
        .collect();
    open_ones.sort_unstable();
    assert_eq!(ids(&registry, &Filter::new()), open_ones);
    scopes.clear();
    late.clear();
    assert!(registry.is_empty() && registry.list(&Filter::new()).is_empty());
}

#[test]
fn r35_cancelling_counts_what_a_callback_of_its_own_has_ended() {
    let registry = Registry::new();
    let outer = open(&registry, "outer");
    let part = Arc::new(Mutex::new(outer.child("part").build().ok()));
    let other = open(&registry, "other");
    let token = other.token().clone();
    let ended = Arc::new(Mutex::new((part.lock().take(), Some(other))));
    let kept = Arc::clone(&ended);
    let _callback = outer.token().on_cancel(move |_| {
        let scopes = std::mem::take(&mut *kept.lock());
        drop(scopes);
    });
    // The part was reached before it ended; the other one ended by itself, and is left alone.
    assert_eq!(registry.cancel_all(&Filter::new()), 2);
    assert!(ended.lock().0.is_none());
    assert_eq!(token.reason(), Some(Reason::ScopeEnded));
    assert_eq!(registry.len(), 1);
    drop(outer);
}

#[test]
fn r35_cancelling_does_not_count_what_the_same_cause_had_reached_before() {
    let registry = Registry::new();
    let first = open(&registry, "first");
    first.cancel_with(Reason::ShuttingDown);
    let cause = first.cause().expect("it was cancelled");
    let second = open(&registry, "second");
    let part = second.child("part").build().expect("it is sound");
    assert_eq!(registry.cancel_all_with(&Filter::new(), cause.clone()), 2);
    assert!(second.cause().is_some_and(|own| own.is_same(&cause)));
    assert_eq!(registry.cancel_all_with(&Filter::new(), cause), 0);
    drop((first, second, part));
}
