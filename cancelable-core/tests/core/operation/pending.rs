//! The handles that keep a scope open that was not run but has finalizers.

use crate::support::log_lines::lines_of;
use crate::support::open_on;
use cancelable_core::registry::Filter;
use cancelable_core::scope::RunError;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope, Status};
use futures_util::FutureExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The handle that a finalizer holds: a handle of the scope, and a witness of its end.
struct Inside {
    scope: Scope,
    alive: Arc<()>,
}

#[test]
fn r24_r28_a_finalizer_that_holds_its_own_scope_does_not_keep_it_open() {
    let manual = ManualRuntime::new();
    for has_runtime in [true, false] {
        let (registry, ran, alive) = (
            Registry::new(),
            Arc::new(AtomicBool::new(false)),
            Arc::new(()),
        );
        let builder = Scope::builder("import").register_in(&registry);
        let builder = match has_runtime {
            true => builder.runtime(&manual.handle()),
            false => builder,
        };
        let scope = builder.build().expect("it is sound");
        let (operation, weak) = (scope.operation().clone(), scope.operation().downgrade());
        for _ in 0..2 {
            let (inside, ran) = (
                Inside {
                    scope: scope.clone(),
                    alive: alive.clone(),
                },
                ran.clone(),
            );
            let deferred = scope.defer_named("close", async move {
                let Inside {
                    scope,
                    alive: _alive,
                } = inside;
                ran.store(scope.status() == Status::NeverRun, Ordering::SeqCst);
            });
            deferred.expect("it has not ended");
        }
        assert_eq!(registry.list(&Filter::new()).len(), 1);
        let lines = lines_of(|| drop(scope));
        let warnings = lines.iter().filter(|line| line.level == log::Level::Warn);
        let warnings: Vec<_> = warnings.map(|line| line.text.as_str()).collect();
        assert!(
            warnings[0].contains("import") && warnings[0].contains("pending.rs"),
            "{warnings:?}"
        );
        assert_eq!(operation.status(), Status::NeverRun);
        assert!(registry.list(&Filter::new()).is_empty());
        manual.run_until_idle();
        match has_runtime {
            true => assert!(ran.load(Ordering::SeqCst), "the runtime runs it"),
            false => {
                let lost = warnings
                    .iter()
                    .filter(|line| line.contains("close") && line.contains("lost"));
                assert_eq!(lost.count(), 2, "{warnings:?}");
            }
        }
        assert_eq!(Arc::strong_count(&alive), 1, "what it held is gone");
        drop((operation, registry));
        assert!(weak.upgrade().is_none(), "nothing is left");
    }
}

#[test]
fn r28_a_later_clone_and_a_run_keep_a_scope_open_to_which_something_was_deferred() {
    let manual = ManualRuntime::new();
    let ran = Arc::new(AtomicBool::new(false));
    let deferred = |scope: &Scope| {
        let (own, ran) = (scope.clone(), ran.clone());
        ran.store(false, Ordering::SeqCst);
        let deferred = scope
            .defer(async move { ran.store(own.status() == Status::Running, Ordering::SeqCst) });
        deferred.expect("it has not ended");
    };
    #[allow(
        clippy::redundant_clone,
        reason = "a clone that is made after the defer is what is tested"
    )]
    let later = {
        let scope = open_on(&manual, "import");
        deferred(&scope);
        let later = scope.clone();
        assert_eq!(later.id(), scope.id());
        later
    };
    let of_later = later.clone();
    drop(later);
    assert!(manual.block_on(of_later.run(async |_| ())).is_completed());
    assert!(ran.load(Ordering::SeqCst));

    let run = {
        let scope = open_on(&manual, "import");
        deferred(&scope);
        scope.run(async |_| ())
    };
    assert!(manual.block_on(run).is_completed());
    assert!(ran.load(Ordering::SeqCst));

    // And one that is never polled does not.
    let (run, operation) = {
        let scope = open_on(&manual, "import");
        deferred(&scope);
        (
            scope.try_run(async |_| Ok::<_, ()>(())),
            scope.operation().clone(),
        )
    };
    assert_eq!(operation.status(), Status::Pending);
    drop(run);
    assert_eq!(operation.status(), Status::NeverRun);

    // A handle elsewhere that adds to the end and goes.
    let scope = open_on(&manual, "import");
    let helper = scope.clone();
    deferred(&helper);
    drop(helper);
    assert!(manual.block_on(scope.run(async |_| ())).is_completed());
}

#[test]
fn r28_a_clone_from_before_the_deferral_keeps_nothing_open_by_itself() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let before = scope.clone();
    scope.defer(async {}).expect("it has not ended");
    let after = scope.clone();
    drop(scope);
    assert_eq!(before.status(), Status::Pending);
    // Handles that were made before a deferral are distinguished from later handles, each time.
    after.defer(async {}).expect("it has not ended");
    let last = after.clone();
    drop(after);
    assert_eq!(before.status(), Status::Pending);
    drop(last);
    assert_eq!(before.status(), Status::NeverRun);
    let outcome = before
        .run(async |_| ())
        .now_or_never()
        .expect("it is refused");
    assert_eq!(outcome.status(), Status::NeverRun);
    assert!(matches!(outcome.error(), Some(RunError::AlreadyRun(_))));
    manual.run_until_idle();

    // Without a deferral each handle counts.
    let scope = open_on(&manual, "import");
    let before = scope.clone();
    drop(scope);
    assert!(manual.block_on(before.run(async |_| ())).is_completed());
}
