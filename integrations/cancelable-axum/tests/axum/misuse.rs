//! Settings, requests and ends of a server that are out of the ordinary.

use crate::support::{close, read, read_until, soon, start};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use cancelable_axum::{Drain, Stalls, requests, serve};
use cancelable_core::{Reason, Scope, Status};
use futures_util::StreamExt;
use std::convert::Infallible;
use std::future::IntoFuture;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

const SHORT: Duration = Duration::from_millis(50);
const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

#[tokio::test]
async fn a_connection_without_a_whole_preface_is_cut() {
    for bytes in ["PRI * HTTP/2.0\r\n", "P", ""] {
        let stalls = Stalls::new().head(SHORT);
        let server = start(hello(), |layer| layer, move |serve| serve.stalls(stalls)).await;
        let mut stream = server.send(bytes).await;
        read(&mut stream).await;
        assert!(server.drain().await.is_clean());
    }
}

#[tokio::test]
async fn spans_that_no_clock_holds_mean_never() {
    let most = Duration::MAX;
    let stalls = Stalls::new().head(most).body(most).write(most);
    let server = start(
        hello(),
        |layer| layer.timeout(most).longest(most).grace(most),
        |serve| {
            let drain = Drain::new().finish(most).grace(most);
            serve.stalls(stalls).ping(most).keepalive(most).drain(drain)
        },
    )
    .await;
    let mut stream = server.send(GET).await;
    read_until(&mut stream, "hello").await;
    let (mut client, connection) = hyper::client::conn::http2::handshake(
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(server.connect().await),
    )
    .await
    .unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get("http://a/").body(Body::empty()).unwrap();
    assert_eq!(
        soon(client.send_request(request)).await.unwrap().status(),
        200
    );
    drop((client, connection, stream));
    assert!(server.drain().await.is_clean());
}

#[tokio::test]
async fn a_server_without_time_stops_at_once() {
    let none = Duration::ZERO;
    let app = Router::new().route("/", get(std::future::pending::<&'static str>));
    let drain = Drain::new().unready(none).finish(none).grace(none);
    let server = start(app, |layer| layer, move |serve| serve.drain(drain)).await;
    let mut stream = server.send(GET).await;
    server.registry_has(2).await;
    server.stop.notify_one();
    server.stop.notify_one();
    let answer = read(&mut stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 503"),
        "{answer}"
    );
    let drained = server.drained().await;
    assert_eq!(drained.asked, 1, "{drained}");
}

#[tokio::test]
async fn requests_of_a_server_that_is_dropped_were_not_left_by_their_clients() {
    let app = Router::new().route("/", get(std::future::pending::<&'static str>));
    let mut server = start(app, |layer| layer, |serve| serve).await;
    let stream = server.send(GET).await;
    server.registry_has(2).await;
    server.abort();
    let (name, status, reason) = server.ended().await;
    let (name, status, reason) = match name.as_str() {
        "server" => server.ended().await,
        _ => (name, status, reason),
    };
    assert_eq!((name.as_str(), status), ("GET /", Status::Cancelled));
    assert_ne!(reason, Some(Reason::Disconnected));
    drop(stream);
}

#[tokio::test]
async fn a_body_that_panics_fails_and_the_server_lives() {
    let app = Router::new().route(
        "/",
        get(async || {
            let chunks = futures_util::stream::iter(0..2).map(|number| {
                assert!(number < 1, "in the body");
                Ok::<_, Infallible>(Bytes::from("some"))
            });
            Body::from_stream(chunks)
        }),
    );
    let mut server = start(app, |layer| layer, |serve| serve).await;
    for _ in 0..2 {
        let mut stream = server.send(GET).await;
        let answer = read(&mut stream).await;
        assert!(!answer.contains("\r\n0\r\n"), "{answer}");
        let (_, status, _) = server.ended().await;
        assert_eq!(status, Status::Failed);
    }
    assert!(server.drain().await.is_clean());
}

#[tokio::test]
async fn a_server_without_a_runtime_serves_and_stops() {
    let server = Scope::builder("server").build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = hello().layer(requests(&server));
    let drain = Drain::new().finish(Duration::ZERO).grace(Duration::ZERO);
    let running = tokio::spawn(serve(listener, app, &server).drain(drain).into_future());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(GET.as_bytes()).await.unwrap();
    read_until(&mut stream, "hello").await;
    server.cancel();
    assert!(soon(running).await.unwrap().unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_runtime_does_not_wait_for_a_thread_that_is_blocked() {
    let server = Scope::builder("server").build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Arc::new(parking_lot::Mutex::new(blocked));
    let (sender, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let handler = async move || {
        let _ = sender.send(());
        let _ = blocked.lock().recv();
        "late"
    };
    let app = Router::new()
        .route("/", get(handler))
        .layer(requests(&server));
    let drain = Drain::new().finish(Duration::ZERO).grace(Duration::ZERO);
    let running = tokio::spawn(serve(listener, app, &server).drain(drain).into_future());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(GET.as_bytes()).await.unwrap();
    soon(begun.recv()).await.unwrap();
    server.cancel();
    let ended = soon(running).await;
    drop(release);
    assert!(!ended.unwrap().unwrap().cut.is_empty());
}

#[tokio::test]
async fn a_scope_is_served_once() {
    let server = Scope::builder("server")
        .runtime(&rt::current().unwrap())
        .build()
        .unwrap();
    for is_first in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        server.cancel();
        let ended = soon(serve(listener, hello(), &server).into_future()).await;
        assert!(ended.is_err() || is_first, "{ended:?}");
    }
}

#[tokio::test]
async fn requests_that_are_no_http_end_their_connection_alone() {
    let server = start(hello(), |layer| layer, |serve| serve).await;
    let texts = [
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(1 << 20)),
        format!(
            "GET / HTTP/1.1\r\nhost: a\r\n{}\r\n",
            "a: b\r\n".repeat(1000)
        ),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\0\0\0\0\0\0garbage garbage".to_owned(),
    ];
    for text in texts {
        for is_reset in [true, false] {
            let mut stream = server.connect().await;
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
            if !is_reset {
                read(&mut stream).await;
            }
            close(stream, is_reset);
        }
    }
    let mut stream = server.send(GET).await;
    read_until(&mut stream, "hello").await;
    assert!(server.drain().await.is_clean());
}
