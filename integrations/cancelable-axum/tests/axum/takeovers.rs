//! A client that comes back with its key takes its response over, on another connection.

use crate::support::{Running, close, read, read_until, start};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use cancelable_axum::{ClientGone, Drain, Keys, Limits, RequestPolicy};
use cancelable_core::registry::Filter;
use cancelable_core::{Reason, Status};
use futures_util::stream;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const KEY: &str = "kFcdLhJ5SbWg1yVY1mHb9Q";
const LONG: Duration = Duration::from_secs(60);

/// A route that streams the words of the test.
fn app() -> (Router, mpsc::UnboundedSender<&'static str>) {
    let (sender, words) = mpsc::unbounded_channel();
    let words = Arc::new(Mutex::new(Some(words)));
    let talk = async move || {
        let words = words.lock().take().expect("the handler is called once");
        Body::from_stream(stream::unfold(words, async |mut words| {
            let word: &str = words.recv().await?;
            Some((Ok::<_, Infallible>(Bytes::from(word)), words))
        }))
    };
    let wait = Limits::new().client_gone(ClientGone::Wait(LONG));
    (Router::new().route("/talk", get(talk).layer(wait)), sender)
}

fn head(more: &str) -> String {
    format!("GET /talk HTTP/1.1\r\nhost: a\r\nx-request-key: {KEY}\r\n{more}\r\n")
}

/// Asks for the response until the server has noticed that the client before has left.
async fn again(server: &Running, more: &str) -> (tokio::net::TcpStream, String) {
    // Ends: with the notice. A client that comes back too early is answered with 409.
    loop {
        let mut stream = server.send(&head(more)).await;
        let response = read_until(&mut stream, "\r\n\r\n").await;
        if !response.starts_with("HTTP/1.1 409") {
            return (stream, response);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_for_the_client_that_comes_back() {
    for is_reset in [false, true] {
        let (app, words) = app();
        let keys = Keys::new();
        let mut server = start(app, |layer| layer.keys(&keys), |serve| serve).await;
        let mut first = server.send(&head("")).await;
        words.send("one ").unwrap();
        read_until(&mut first, "one ").await;
        close(first, is_reset);
        // A client that has missed nothing, and one that has missed a part of what was sent to the first.
        let (mut second, response) = again(&server, "").await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert!(response.contains("x-request-offset: 4\r\n"), "{response}");
        words.send("two ").unwrap();
        read_until(&mut second, "two ").await;
        close(second, is_reset);
        let (mut third, response) = again(&server, "x-request-offset: 2\r\n").await;
        assert!(response.contains("x-request-offset: 2\r\n"), "{response}");
        words.send("three").unwrap();
        drop(words);
        let rest = response + &read_until(&mut third, "0\r\n\r\n").await;
        let chunks = ["2\r\ne \r\n", "4\r\ntwo \r\n", "5\r\nthree\r\n"];
        let places = chunks.map(|chunk| rest.find(chunk));
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{rest}"
        );
        let mut ends = vec![server.ended().await];
        while ends
            .last()
            .is_some_and(|(_, status, _)| *status != Status::Completed)
        {
            ends.push(server.ended().await);
        }
        assert_eq!(ends, [("GET /talk".to_owned(), Status::Completed, None)]);
        drop(third);
        assert!(server.drain().await.is_clean());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_http2_takes_over_from_one_of_http1() {
    let (app, words) = app();
    let keys = Keys::new();
    let server = start(app, |layer| layer.keys(&keys), |serve| serve).await;
    let mut first = server.send(&head("")).await;
    words.send("one ").unwrap();
    read_until(&mut first, "one ").await;
    close(first, true);
    let io = hyper_util::rt::TokioIo::new(server.connect().await);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut client, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let response = loop {
        let request = http::Request::get("http://a/talk").header("x-request-key", KEY);
        let request = request.body(http_body_util::Empty::<Bytes>::new()).unwrap();
        let response = client.send_request(request).await.unwrap();
        if response.status() != 409 {
            break response;
        }
    };
    assert_eq!(response.status(), 200);
    words.send("two").unwrap();
    drop(words);
    let rest = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(rest, "two");
    drop(client);
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_a_stop_asks_work_that_waits_for_its_client_and_counts_it_once() {
    for comes_back in [false, true] {
        let (app, words) = app();
        let keys = Keys::new();
        let drain = Drain::new().finish(Duration::ZERO).grace(LONG);
        let mut server = start(app, |layer| layer.keys(&keys), |serve| serve.drain(drain)).await;
        let mut first = server.send(&head("")).await;
        words.send("one").unwrap();
        read_until(&mut first, "one").await;
        close(first, true);
        let (second, _) = again(&server, "").await;
        let kept = comes_back.then_some(second);
        if !comes_back {
            // The task that waits for a client holds the server open.
            while server.server.unfinished().is_empty() {
                tokio::task::yield_now().await;
            }
        }
        server.stop.notify_one();
        let (_, status, reason) = server.ended().await;
        assert_eq!(
            (status, reason),
            (Status::Cancelled, Some(Reason::ShuttingDown))
        );
        if let Some(mut second) = kept {
            assert!(!read(&mut second).await.contains("0\r\n\r\n"), "it is cut");
        }
        let drained = server.drained().await;
        assert_eq!((drained.asked, drained.cut.len()), (1, 0), "{drained}");
        drop(words);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_sets_its_policy_while_it_runs_and_its_client_is_named() {
    let (sender, mut running) = mpsc::unbounded_channel();
    let paid = Arc::new(tokio::sync::Notify::new());
    let wait = paid.clone();
    let pay = get(async move |request: RequestPolicy| {
        request.client_gone(ClientGone::Finish);
        let _ = sender.send(());
        wait.notified().await;
        "paid"
    });
    let mut server = start(
        Router::new().route("/pay", pay),
        |layer| layer,
        |serve| serve,
    )
    .await;
    let stream = server.send("GET /pay HTTP/1.1\r\nhost: a\r\n\r\n").await;
    running.recv().await.unwrap();
    let own = stream.local_addr().unwrap().to_string();
    let open = server.registry.list(&Filter::new().name("GET /pay"));
    assert_eq!(open[0].metadata().get("peer"), Some(own.as_str()));
    assert!(
        open[0].location().file().ends_with("support.rs"),
        "the place of the layer"
    );
    close(stream, true);
    paid.notify_one();
    let (_, status, _) = server.ended().await;
    assert_eq!(status, Status::Completed);
    assert!(server.drain().await.is_clean());
}
