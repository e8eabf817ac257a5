//! Deadlines by Tokio's clock, which are exact while the clock is paused.

use cancelable_core::{Reason, Scope};
use cancelable_tokio as rt;
use std::future;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

const SECOND: Duration = Duration::from_secs(1);

fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

#[test]
fn r20_a_deadline_is_exact_while_the_clock_is_paused() {
    paused().block_on(async {
        let runtime = rt::current().unwrap();
        let start = runtime.now();
        let scope = Scope::builder("hour")
            .runtime(&runtime)
            .timeout(3600 * SECOND)
            .build()
            .unwrap();
        let outcome = scope.run(|_| future::pending::<()>()).await;
        assert_eq!(runtime.now() - start, 3600 * SECOND);
        assert_eq!(outcome.elapsed(), Some(3600 * SECOND));
        let limit = 3600 * SECOND;
        assert_eq!(
            *outcome.cause().unwrap().reason(),
            Reason::TimedOut { limit }
        );
    });
}

#[test]
fn r20_a_moved_deadline_is_exact_while_the_clock_is_paused() {
    paused().block_on(async {
        let runtime = rt::current().unwrap();
        let start = runtime.now();
        let scope = Scope::builder("moved")
            .runtime(&runtime)
            .timeout(10 * SECOND)
            .build()
            .unwrap();
        let outcome = scope.run(async |op: Scope| {
            runtime.sleep(7 * SECOND).await;
            op.set_timeout(5 * SECOND).unwrap();
            runtime.sleep(4 * SECOND).await;
            future::pending::<()>().await;
        });
        assert!(outcome.await.is_cancelled());
        assert_eq!(runtime.now() - start, 12 * SECOND);
    });
}

#[test]
fn r44_the_time_is_the_runtimes_also_on_a_thread_outside_it() {
    let tokio = paused();
    let runtime = tokio.block_on(async {
        tokio::time::advance(1000 * SECOND).await;
        rt::current().unwrap()
    });
    let inside = runtime.now();
    let outside = std::thread::spawn(move || runtime.now()).join().unwrap();
    // The system's clock is a thousand seconds behind, and is not paused.
    assert_eq!(inside, outside);
    assert_eq!(
        tokio.block_on(async { tokio::time::Instant::now().into_std() }),
        inside
    );
}

#[test]
fn r44_a_timer_that_is_made_on_a_thread_outside_follows_the_paused_clock() {
    let tokio = paused();
    let runtime = tokio.block_on(async { rt::current().unwrap() });
    let start = runtime.now();
    let maker = runtime.clone();
    let sleep = std::thread::spawn(move || maker.sleep(60 * SECOND))
        .join()
        .unwrap();
    tokio.block_on(sleep);
    assert_eq!(runtime.now() - start, 60 * SECOND);
}
