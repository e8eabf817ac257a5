//! The phases of a stop, with every kind of client.

use crate::support::{read, read_until, soon, start};
use axum::Router;
use axum::routing::get;
use cancelable_axum::{Drain, Readiness, RequestScope, Serve};
use cancelable_core::{Reason, Status};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, mpsc};

const NONE: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(60);
const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A handler that waits for the test.
fn app() -> (Router, mpsc::UnboundedReceiver<()>, Arc<Notify>) {
    let (sender, running) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    let app = Router::new().route(
        "/",
        get(async move || {
            let _ = sender.send(());
            wait.notified().await;
            "done"
        }),
    );
    (app, running, go)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_open_finish_and_idle_connections_close() {
    let (app, mut running, go) = app();
    let readiness = Readiness::new();
    let own = readiness.clone();
    let server = start(app, |layer| layer, move |serve| serve.readiness(&own)).await;
    let mut idle = server.connect().await;
    let mut half = server.send("GET / HT").await;
    let mut busy = server.send(GET).await;
    running.recv().await.unwrap();
    assert!(readiness.is_ready());
    server.stop.notify_one();
    // The listener closes once the drain begins.
    while tokio::net::TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!readiness.is_ready());
    go.notify_one();
    let response = read(&mut busy).await;
    assert!(
        response.starts_with("HTTP/1.1 200") && response.ends_with("done"),
        "{response}"
    );
    assert!(response.contains("connection: close"), "{response}");
    read(&mut idle).await;
    let drained = server.drained().await;
    assert_eq!(
        (drained.finished, drained.asked, drained.cut.len()),
        (1, 0, 0),
        "{drained}"
    );
    read(&mut half).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r16_requests_that_do_not_finish_in_time_are_cancelled() {
    let (app, mut running, _go) = app();
    let mut server = start(
        app,
        |layer| layer,
        |serve| serve.drain(Drain::new().finish(NONE).grace(LONG)),
    )
    .await;
    let mut busy = server.send(GET).await;
    running.recv().await.unwrap();
    server.stop.notify_one();
    let response = read(&mut busy).await;
    assert!(response.starts_with("HTTP/1.1 503"), "{response}");
    assert!(response.contains("retry-after: 1"), "{response}");
    let (_, status, reason) = server.ended().await;
    assert_eq!(
        (status, reason),
        (Status::Cancelled, Some(Reason::ShuttingDown))
    );
    let drained = server.drained().await;
    assert_eq!(
        (drained.finished, drained.asked, drained.cut.len()),
        (0, 1, 0),
        "{drained}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r23_what_still_runs_at_the_end_is_cut_and_named() {
    let (sender, mut running) = mpsc::unbounded_channel();
    let app = Router::new().route(
        "/",
        get(async move |RequestScope(scope): RequestScope| {
            let never = std::future::pending::<()>();
            let _ = sender.send(());
            scope.shield(never).await;
        }),
    );
    let drain = Drain::new().finish(NONE).grace(NONE);
    let server = start(app, |layer| layer, move |serve| serve.drain(drain)).await;
    let mut busy = server.send(GET).await;
    running.recv().await.unwrap();
    server.stop.notify_one();
    let drained = server.drained().await;
    assert!(
        drained
            .cut
            .iter()
            .any(|cut| cut.operation().name() == "GET /"),
        "{drained}"
    );
    assert!(
        drained
            .cut
            .iter()
            .any(|cut| cut.to_string().contains(file!())),
        "{drained}"
    );
    assert!(!read(&mut busy).await.contains("200"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_wait_in_the_queue_are_served_before_the_listener_closes() {
    let app = Router::new().route("/", get(async || "hello"));
    let server = start(app, |layer| layer, |serve| serve).await;
    let mut streams = Vec::new();
    for _ in 0..50 {
        streams.push(server.send(GET).await);
    }
    server.stop.notify_one();
    for stream in &mut streams {
        let response = read(stream).await;
        assert!(response.ends_with("hello"), "{response:?}");
    }
    assert!(server.drained().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unready_server_still_accepts_and_a_second_stop_moves_on() {
    let app = Router::new().route("/", get(async || "hello"));
    let drain = Drain::new().unready(LONG);
    let readiness = Readiness::new();
    let own = readiness.clone();
    let settings = move |serve: Serve<Router>| serve.drain(drain).readiness(&own);
    let mut server = start(app, |layer| layer, settings).await;
    let mut kept = server.send(GET).await;
    read_until(&mut kept, "hello").await;
    let _ = server.ended().await;
    server.server.cancel_with("the first stop");
    while readiness.is_ready() {
        tokio::task::yield_now().await;
    }
    // The scope is cancelled, so its requests are refused; the connection is served all the same.
    kept.write_all(GET.as_bytes()).await.unwrap();
    let response = read(&mut kept).await;
    assert!(response.starts_with("HTTP/1.1 503"), "{response}");
    let mut new = server.send(GET).await;
    assert!(read(&mut new).await.starts_with("HTTP/1.1 503"));
    server.stop.notify_one();
    let drained = server.drained().await;
    assert!(
        drained.cause.to_string().contains("the first stop"),
        "{drained}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_clients_stops_at_once() {
    let server = start(Router::new(), |layer| layer, |serve| serve).await;
    let drained = soon(server.drain()).await;
    assert!(drained.is_clean());
    assert!(drained.to_string().contains("0 finished"), "{drained}");
}
