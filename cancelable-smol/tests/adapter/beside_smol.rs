//! A program that uses smol itself: `smol::block_on`, smol's executor, and an executor of the program.

use cancelable_core::{Reason, Scope, current};
use cancelable_smol as rt;
use std::future::pending;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Runs a scope with a limit, in the task that polls this future.
async fn limited() -> String {
    let runtime = rt::current().unwrap();
    let scope = Scope::builder("limited")
        .runtime(&runtime)
        .timeout(MILLISECOND)
        .build()
        .unwrap();
    let outcome = scope.run(async |_| {
        assert_eq!(current().unwrap().name(), "limited");
        pending::<()>().await;
    });
    let cause = outcome.await.cause().cloned().unwrap();
    assert!(matches!(cause.reason(), Reason::TimedOut { .. }));
    cause.operation().unwrap().name().to_owned()
}

#[test]
fn r14_a_scope_runs_in_smols_own_block_on_and_tasks() {
    assert_eq!(smol::block_on(limited()), "limited");
    assert_eq!(smol::block_on(smol::spawn(limited())), "limited");
    let own = smol::Executor::new();
    assert_eq!(smol::block_on(own.run(own.spawn(limited()))), "limited");
    let local = smol::LocalExecutor::new();
    assert_eq!(smol::block_on(local.run(local.spawn(limited()))), "limited");
}

#[test]
fn r25_a_task_is_joined_by_smols_own_block_on() {
    let joined = smol::block_on(async {
        let runtime = rt::current().unwrap();
        let timer = runtime.spawn(async { smol::Timer::after(MILLISECOND).await });
        timer.await.unwrap();
        runtime.spawn_blocking(|| 7).await
    });
    assert!(matches!(joined, Ok(7)));
}
