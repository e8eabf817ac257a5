//! Several runtimes in one process.

use cancelable_core::{CancellationToken, RuntimeHandle, Scope};
use std::future::pending;
use std::sync::{Arc, Barrier};
use std::thread;

/// Runs a scope of this runtime that ends with the token. The scope is entered before `all_wait` is released.
async fn ended(runtime: RuntimeHandle, token: CancellationToken, all_wait: Arc<Barrier>) -> String {
    let scope = Scope::builder("waiting")
        .runtime(&runtime)
        .token(&token)
        .build()
        .unwrap();
    let outcome = scope.run(async |_| {
        all_wait.wait();
        pending::<()>().await;
    });
    format!(
        "{} on {}",
        outcome.await.cause().unwrap().message().unwrap(),
        runtime.name()
    )
}

#[test]
fn r14_every_runtime_and_a_thread_wait_for_one_token() {
    let token = CancellationToken::new();
    let all_wait = Arc::new(Barrier::new(6));
    let start = |run: fn(CancellationToken, Arc<Barrier>) -> String| {
        let (token, all_wait) = (token.clone(), all_wait.clone());
        thread::spawn(move || run(token, all_wait))
    };
    let waiting = [
        start(|token, all_wait| {
            cancelable_tokio::block_on(async {
                ended(cancelable_tokio::current().unwrap(), token, all_wait).await
            })
        }),
        start(|token, all_wait| {
            cancelable_async_std::block_on(async {
                ended(cancelable_async_std::current().unwrap(), token, all_wait).await
            })
        }),
        start(|token, all_wait| {
            cancelable_smol::block_on(async {
                ended(cancelable_smol::current().unwrap(), token, all_wait).await
            })
        }),
        start(|token, all_wait| {
            cancelable_thread::block_on(async {
                ended(cancelable_thread::current().unwrap(), token, all_wait).await
            })
        }),
        start(|token, all_wait| {
            all_wait.wait();
            token.wait();
            format!("{} on a thread", token.message().unwrap())
        }),
    ];
    all_wait.wait();
    token.cancel_with("stop");
    let ended = waiting.map(|thread| thread.join().unwrap());
    assert_eq!(
        ended,
        [
            "stop on tokio",
            "stop on async-std",
            "stop on smol",
            "stop on thread",
            "stop on a thread"
        ]
    );
}

/// One runtime has the timer, and another runtime polls the future that waits for it.
#[test]
fn r44_a_handle_of_one_runtime_is_used_on_the_others() {
    let span = std::time::Duration::from_millis(2);
    cancelable_tokio::block_on(async {
        let tokio = cancelable_tokio::current().unwrap();
        for other in [
            cancelable_async_std::current().unwrap(),
            cancelable_smol::current().unwrap(),
            cancelable_thread::current().unwrap(),
        ] {
            let start = other.now();
            other.sleep(span).await;
            assert!(other.now() - start >= span);
            let inner = tokio.clone();
            let joined = other.spawn(async move {
                let start = inner.now();
                inner.sleep(span).await;
                assert!(inner.now() - start >= span);
                inner.spawn(async { 7 }).await
            });
            assert!(matches!(joined.await, Ok(Ok(7))));
        }
    });
}
