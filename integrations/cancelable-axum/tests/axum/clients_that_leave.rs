//! The moment at which the server notices that a client has left, state by state, with an end and with a reset.

use crate::support::{close, read, read_until, start};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{any, get};
use cancelable_axum::{ClientGone, Limits, RequestScope};
use cancelable_core::operation::{Straggler, StragglerKind};
use cancelable_core::registry::Filter;
use cancelable_core::{Reason, Status};
use http_body_util::BodyExt;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

/// Handlers that wait for ever, after they have said that they run.
fn app() -> (Router, mpsc::UnboundedReceiver<()>) {
    let (sender, running) = mpsc::unbounded_channel();
    let wait = move |read: usize| {
        let sender = sender.clone();
        async move |body: Body| {
            let mut body = body;
            for _ in 0..read {
                drop(body.frame().await);
            }
            let _ = sender.send(());
            std::future::pending::<()>().await;
            drop(body);
        }
    };
    let without_body = wait(0);
    let app = Router::new()
        .route(
            "/dropped",
            any(async move || without_body(Body::empty()).await),
        )
        .route("/unread", any(wait(0)))
        .route("/read", any(wait(1)))
        .route(
            "/silent",
            get(async || {
                let silent = futures_util::stream::pending::<Result<Bytes, Infallible>>();
                Body::from_stream(silent)
            }),
        );
    (app, running)
}

