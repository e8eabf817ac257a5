//! Shields: work that finishes although its scope is cancelled.

use crate::Subject;
use cancelable_core::{RuntimeHandle, Scope, Status};
use std::cell::Cell;
use std::future;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Awaits a task, a thread and a timer of the runtime.
async fn work(runtime: &RuntimeHandle) {
    runtime.spawn(async {}).await.unwrap();
    runtime.spawn_blocking(|| ()).await.unwrap();
    runtime.sleep(MILLISECOND).await;
}

pub fn r22_a_shield_finishes_although_its_scope_is_cancelled<S: Subject>() {
    S::run(async |runtime| {
        let (finished, went_on) = (Cell::new(false), Cell::new(false));
        let scope = Scope::builder("work").runtime(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            let operation = op.operation().clone();
            op.shield(async {
                // Another task cancels while the shield is open.
                let cancel = async move { operation.cancel_with("stop") };
                runtime.spawn(cancel).detach();
                op.cancelled().await;
                work(&runtime).await;
                finished.set(true);
            })
            .await;
            went_on.set(true);
        });
        let outcome = outcome.await;
        assert_eq!(outcome.status(), Status::Cancelled);
        assert_eq!(outcome.cause().unwrap().message(), Some("stop"));
        assert_eq!((finished.get(), went_on.get()), (true, false));
    });
}

pub fn r22_a_shield_holds_up_every_cancelled_scope_above_it<S: Subject>() {
    S::run(async |runtime| {
        let (finished, went_on) = (Cell::new(false), Cell::new(false));
        let outer = Scope::builder("outer").runtime(&runtime).build().unwrap();
        let outcome = outer.run(async |outer| {
            let middle = outer.child("middle").build().unwrap();
            let middle = middle.run(async |middle| {
                let inner = middle.child("inner").build().unwrap();
                let inner = inner.run(async |inner| {
                    inner
                        .shield(async {
                            outer.cancel();
                            assert!(inner.is_cancelled());
                            work(&runtime).await;
                            finished.set(true);
                        })
                        .await;
                    went_on.set(true);
                });
                // In the poll in which the inner scope ends, the body continues to its next await.
                assert!(inner.await.is_cancelled());
                future::pending::<()>().await;
            });
            assert!(middle.await.is_cancelled());
            future::pending::<()>().await;
        });
        assert!(outcome.await.is_cancelled());
        assert_eq!((finished.get(), went_on.get()), (true, false));
    });
}

pub fn r22_a_scope_inside_a_shield_runs_although_the_one_around_it_is_cancelled<S: Subject>() {
    S::run(async |runtime| {
        let inside = Cell::new(None);
        let scope = Scope::builder("work").runtime(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            op.cancel();
            op.shield(async {
                let tidy = op.child("tidy").timeout(HOUR).build().unwrap();
                let tidied = tidy.run(async |_| {
                    work(&runtime).await;
                    7
                });
                inside.set(tidied.await.into_value());
            })
            .await;
        });
        assert!(outcome.await.is_cancelled());
        assert_eq!(inside.get(), Some(7));
    });
}

pub fn r22_a_shield_has_a_deadline_of_its_own<S: Subject>() {
    S::run(async |runtime| {
        let scope = Scope::builder("late").runtime(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            let shield = op.shield(future::pending::<()>()).within(MILLISECOND);
            shield.unwrap().await.is_err()
        });
        assert_eq!(outcome.await.into_value(), Some(true));

        // Otherwise a cancelled run would wait forever.
        let scope = Scope::builder("cut").runtime(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            op.cancel();
            let shield = op.shield(future::pending::<()>()).within(MILLISECOND);
            let _ = shield.unwrap().await;
        });
        assert!(outcome.await.is_cancelled());
    });
}

pub fn r22_a_deadline_that_passes_in_a_shield_comes_at_its_end<S: Subject>() {
    S::run(async |runtime| {
        let finished = Cell::new(false);
        let builder = Scope::builder("work").runtime(&runtime);
        let scope = builder.timeout(MILLISECOND).build().unwrap();
        let outcome = scope.run(async |op| {
            op.shield(async {
                op.cancelled().await;
                work(&runtime).await;
                finished.set(true);
            })
            .await;
            future::pending::<()>().await;
        });
        let outcome = outcome.await;
        assert!(outcome.cause().unwrap().reason().is_timeout());
        assert!(outcome.is_cancelled() && finished.get());
    });
}

pub fn r22_a_spawned_child_is_not_shielded_with_its_scope<S: Subject>() {
    S::run(async |runtime| {
        let child_is_cancelled = Cell::new(false);
        let scope = Scope::builder("work").runtime(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            op.shield(async {
                let child = op.spawn(future::pending::<()>()).unwrap();
                op.cancel();
                child_is_cancelled.set(child.await.unwrap_err().is_cancelled());
            })
            .await;
        });
        assert!(outcome.await.is_cancelled());
        assert!(child_is_cancelled.get());
    });
}
