//! Registries: listed operations, filters, cancelling, history, statistics, trees.

use crate::support::SECOND;
use cancelable_core::operation::OperationSnapshot;
use cancelable_core::registry::{CancelResult, Filter};
use cancelable_core::scope::ScopeBuilder;
use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Cause, Reason, Registry, Scope, Status};
use parking_lot::Mutex;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::future::pending;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

fn names(snapshots: &[OperationSnapshot]) -> Vec<&str> {
    snapshots.iter().map(OperationSnapshot::name).collect()
}

/// A source that cannot watch.
struct Broken;

impl Source for Broken {
    fn name(&self) -> Cow<'static, str> {
        "broken".into()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        Err(SourceError::new("torn wire"))
    }
}

struct Bench {
    manual: ManualRuntime,
    registry: Registry,
}

impl Bench {
    fn new() -> Self {
        Self {
            manual: ManualRuntime::new(),
            registry: Registry::new(),
        }
    }

    fn builder(&self, name: &'static str) -> ScopeBuilder {
        Scope::builder(name)
            .runtime(&self.manual.handle())
            .register_in(&self.registry)
    }

    fn open(&self, name: &'static str) -> Scope {
        self.builder(name).build().expect("it is sound")
    }

    fn listed(&self) -> Vec<String> {
        let list = self.registry.list(&Filter::new());
        list.iter().map(|one| one.name().to_owned()).collect()
    }

    /// Runs a scope that takes `time`.
    fn run(&self, name: &'static str, time: Duration) {
        let runtime = self.manual.handle();
        let scope = self.open(name);
        let outcome = self
            .manual
            .block_on(scope.run(async |_| runtime.sleep(time).await));
        assert!(outcome.is_completed());
    }
}

#[test]
fn r35_a_scope_is_listed_from_its_opening_to_its_end() {
    let bench = Bench::new();
    let scope = bench.open("job");
    let id = scope.id();
    assert_eq!(bench.listed(), ["job"]);
    let status = |registry: &Registry| registry.get(id).map(|job| job.status());
    assert_eq!(status(&bench.registry), Some(Status::Pending));
    let inside = bench.registry.clone();
    let outcome = bench.manual.block_on(scope.run(async |_| status(&inside)));
    assert_eq!(outcome.into_value(), Some(Some(Status::Running)));
    assert!(bench.registry.get(id).is_none() && bench.registry.is_empty());
    let history = bench.registry.history(&Filter::new());
    assert_eq!(
        (names(&history), history[0].status()),
        (vec!["job"], Status::Completed)
    );
}

#[test]
fn r28_r35_every_way_out_ends_the_listing() {
    let bench = Bench::new();
    let ended = |status: Status| {
        assert!(bench.registry.is_empty(), "{status} is listed still");
        let history = bench.registry.history(&Filter::new());
        assert_eq!(history[0].status(), status);
    };
    // An error.
    let scope = bench.open("fails");
    let outcome = bench
        .manual
        .block_on(scope.try_run(async |_| Err::<(), _>("no")));
    assert!(!outcome.is_completed());
    ended(Status::Failed);
    // A panic.
    let scope = bench.open("panics");
    let run = scope.run(async |_| panic!("boom"));
    let run = std::panic::AssertUnwindSafe(|| bench.manual.block_on(run));
    assert!(std::panic::catch_unwind(run).is_err());
    ended(Status::Failed);
    assert_eq!(
        bench.registry.history(&Filter::new())[0].error(),
        Some("panicked: boom")
    );
    // A cancel before and during.
    let scope = bench.open("cancelled");
    scope.cancel();
    assert!(
        bench
            .manual
            .block_on(scope.run(async |_| ()))
            .is_cancelled()
    );
    ended(Status::Cancelled);
    let scope = bench.builder("late").timeout(SECOND).build().unwrap();
    assert!(
        bench
            .manual
            .block_on(scope.run(|_| pending::<()>()))
            .is_cancelled()
    );
    ended(Status::Cancelled);
    // A drop of the run, with and without something left to do.
    for defers in [false, true] {
        let scope = bench.open("dropped");
        let mut run = Box::pin(scope.run(async |op: Scope| {
            if defers {
                let runtime = bench.manual.handle();
                let cleanup = async move { runtime.sleep(SECOND).await };
                op.defer(cleanup).ok().unwrap();
            }
            pending::<()>().await;
        }));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(run.as_mut().poll(&mut cx).is_pending());
        assert_eq!(bench.registry.len(), 1);
        drop(run);
        ended(Status::Cancelled);
    }
    // Never run.
    let scope = bench.open("abandoned");
    bench.manual.advance(SECOND);
    drop(scope);
    ended(Status::NeverRun);
    let history = bench.registry.history(&Filter::new());
    let abandoned = &history[0];
    assert_eq!(abandoned.ended_at(), Some(bench.manual.now()));
    assert_eq!((abandoned.age(), abandoned.elapsed()), (Some(SECOND), None));
    // A source that does not start.
    let scope = bench.builder("sourceless").source(Broken).build().unwrap();
    assert!(
        !bench
            .manual
            .block_on(scope.run(async |_| ()))
            .is_completed()
    );
    ended(Status::Failed);
    let history = bench.registry.history(&Filter::new());
    assert!(
        history[0]
            .error()
            .is_some_and(|error| error.contains("torn wire"))
    );
    // A second run ends nothing more.
    let statistics = bench.registry.statistics();
    assert_eq!(statistics.total(), 8);
    assert_eq!(statistics.open(), 0);
}