/// The request of a state, before the client leaves.
#[cfg(unix)]
const STATES: [(&str, &str); 9] = [
    (
        "a GET in its handler",
        "GET /unread HTTP/1.1\r\nhost: a\r\n\r\n",
    ),
    (
        "a request behind it",
        "GET /unread HTTP/1.1\r\nhost: a\r\n\r\nGET /read HTTP/1.1\r\nhost: a\r\n\r\n",
    ),
    (
        "a stray line behind it",
        "GET /unread HTTP/1.1\r\nhost: a\r\n\r\n\r\n",
    ),
    (
        "a POST whose body is unread",
        "POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nsome",
    ),
    (
        "a POST whose body is partly read",
        "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nsome",
    ),
    (
        "a POST whose body the handler has dropped",
        "POST /dropped HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nsome",
    ),
    (
        "a POST that is cut within a chunk",
        "POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n9\r\nsome",
    ),
    (
        "a POST with trailers, and a request behind it",
        "POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nb: c\r\n\r\nGET",
    ),
    (
        "a POST that expects to be asked",
        "POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n",
    ),
];

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r16_a_client_that_leaves_cancels_its_request_in_every_state() {
    let (app, mut running) = app();
    let mut server = start(app, |layer| layer, |serve| serve).await;
    for (state, request) in STATES {
        for is_reset in [false, true] {
            let stream = server.send(request).await;
            running.recv().await.unwrap();
            close(stream, is_reset);
            let (_, status, reason) = server.ended().await;
            assert_eq!(
                (status, reason),
                (Status::Cancelled, Some(Reason::Disconnected)),
                "{state}, reset: {is_reset}"
            );
        }
    }
    let drained = server.drain().await;
    assert!(drained.is_clean(), "{drained}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r16_a_client_that_leaves_a_silent_body_cancels_its_request() {
    let (app, _running) = app();
    let mut server = start(app, |layer| layer, |serve| serve).await;
    for is_reset in [false, true] {
        let mut stream = server.send("GET /silent HTTP/1.1\r\nhost: a\r\n\r\n").await;
        read_until(&mut stream, "\r\n\r\n").await;
        close(stream, is_reset);
        let (name, _, reason) = server.ended().await;
        assert_eq!(
            (name.as_str(), reason),
            ("GET /silent", Some(Reason::Disconnected))
        );
    }
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_closed_connection_is_served_where_that_is_wanted() {
    let app = Router::new().route(
        "/",
        get(async || {
            tokio::task::yield_now().await;
            "hello"
        }),
    );
    let server = start(app, |layer| layer, |serve| serve.keep_half_closed()).await;
    let mut stream = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    stream.shutdown().await.unwrap();
    assert!(read(&mut stream).await.ends_with("hello"));
    assert!(server.drain().await.is_clean());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_behind_a_half_close_is_noticed() {
    let (app, mut running) = app();
    let mut server = start(app, |layer| layer, |serve| serve.keep_half_closed()).await;
    for bytes in ["", "\r\n"] {
        let request = format!("GET /unread HTTP/1.1\r\nhost: a\r\n\r\n{bytes}");
        let mut stream = server.send(&request).await;
        running.recv().await.unwrap();
        stream.shutdown().await.unwrap();
        let own = server.registry.list(&Filter::new().name("GET *"));
        assert_eq!(own.len(), 1, "the half that is left is served");
        close(stream, true);
        let (_, _, reason) = server.ended().await;
        assert_eq!(reason, Some(Reason::Disconnected), "{bytes:?}");
    }
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r16_a_reset_within_the_body_of_an_http2_request_cancels_it() {
    let (app, mut running) = app();
    let mut server = start(app, |layer| layer, |serve| serve).await;
    let io = hyper_util::rt::TokioIo::new(server.connect().await);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut client, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    for route in ["read", "unread", "dropped"] {
        let (sender, chunks) = mpsc::unbounded_channel::<Bytes>();
        sender.send(Bytes::from("some")).unwrap();
        let body = futures_util::stream::unfold(chunks, async |mut chunks| {
            let chunk = chunks.recv().await?;
            Some((Ok::<_, Infallible>(chunk), chunks))
        });
        let request = http::Request::post(format!("http://a/{route}"));
        let request = request.body(Body::from_stream(body)).unwrap();
        let mut response = Box::pin(client.send_request(request));
        tokio::select! {
            _ = response.as_mut() => panic!("it is answered"),
            running = running.recv() => running.unwrap(),
        }
        drop(response);
        let (_, _, reason) = server.ended().await;
        assert_eq!(reason, Some(Reason::Disconnected), "{route}");
        drop(sender);
    }
    drop(client);
    connection.abort();
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_finished_although_its_client_leaves() {
    let (sender, mut running) = mpsc::unbounded_channel();
    let paid = Arc::new(tokio::sync::Notify::new());
    let wait = paid.clone();
    let pay = get(async move || {
        let _ = sender.send(());
        wait.notified().await;
        "paid"
    });
    let app = Router::new().route(
        "/pay",
        pay.layer(Limits::new().client_gone(ClientGone::Finish)),
    );
    let mut server = start(app, |layer| layer, |serve| serve).await;
    let stream = server.send("GET /pay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    running.recv().await.unwrap();
    close(stream, true);
    paid.notify_one();
    let (name, status, reason) = server.ended().await;
    assert_eq!(
        (name.as_str(), status, reason),
        ("GET /pay", Status::Completed, None)
    );
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r16_a_reset_of_an_http2_stream_cancels_its_request_and_no_other() {
    let (app, mut running) = app();
    let mut server = start(app, |layer| layer, |serve| serve).await;
    let io = hyper_util::rt::TokioIo::new(server.connect().await);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut client, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = || {
        http::Request::get("http://a/unread")
            .body(http_body_util::Empty::<Bytes>::new())
            .unwrap()
    };
    let mut first = Box::pin(client.send_request(request()));
    let mut second = Box::pin(client.send_request(request()));
    for _ in 0..2 {
        tokio::select! {
            _ = first.as_mut() => panic!("it is answered"),
            _ = second.as_mut() => panic!("it is answered"),
            running = running.recv() => running.unwrap(),
        }
    }
    drop(first);
    let (_, _, reason) = server.ended().await;
    assert_eq!(reason, Some(Reason::Disconnected));
    assert_eq!(server.registry.len(), 2, "the server and the other request");
    drop(second);
    drop(client);
    connection.abort();
    let (_, _, reason) = server.ended().await;
    assert_eq!(reason, Some(Reason::Disconnected));
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_passes_first_is_the_cause() {
    let (app, mut running) = app();
    let limit = Duration::from_millis(20);
    let mut server = start(app, move |layer| layer.timeout(limit), |serve| serve).await;
    let mut stream = server
        .send("GET /unread HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    running.recv().await.unwrap();
    let response = read(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 504"), "{response}");
    let (_, _, reason) = server.ended().await;
    assert!(reason.is_some_and(|reason| reason.is_timeout()));
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r25_a_stop_waits_for_a_payment_whose_client_has_left() {
    let (sender, mut running) = mpsc::unbounded_channel();
    let (paid, done) = (
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(AtomicBool::new(false)),
    );
    let (wait, note) = (paid.clone(), done.clone());
    let pay = get(async move |RequestScope(scope): RequestScope| {
        let _ = sender.send(());
        wait.notified().await;
        let unlock = async move { note.store(true, Ordering::Relaxed) };
        let _ = scope.defer(unlock);
        "paid"
    });
    let app = Router::new().route(
        "/pay",
        pay.layer(Limits::new().client_gone(ClientGone::Finish)),
    );
    let server = start(app, |layer| layer, |serve| serve).await;
    let stream = server.send("GET /pay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    running.recv().await.unwrap();
    let filter = Filter::new().name("GET /pay");
    close(stream, true);
    // The request holds the server open once its client has left.
    let is_held = |left: &Straggler| left.kind() == StragglerKind::Hold;
    while !server.server.unfinished().iter().any(is_held) {
        tokio::task::yield_now().await;
    }
    server.stop.notify_one();
    // The listener closes once the drain begins.
    while tokio::net::TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.registry.list(&filter).len(), 1, "it runs on");
    paid.notify_one();
    let drained = server.drained().await;
    assert!(done.load(Ordering::Relaxed), "its finalizer has run");
    assert_eq!(
        (drained.finished, drained.asked, drained.cut.len()),
        (1, 0, 0),
        "{drained}"
    );
}
