//! Clients that neither send nor read.

use crate::support::{read, read_until, start};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use cancelable_axum::Stalls;
use cancelable_core::Reason;
use std::convert::Infallible;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(50);

/// A body that never ends and is always ready.
async fn flood() -> Body {
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let chunks = futures_util::stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone()));
    Body::from_stream(chunks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_head_ends_its_connection() {
    let server = start(
        Router::new(),
        |layer| layer,
        |serve| serve.stalls(Stalls::new().head(SHORT)),
    )
    .await;
    let mut stream = server.send("GET / HT").await;
    read(&mut stream).await;
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stalls_ends_its_request_and_its_connection() {
    let app = Router::new().route("/", post(async |body: Bytes| body.len().to_string()));
    let mut server = start(
        app,
        |layer| layer,
        |serve| serve.stalls(Stalls::new().body(SHORT)),
    )
    .await;
    let mut stream = server
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nsome")
        .await;
    read(&mut stream).await;
    let (name, ..) = server.ended().await;
    assert_eq!(name, "POST /");
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_is_cut() {
    let app = Router::new().route("/", get(flood));
    let mut server = start(
        app,
        |layer| layer,
        |serve| serve.stalls(Stalls::new().write(SHORT)),
    )
    .await;
    let mut stream = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut stream, "\r\n\r\n").await;
    let (_, _, reason) = server.ended().await;
    assert_eq!(reason, Some(Reason::Disconnected));
    assert!(server.drain().await.is_clean());
    drop(stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_a_limit_cuts_a_response_that_its_client_does_not_read() {
    let app = Router::new().route("/", get(flood));
    let mut server = start(app, |layer| layer.timeout(SHORT), |serve| serve).await;
    let mut stream = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut stream, "\r\n\r\n").await;
    let (_, _, reason) = server.ended().await;
    assert!(reason.is_some_and(|reason| reason.is_timeout()));
    assert!(server.drain().await.is_clean());
    drop(stream);
}