#[test]
fn r35_what_is_a_part_of_a_listed_scope_is_listed_with_it_unless_told_otherwise() {
    let bench = Bench::new();
    let other = Registry::new();
    let scope = bench.open("outer");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let outcome = bench.manual.block_on(scope.run(async |op: Scope| {
        let inner = op.child("inner").build().unwrap();
        let private = op.child("private").unregistered().build().unwrap();
        let below = private.child("below").build().unwrap();
        let elsewhere = op.child("elsewhere").register_in(&other).build().unwrap();
        let child = op.spawn(pending::<()>()).unwrap();
        seen.lock().extend(bench.listed());
        let ids = [&inner, &elsewhere, &below].map(|scope| scope.id());
        assert_eq!(
            ids.map(|id| bench.registry.get(id).is_some()),
            [true, false, false]
        );
        assert_eq!(other.len(), 1);
        child.operation().cancel();
        // They are run, so that none is reported as abandoned.
        for scope in [inner, private, below, elsewhere] {
            scope.cancel();
            assert!(scope.run(async |_| ()).await.is_cancelled());
        }
    }));
    assert!(outcome.is_completed());
    assert_eq!(*seen.lock(), ["outer", "inner", "child"]);
    assert!(bench.registry.is_empty() && other.is_empty());
}

#[test]
fn r35_the_global_registry_is_one() {
    let scope = Scope::builder("of the process").register().build().unwrap();
    let found = Registry::global().get(scope.id());
    assert_eq!(found.map(|found| found.id()), Some(scope.id()));
    assert!(Registry::global().find("of the process").is_some());
    scope.cancel();
    drop(ManualRuntime::new().block_on(scope.run(async |_| ())));
    assert!(Registry::global().get(scope.id()).is_none());
}

