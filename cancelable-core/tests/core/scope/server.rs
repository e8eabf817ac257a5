//! A scope that runs as long as a server, with a scope inside for each request, as in `docs/servers.md`.

use crate::support::SECOND;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Reason, RuntimeHandle, Scope, Status, current};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::future::pending;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn open(manual: &ManualRuntime) -> Scope {
    let builder = Scope::builder("server").runtime(&manual.handle());
    builder.grace(SECOND).build().expect("it is sound")
}

/// Stops in five seconds, and has `server` drain for ten from then on.
fn stops(server: &Scope, runtime: &RuntimeHandle) -> CancellationToken {
    let (stop, late) = (CancellationToken::new(), server.clone());
    let limit = stop.on_cancel(move |_| late.set_timeout(SECOND * 10).expect("it runs"));
    limit.detach();
    let (told, sleep) = (stop.clone(), runtime.sleep(SECOND * 5));
    drop(runtime.spawn(async move {
        sleep.await;
        told.cancel();
    }));
    stop
}

/// The duration of the request, and whether it completed.
async fn request(server: Scope, runtime: RuntimeHandle, span: Duration) -> (Duration, bool) {
    assert!(current().is_none(), "it is the task of a framework");
    let request = server.child("GET /").build().expect("it is sound");
    let outcome = request.run(async |_| runtime.sleep(span).await).await;
    let elapsed = outcome.elapsed().unwrap_or_default();
    let cut = outcome.cause().is_some_and(|cause| {
        let by = cause.operation().map(|operation| operation.name());
        assert_eq!((by, cause.is_inherited()), (Some("server"), true));
        matches!(cause.reason(), Reason::TimedOut { .. })
    });
    assert_eq!(cut, outcome.is_cancelled());
    (elapsed, outcome.is_completed())
}

#[test]
fn r20_a_server_drains_when_it_is_told_to_stop_and_is_cut_when_its_time_is_up() {
    for (longest, ends) in [(8, 8), (20, 15)] {
        let manual = ManualRuntime::new();
        let (runtime, server) = (manual.handle(), open(&manual));
        let stop = stops(&server, &runtime);
        let spans = [SECOND * 3, SECOND * 7, SECOND * longest];
        let start = |span| runtime.spawn(request(server.clone(), runtime.clone(), span));
        let connections: Vec<_> = spans.into_iter().map(start).collect();
        // As a framework's graceful shutdown does it.
        let outcome = manual.block_on(server.run(async |_| {
            stop.cancelled().await;
            join_all(connections).await
        }));
        assert_eq!(outcome.elapsed(), Some(SECOND * ends));
        let cut = longest > ends;
        assert_eq!(outcome.cause().is_some(), cut);
        // The requests have no grace, and the server has: it sees the connections end.
        let requests = outcome.into_value().expect("the body had ended");
        let requests: Vec<_> = requests
            .into_iter()
            .map(|request| request.expect("ended"))
            .collect();
        let whole = |seconds| (SECOND * seconds, true);
        assert_eq!(requests, [whole(3), whole(7), (SECOND * ends, !cut)]);
    }
}

#[test]
fn r20_r25_a_server_that_spawns_its_requests_joins_them_until_its_time_is_up() {
    let manual = ManualRuntime::new();
    let (runtime, server) = (manual.handle(), open(&manual));
    let stop = stops(&server, &runtime);
    let outcome = manual.block_on(server.run(async |op: Scope| {
        let start = |span| {
            let served = runtime.sleep(span);
            let connection = op.child("connection").spawn(move |_| served);
            connection.expect("the scope is running")
        };
        let connections = [SECOND * 3, SECOND * 7, SECOND * 20].map(start);
        stop.cancelled().await;
        connections
    }));
    assert_eq!(outcome.elapsed(), Some(SECOND * 15));
    assert!(
        outcome
            .cause()
            .is_some_and(|cause| matches!(cause.reason(), Reason::TimedOut { .. }))
    );
    let connections = outcome.into_value().expect("the body had ended");
    let statuses = connections.map(|connection| connection.status());
    use Status::{Cancelled, Completed};
    assert_eq!(statuses, [Completed, Completed, Cancelled]);
}

