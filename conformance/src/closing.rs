//! Waits for the end of a scope.

use crate::Subject;
use cancelable_core::{CancellationToken, Scope, Status};
use std::future;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

pub fn r25_who_cancels_and_waits_is_told_when_everything_has_ended<S: Subject>() {
    S::run(async |runtime| {
        let scope = Scope::builder("work").runtime(&runtime).build().unwrap();
        let tidied = CancellationToken::new();
        let (begun, release) = (CancellationToken::new(), CancellationToken::new());
        let run = {
            let (scope, runtime) = (scope.clone(), runtime.clone());
            let (begun, release, tidied) = (begun.clone(), release.clone(), tidied.clone());
            async move {
                let run = scope.run(|op| async move {
                    let tidy = async move {
                        runtime.sleep(MILLISECOND).await;
                        tidied.cancel();
                    };
                    op.defer(tidy).unwrap();
                    let child = op.child("child").spawn(|child| async move {
                        let held = async move {
                            begun.cancel();
                            release.cancelled().await;
                        };
                        child.shield(held).await;
                    });
                    drop(child.unwrap());
                    future::pending::<()>().await;
                });
                run.await.status()
            }
        };
        let run = runtime.spawn(run);
        begun.cancelled().await;
        let callers: Vec<_> = (0..5)
            .map(|_| {
                let (operation, tidied) = (scope.operation().clone(), tidied.clone());
                runtime.spawn(async move {
                    operation.cancel();
                    let status = operation.finished().await;
                    (status, tidied.is_cancelled())
                })
            })
            .collect();
        scope.cancel();
        let (here, seen) = (scope.finished(), tidied.is_cancelled());
        assert!(scope.is_cancelled() && !seen);
        release.cancel();
        assert_eq!(here.await, Status::Cancelled);
        assert!(tidied.is_cancelled());
        for caller in callers {
            assert_eq!(caller.await.unwrap(), (Status::Cancelled, true));
        }
        assert_eq!(run.await.unwrap(), Status::Cancelled);
        // A later wait returns too.
        assert_eq!(scope.finished().await, Status::Cancelled);
    });
}