#[test]
fn r35_each_filter_asks_what_it_says() {
    let bench = Bench::new();
    let outer = bench
        .builder("import-1")
        .metadata("tenant", "blue")
        .build()
        .unwrap();
    bench.manual.advance(10 * SECOND);
    let inner = outer.child("import-1-page").build().unwrap();
    let other = bench.open("export");
    other.set_metadata("tenant", "red");
    let timeless = Scope::builder("timeless")
        .register_in(&bench.registry)
        .build()
        .unwrap();
    other.cancel_with("enough");

    let list = |filter: &Filter| {
        let list = bench.registry.list(filter);
        list.iter()
            .map(|one| one.name().to_owned())
            .collect::<Vec<_>>()
    };
    let all = ["import-1", "import-1-page", "export", "timeless"];
    assert_eq!(list(&Filter::new()), all);
    assert_eq!(list(&Filter::new().status(Status::Pending)), all);
    assert!(list(&Filter::new().status(Status::Running)).is_empty());
    let either = Filter::new()
        .status(Status::Running)
        .status(Status::Pending);
    assert_eq!(list(&either), all);
    assert_eq!(list(&Filter::new().name("import-?")), ["import-1"]);
    assert_eq!(list(&Filter::new().name("import*")), all[..2]);
    assert_eq!(list(&Filter::new().parent(outer.id())), ["import-1-page"]);
    assert_eq!(list(&Filter::new().min_age(SECOND)), ["import-1"]);
    assert_eq!(
        list(&Filter::new().max_age(SECOND)),
        ["import-1-page", "export"]
    );
    assert_eq!(list(&Filter::new().metadata("tenant", "red")), ["export"]);
    assert_eq!(
        list(&Filter::new().has_metadata("tenant")),
        ["import-1", "export"]
    );
    let asked = Filter::new().matching(|one| one.cause().is_some());
    assert_eq!(list(&asked), ["export"]);
    assert_eq!(list(&Filter::new().limit(2)), all[..2]);
    assert_eq!(
        list(
            &Filter::new()
                .name("import*")
                .limit(1)
                .min_age(Duration::ZERO)
        ),
        ["import-1"]
    );
    assert!(list(&Filter::new().since(bench.manual.handle().now())).is_empty());
    // The handles are the same ones.
    let found = bench.registry.operations(&Filter::new().name("export"));
    assert_eq!(found[0].id(), other.id());
    assert_eq!(
        bench.registry.find("import-1").map(|one| one.id()),
        Some(outer.id())
    );
    assert!(bench.registry.find("import").is_none());
    assert_eq!(
        names(&bench.registry.list(&Filter::new().parent(outer.id()))),
        ["import-1-page"]
    );
    drop((outer, inner, other, timeless));
}

#[test]
fn r34_a_snapshot_has_all_that_is_known() {
    let bench = Bench::new();
    let runtime = bench.manual.handle();
    let outer = bench.open("outer");
    let outcome = bench.manual.block_on(outer.run(async |op: Scope| {
        let inner = op
            .child("inner")
            .timeout(5 * SECOND)
            .metadata("k", "v")
            .build()
            .unwrap();
        runtime.sleep(SECOND).await;
        let outcome = inner.try_run(async |inner: Scope| {
            runtime.sleep(2 * SECOND).await;
            inner.set_metadata("page", "7");
            let snapshot = inner.snapshot();
            assert_eq!(snapshot.name(), "inner");
            assert_eq!(snapshot.parent(), Some(op.label()));
            assert_eq!(snapshot.status(), Status::Running);
            assert_eq!(snapshot.age(), Some(3 * SECOND));
            assert_eq!(snapshot.elapsed(), Some(2 * SECOND));
            assert_eq!(snapshot.remaining(), Some(3 * SECOND));
            assert_eq!(snapshot.deadline(), inner.deadline());
            assert_eq!((snapshot.ended_at(), snapshot.error()), (None, None));
            let noted: Vec<_> = snapshot.metadata().iter().collect();
            assert_eq!(noted, [("k", "v"), ("page", "7")]);
            let line = snapshot.to_string();
            assert_eq!(
                line,
                format!(
                    "{} inner: running for 2 s, 3 s left [k=v, page=7]",
                    inner.id()
                )
            );
            inner.cancel_with("enough");
            Err::<(), _>("the page is torn")
        });
        assert!(outcome.with_error_text().await.error().is_some());
    }));
    assert!(outcome.is_completed());
    let history = bench.registry.history(&Filter::new());
    assert_eq!(names(&history), ["outer", "inner"]);
    let inner = &history[1];
    assert_eq!(inner.status(), Status::Failed);
    assert_eq!(inner.error(), Some("the page is torn"));
    assert_eq!(
        inner.cause().and_then(|cause| cause.message()),
        Some("enough")
    );
    assert_eq!(
        (inner.age(), inner.elapsed()),
        (Some(3 * SECOND), Some(2 * SECOND))
    );
    assert_eq!(inner.taken_at(), inner.ended_at());
    let line = inner.to_string();
    let start =
        "inner: failed after 2 s, the page is torn, cancel cause: cancel requested: enough (at ";
    assert!(line.split_once(' ').unwrap().1.starts_with(start), "{line}");
}