#[test]
fn r23_the_second_request_to_stop_cuts_the_drain() {
    let manual = ManualRuntime::new();
    let (runtime, server) = (manual.handle(), open(&manual));
    let stop = stops(&server, &runtime);
    let (insisting, sleep) = (server.clone(), runtime.sleep(SECOND * 6));
    drop(runtime.spawn(async move {
        sleep.await;
        insisting.cancel_now("the second signal");
    }));
    let outcome = manual.block_on(server.run(async |op: Scope| {
        // It would have a second of its own.
        let connection = op.child("connection").grace(SECOND);
        let connection = connection.spawn(|_| pending::<()>());
        drop(connection.expect("the scope is running"));
        stop.cancelled().await;
    }));
    assert_eq!(outcome.elapsed(), Some(SECOND * 6));
    let message = outcome.cause().and_then(|cause| cause.message());
    assert_eq!(message, Some("the second signal"));
}

/// Sets the flag in two seconds.
fn commit(manual: &ManualRuntime) -> (Arc<AtomicBool>, impl Future<Output = ()> + use<>) {
    let (done, runtime) = (Arc::new(AtomicBool::new(false)), manual.handle());
    let flag = done.clone();
    let commit = async move {
        runtime.sleep(SECOND * 2).await;
        flag.store(true, Ordering::SeqCst);
    };
    (done, commit)
}

#[test]
fn r22_a_client_that_goes_away_takes_a_shield_with_it_and_not_one_in_a_child() {
    let manual = ManualRuntime::new();
    let (runtime, server) = (manual.handle(), open(&manual));
    let (lost, in_place) = commit(&manual);
    let (kept, below) = commit(&manual);
    let (joined, beside) = commit(&manual);
    let outcome = manual.block_on(server.run(async |op: Scope| {
        let shield = |work| move |op: Scope| async move { op.shield(work).await };
        let one = op.child("POST /").build().expect("it is sound");
        let one = one.run(async |op: Scope| op.shield(in_place).await);
        let two = op.child("POST /").build().expect("it is sound");
        let two = two.run(async |op: Scope| {
            let commit = op.child("commit").spawn(shield(below));
            commit.expect("the scope is running").await
        });
        let three = op.child("POST /").build().expect("it is sound");
        let three = three.run(async |_| {
            let commit = op.child("commit").spawn(shield(beside));
            commit.expect("the scope is running").await
        });
        // The framework drops the handlers when their clients have gone.
        for gone in [
            one.map(drop).boxed_local(),
            two.map(drop).boxed_local(),
            three.map(drop).boxed_local(),
        ] {
            drop(runtime.timeout(SECOND, gone).await);
        }
    }));
    assert!(outcome.is_completed());
    assert!(!lost.load(Ordering::SeqCst));
    // Each had a second until its client went; the last is a child of the server, which joins it.
    assert_eq!(outcome.elapsed(), Some(SECOND * 4));
    assert!(kept.load(Ordering::SeqCst) && joined.load(Ordering::SeqCst));
}

#[test]
fn r25_a_request_that_fails_is_told_in_its_connection_and_the_server_goes_on() {
    let manual = ManualRuntime::new();
    let server = open(&manual);
    let ways: [fn() -> Result<(), io::Error>; 3] = [
        || Ok(()),
        || Err(io::Error::other("disk full")),
        || panic!("a bug"),
    ];
    let outcome = manual.block_on(server.run(async |op: Scope| {
        let mut requests = Vec::new();
        for way in ways {
            let connection = op.child("connection").spawn(move |op: Scope| async move {
                let request = op.child("GET /").build().expect("it is sound");
                let run = request.try_run(async |_| way()).with_error_text();
                let told = match AssertUnwindSafe(run).catch_unwind().await {
                    Ok(outcome) => outcome.into_result().is_ok(),
                    Err(_) => false,
                };
                (told, request.operation().clone())
            });
            requests.push(connection.expect("the scope is running").await);
        }
        assert!(!op.is_cancelled());
        requests
    }));
    assert!(outcome.is_completed() && outcome.child_failures().is_empty());
    let requests = outcome.into_value().expect("it is completed");
    let requests: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let (told, request) = request.expect("the connection has not failed");
            (told, request.status(), request.error())
        })
        .collect();
    let failed = |text: &str| (false, Status::Failed, Some(text.into()));
    assert_eq!(
        requests,
        [
            (true, Status::Completed, None),
            failed("disk full"),
            failed("panicked: a bug")
        ]
    );
}