#[test]
fn r34_the_text_of_a_failure_is_kept_however_it_fails() {
    let bench = Bench::new();
    let text = || {
        bench
            .registry
            .history(&Filter::new().status(Status::Failed))[0]
            .error()
            .map(str::to_owned)
    };
    let scope = bench.open("typed");
    drop(
        bench
            .manual
            .block_on(scope.try_run(async |_| Err::<(), u8>(7))),
    );
    assert_eq!(text().as_deref(), Some("an error of type u8"));
    // Of a child whose error counts.
    let scope = bench.open("outer");
    drop(bench.manual.block_on(scope.run(async |op: Scope| {
        let child = op.try_spawn(async { Err::<(), _>("torn") }).unwrap();
        assert!(child.await.is_err());
        pending::<()>().await;
    })));
    let failed = bench
        .registry
        .history(&Filter::new().status(Status::Failed));
    assert_eq!(
        (failed[1].name(), failed[1].error()),
        ("child", Some("torn"))
    );
    assert!(text().is_some_and(|text| text.contains("child") && text.ends_with("torn")));
    // Of a blocking call, and of a panic in it.
    let scope = bench.open("outer");
    drop(bench.manual.block_on(scope.run(async |op: Scope| {
        let call = op.try_spawn_blocking(|_| Err::<(), _>("rotten")).unwrap();
        assert!(call.await.is_err());
    })));
    let failed = bench.registry.history(&Filter::new().name("blocking call"));
    assert_eq!(failed[0].error(), Some("rotten"));
    // On a plain thread.
    let scope = bench.open("plain");
    drop(scope.try_run_blocking(|_| Err::<(), _>(7_u8)));
    assert_eq!(text().as_deref(), Some("an error of type u8"));
}

#[test]
fn r35_cancelling_by_number_answers_what_became_of_it() {
    let bench = Bench::new();
    let scope = bench.open("job");
    let id = scope.id();
    assert!(bench.registry.cancel_with(id, "stop").is_cancelled());
    let again = bench.registry.cancel(id);
    assert_eq!(again.cause().and_then(Cause::message), Some("stop"));
    assert!(
        again
            .to_string()
            .starts_with("already cancelled: cancel requested: stop (at ")
    );
    let cause = scope.cause().unwrap();
    assert_eq!(cause.message(), Some("stop"));
    assert_eq!(cause.location().file(), file!());
    assert!(
        bench
            .manual
            .block_on(scope.run(async |_| ()))
            .is_cancelled()
    );
    assert!(matches!(bench.registry.cancel(id), CancelResult::Ended));
    assert_eq!(
        scope
            .cause()
            .and_then(|cause| Some(cause.message()?.to_owned()))
            .as_deref(),
        Some("stop")
    );
    bench.registry.clear();
    assert!(
        matches!(bench.registry.cancel(id), CancelResult::Unknown),
        "the history is empty"
    );
    // One that was never cancelled has ended all the same.
    let scope = bench.open("done");
    let id = scope.id();
    assert!(
        bench
            .manual
            .block_on(scope.run(async |_| ()))
            .is_completed()
    );
    assert!(matches!(bench.registry.cancel(id), CancelResult::Ended));
    // And one of another registry is not known here.
    let other = Scope::builder("elsewhere")
        .register_in(&Registry::new())
        .build()
        .unwrap();
    assert!(matches!(
        bench.registry.cancel(other.id()),
        CancelResult::Unknown
    ));
    assert!(!other.is_cancelled());
}

#[test]
fn r35_cancelling_by_filter_counts_what_it_cancelled() {
    let bench = Bench::new();
    let outer = bench.open("job-1");
    let inner = outer.child("job-1-a").build().unwrap();
    let done = bench.open("job-2");
    let other = bench.open("other");
    done.cancel();
    // The inner one is reached through the outer one or by itself: it counts in both cases.
    assert_eq!(
        bench
            .registry
            .cancel_all_with(&Filter::new().name("job-*"), Reason::ShuttingDown),
        2
    );
    assert!(outer.is_cancelled() && inner.is_cancelled() && !other.is_cancelled());
    assert_eq!(inner.cause().unwrap().reason(), &Reason::ShuttingDown);
    assert_eq!(bench.registry.cancel_all(&Filter::new().name("job-*")), 0);
    assert_eq!(
        bench
            .registry
            .cancel_all(&Filter::new().matching(|one| one.name() == "other")),
        1
    );
    assert_eq!(bench.registry.cancel_all(&Filter::new()), 0);
    drop((outer, inner, done, other));
}

#[test]
fn r35_cancelling_by_filter_counts_without_a_runtime_too() {
    let registry = Registry::new();
    let outer = Scope::builder("outer")
        .register_in(&registry)
        .build()
        .unwrap();
    let parts: Vec<_> = (0..100)
        .map(|_| outer.child("part").build().unwrap())
        .collect();
    assert_eq!(registry.cancel_all(&Filter::new()), 101);
    drop((parts, outer));
}

#[test]
fn r35_cancels_that_race_are_counted_once_in_all() {
    let registry = Registry::new();
    let scopes: Vec<_> = (0..500)
        .map(|_| {
            Scope::builder("job")
                .register_in(&registry)
                .build()
                .unwrap()
        })
        .collect();
    let barrier = Barrier::new(4);
    let counts = thread::scope(|threads| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    barrier.wait();
                    registry.cancel_all(&Filter::new())
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum::<usize>()
    });
    assert_eq!(counts, 500);
    drop(scopes);
}

#[test]
fn r35_the_history_is_bounded_and_the_latest_comes_first() {
    let bench = Bench {
        manual: ManualRuntime::new(),
        registry: Registry::builder().history(3).build(),
    };
    for name in ["a", "b", "c", "d", "e"] {
        bench.run(name, SECOND);
    }
    let history = |filter: &Filter| {
        let history = bench.registry.history(filter);
        history
            .iter()
            .map(|one| one.name().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(history(&Filter::new()), ["e", "d", "c"]);
    assert_eq!(history(&Filter::new().limit(2)), ["e", "d"]);
    let now = bench.manual.handle().now();
    assert_eq!(history(&Filter::new().since(now - SECOND)), ["e", "d"]);
    assert!(history(&Filter::new().status(Status::Failed)).is_empty());
    let none = Registry::builder().history(0).build();
    drop(Scope::builder("x").register_in(&none).build().unwrap());
    assert!(none.history(&Filter::new()).is_empty());
    assert_eq!(none.statistics().count(Status::NeverRun), 1);
}

#[test]
fn r35_a_history_of_any_length_has_the_latest() {
    for (bound, ended, kept) in [
        (200, 450, 200),
        (64, 65, 64),
        (65, 64, 64),
        (129, 1000, 129),
    ] {
        let registry = Registry::builder().history(bound).build();
        let all: Vec<_> = (0..ended)
            .map(|_| Scope::builder("x").register_in(&registry).build().unwrap())
            .map(|scope| scope.id())
            .collect();
        let latest = all.iter().rev().take(kept);
        let history = registry.history(&Filter::new());
        let history = history.iter().map(OperationSnapshot::id);
        assert!(history.eq(latest.copied()), "{bound}: {ended}");
    }
}

#[test]
fn r35_history_is_pruned_by_age_and_keeps_failures_on_request() {
    let bench = Bench::new();
    bench.run("old", SECOND);
    let scope = bench.open("torn");
    drop(
        bench
            .manual
            .block_on(scope.try_run(async |_| Err::<(), _>(()))),
    );
    bench.manual.advance(10 * SECOND);
    bench.run("new", SECOND);
    drop(
        Scope::builder("timeless")
            .register_in(&bench.registry)
            .build()
            .unwrap(),
    );
    let point = bench.manual.handle().now() - 5 * SECOND;
    assert_eq!(bench.registry.prune_history(point, true), 2);
    assert_eq!(
        names(&bench.registry.history(&Filter::new())),
        ["new", "torn"]
    );
    assert_eq!(bench.registry.prune_history(point, false), 1);
    assert_eq!(names(&bench.registry.history(&Filter::new())), ["new"]);
    assert_eq!(bench.registry.prune_history(point, false), 0);
    assert_eq!(bench.registry.statistics().total(), 4, "the counts go on");
}

#[test]
fn r35_statistics_count_by_status_and_measure_what_has_ended() {
    let bench = Bench::new();
    assert_eq!(bench.registry.statistics().durations(), None);
    for seconds in 1..=100 {
        bench.run("job", seconds * SECOND);
    }
    drop(bench.open("abandoned"));
    let pending_one = bench.open("pending");
    let running = bench.open("running");
    let mut run = Box::pin(running.run(|_| pending::<()>()));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());

    let statistics = bench.registry.statistics();
    let counts = [
        Status::Pending,
        Status::Running,
        Status::Completed,
        Status::Cancelled,
        Status::Failed,
        Status::NeverRun,
    ]
    .map(|status| statistics.count(status));
    assert_eq!(counts, [1, 1, 100, 0, 0, 1]);
    assert_eq!((statistics.open(), statistics.total()), (2, 103));
    let durations = statistics.durations().unwrap();
    assert_eq!((durations.count(), durations.max()), (100, 100 * SECOND));
    assert_eq!(durations.mean(), Duration::from_millis(50_500));
    let near =
        |found: Duration, seconds: u32| found.abs_diff(seconds * SECOND) <= seconds * SECOND / 16;
    assert!(
        near(durations.p50(), 50) && near(durations.p99(), 99),
        "{durations:?}"
    );

    // Open operations stay listed and counted.
    bench.registry.clear();
    let statistics = bench.registry.statistics();
    assert_eq!(
        (statistics.total(), statistics.count(Status::Running)),
        (2, 1)
    );
    assert_eq!(
        (statistics.count(Status::Pending), statistics.durations()),
        (1, None)
    );
    assert!(bench.registry.history(&Filter::new()).is_empty());
    assert_eq!(bench.listed(), ["pending", "running"]);
    drop(run);
    drop(pending_one);
    let statistics = bench.registry.statistics();
    assert_eq!((statistics.open(), statistics.total()), (0, 2));
}

#[test]
fn r35_the_tree_is_the_one_of_the_operations() {
    let bench = Bench::new();
    let a = bench.open("a");
    let b = bench.open("b");
    let hidden = a.child("hidden").unregistered().build().unwrap();
    let deep = hidden
        .child("deep")
        .register_in(&bench.registry)
        .build()
        .unwrap();
    let a1 = a.child("a1").build().unwrap();
    let a11 = a1.child("a11").build().unwrap();
    let b1 = b.child("b1").build().unwrap();
    let shape = |entries: &[cancelable_core::registry::TreeEntry]| {
        entries
            .iter()
            .map(|entry| format!("{}{}", "-".repeat(entry.depth()), entry.operation().name()))
            .collect::<Vec<_>>()
    };
    let tree = bench.registry.tree();
    assert_eq!(
        shape(tree.entries()),
        ["a", "-deep", "-a1", "--a11", "b", "-b1"]
    );
    assert_eq!(shape(tree.subtree(a1.id())), ["-a1", "--a11"]);
    assert_eq!(shape(tree.subtree(b1.id())), ["-b1"]);
    assert_eq!(shape(tree.subtree(a.id())), ["a", "-deep", "-a1", "--a11"]);
    assert!(tree.subtree(hidden.id()).is_empty());
    let text = tree.to_string();
    assert!(
        text.lines()
            .nth(3)
            .unwrap()
            .starts_with(&format!("    {} a11: pending for 0 s", a11.id()))
    );
    drop((a, b, hidden, deep, a1, a11, b1));
}

#[test]
fn r36_ids_are_unique_and_counts_exact_on_many_threads() {
    const EACH: usize = 2000;
    let registry = Registry::builder().history(100).build();
    let ids = Mutex::new(BTreeSet::new());
    let barrier = Barrier::new(5);
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let manual = ManualRuntime::new();
                barrier.wait();
                let mut own = Vec::with_capacity(EACH);
                for _ in 0..EACH {
                    let scope = Scope::builder("job")
                        .register_in(&registry)
                        .build()
                        .unwrap();
                    own.push(scope.id());
                    assert!(registry.get(scope.id()).is_some());
                    assert!(manual.block_on(scope.run(async |_| ())).is_completed());
                }
                ids.lock().extend(own);
            });
        }
        threads.spawn(|| {
            barrier.wait();
            for _ in 0..200 {
                let statistics = registry.statistics();
                // Part after part of the registry is counted, and an operation may end here and the
                // next begin there meanwhile; but none is counted twice.
                let (open, total) = (statistics.open(), statistics.total());
                assert!(
                    open <= total && total <= 4 * EACH as u64,
                    "{open} of {total}"
                );
                assert!(registry.list(&Filter::new()).len() <= 4);
                assert!(registry.history(&Filter::new()).len() <= 100);
            }
        });
    });
    assert_eq!(ids.lock().len(), 4 * EACH);
    let statistics = registry.statistics();
    assert_eq!(statistics.count(Status::Completed), 4 * EACH as u64);
    assert_eq!((statistics.open(), registry.len()), (0, 0));
    assert_eq!(registry.history(&Filter::new()).len(), 100);
}

#[test]
fn r35_a_predicate_may_use_the_registry_and_the_operations() {
    let bench = Bench::new();
    let scope = bench.open("job");
    let registry = bench.registry.clone();
    let filter = Filter::new().matching(move |one| {
        let found = registry.get(one.id());
        registry.list(&Filter::new()).len() == 1
            && found.is_some_and(|found| found.cancel_with(Reason::Requested))
    });
    assert_eq!(names(&bench.registry.list(&filter)), ["job"]);
    assert!(scope.is_cancelled());
    drop(scope);
}

#[test]
fn r36_the_history_is_bounded_by_its_size_too_and_counts_what_goes_for_it() {
    let manual = ManualRuntime::new();
    let registry = Registry::builder()
        .history(64)
        .history_bytes(20_000)
        .build();
    let fail = |length: usize| {
        let builder = Scope::builder("job").runtime(&manual.handle());
        let scope = builder.register_in(&registry).build().expect("it is sound");
        let error = "x".repeat(length);
        let run = scope.try_run(async |_| Err::<(), _>(error));
        drop(manual.block_on(run.with_error_text()));
        scope.id()
    };
    let ids: Vec<_> = (0..10).map(|_| fail(4000)).collect();
    let kept = registry.history(&Filter::new());
    assert!((3..=5).contains(&kept.len()), "{}", kept.len());
    let bytes: usize = kept
        .iter()
        .filter_map(|one| one.error())
        .map(str::len)
        .sum();
    assert!(bytes <= 20_000);
    assert_eq!(registry.history_evicted(), 10 - kept.len() as u64);
    let latest: Vec<_> = kept.iter().map(|one| one.id()).collect();
    let newest: Vec<_> = ids.iter().rev().take(kept.len()).copied().collect();
    assert_eq!(latest, newest, "the oldest go");
    // One that would take the place of all others is not kept, and they are.
    fail(1_000_000);
    assert_eq!(registry.history(&Filter::new()).len(), kept.len());
    assert_eq!(registry.history_evicted(), 11 - kept.len() as u64);
    // What was taken out makes room.
    registry.clear();
    fail(4000);
    assert_eq!(registry.history(&Filter::new()).len(), 1);
    assert_eq!(registry.statistics().count(Status::Failed), 1);
}

#[test]
fn r35_a_pattern_may_mean_a_star_itself() {
    let registry = Registry::new();
    let open = |name: &'static str| Scope::builder(name).register_in(&registry).build();
    let scopes = ["a*", "ab", "a?", r"a\"].map(|name| open(name).expect("it is sound"));
    let named = |pattern: &'static str| {
        let found = registry.list(&Filter::new().name(pattern));
        let names = found.iter().map(|one| one.name().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(named(r"a\*"), ["a*"]);
    assert_eq!(named(r"a\?"), ["a?"]);
    assert_eq!(named(r"a\\"), [r"a\"]);
    assert_eq!(named("a*").len(), scopes.len());
}
