//! A stop while clients send, and a stop with every kind of client that is stuck.

use crate::support::{read_until, start};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use cancelable_axum::{Drain, Socket, WebSocketUpgrade};
use cancelable_core::Scope;
use futures_util::{StreamExt, stream};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
/// The last chunk of a body that is complete.
const LAST: &[u8] = b"0\r\n\r\n";

/// The end of a connection that was closed.
#[derive(Debug, PartialEq, Eq)]
enum Closed {
    /// Before a byte of the last request was answered.
    Between,
    /// In the middle of a response.
    Within,
    Refused,
}

/// Sends requests on one connection until the server closes it, and counts the responses.
async fn requests(address: SocketAddr, whole: Arc<AtomicUsize>) -> Closed {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return Closed::Refused;
    };
    let mut buffer = vec![0; 16 * 1024];
    loop {
        if stream.write_all(GET.as_bytes()).await.is_err() {
            return Closed::Between;
        }
        let mut response = Vec::new();
        while !response.ends_with(LAST) {
            match stream.read(&mut buffer).await {
                Ok(read @ 1..) => response.extend_from_slice(&buffer[..read]),
                _ if response.is_empty() => return Closed::Between,
                _ => return Closed::Within,
            }
        }
        whole.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_gives_whole_responses_or_none() {
    const CLIENTS: usize = 200;
    // With and without a phase in which the server only says that it stops.
    for unready in [Duration::from_millis(300), Duration::ZERO] {
        let begun = Arc::<AtomicUsize>::default();
        let counts = begun.clone();
        let app = Router::new().route(
            "/",
            get(async move || {
                counts.fetch_add(1, Ordering::Relaxed);
                let parts = stream::iter(0..4).then(async |_| {
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 4096]))
                });
                Body::from_stream(parts.boxed())
            }),
        );
        let finish = Duration::from_secs(30);
        let drain = Drain::new().unready(unready).finish(finish);
        let server = start(app, |layer| layer, move |serve| serve.drain(drain)).await;
        let whole = Arc::<AtomicUsize>::default();
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(requests(server.address, whole.clone()));
        }
        while whole.load(Ordering::Relaxed) < 5 * CLIENTS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let start = tokio::time::Instant::now();
        let address = server.address;
        let drained = server.drain().await;
        let took = start.elapsed();
        let (mut between, mut within) = (0, 0);
        while let Some(closed) = clients.join_next().await {
            match closed.unwrap() {
                Closed::Between => between += 1,
                Closed::Within => within += 1,
                Closed::Refused => {}
            }
        }
        let (begun, whole) = (begun.load(Ordering::Relaxed), whole.load(Ordering::Relaxed));
        println!(
            "a stop under load, unready for {unready:?}: {took:?}, {begun} handlers, {whole} whole responses, \
             {between} closed before an answer; {drained}"
        );
        assert_eq!(within, 0, "half responses");
        assert_eq!(begun, whole, "each handler's response arrives");
        assert!(drained.is_clean(), "{drained}");
        assert!(took < unready + finish, "{took:?}");
        assert!(TcpStream::connect(address).await.is_err());
    }
}

/// Streams without end, as fast as the client reads.
async fn flood() -> Body {
    Body::from_stream(stream::repeat_with(|| {
        Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 64 * 1024]))
    }))
}

/// Server-sent events, the first of which is the last.
async fn events() -> Response {
    let first = stream::iter([Ok::<_, Infallible>("data: first\n\n")]);
    let body = Body::from_stream(first.chain(stream::pending()));
    ([("content-type", "text/event-stream")], body).into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_a_stop_with_every_kind_of_stuck_client_takes_its_time_and_no_longer() {
    let echo = async |mut socket: Socket, _: Scope| {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    };
    let app = Router::new()
        .route("/upload", post(async |body: Bytes| body))
        .route("/flood", get(flood))
        .route("/events", get(events))
        .route("/slow", get(async || std::future::pending::<()>().await))
        .route(
            "/socket",
            any(async move |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)),
        );
    let (finish, grace) = (Duration::from_millis(500), Duration::from_millis(500));
    let drain = Drain::new().finish(finish).grace(grace);
    let server = start(app, |layer| layer, move |serve| serve.drain(drain)).await;
    let _idle = server.connect().await;
    let _half_head = server.send("GET /upl").await;
    let _half_body = server
        .send("POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf")
        .await;
    let _expects = server
        .send("POST /slow HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
        .await;
    let _unread = server.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let _slow = server.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut events = server.send("GET /events HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut events, "first").await;
    let mut socket = server
        .send(
            "GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await;
    read_until(&mut socket, "101").await;
    // Half an HTTP/2 preface, and an HTTP/2 connection whose streams wait with a window of nothing.
    let _half_preface = server.send("PRI * HTTP/2.0\r\n").await;
    let two = crate::alone::http2(server.connect().await).await;
    let mut waiting = tokio::task::JoinSet::new();
    for path in ["/slow", "/flood"] {
        let mut two = two.clone();
        let request = http::Request::get(format!("http://a{path}"));
        let request = request.body(http_body_util::Empty::<Bytes>::new()).unwrap();
        waiting.spawn(async move {
            let response = two.send_request(request).await;
            // Held, and never read.
            std::future::pending::<()>().await;
            drop(response);
        });
    }
    // Upload, flood, slow, events, the socket, and two of HTTP/2.
    while server.registry.len() != 8 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (start, registry) = (tokio::time::Instant::now(), server.registry.clone());
    let drained = server.drain().await;
    let took = start.elapsed();
    println!("a stop with stuck clients: {took:?}; {drained}");
    assert_eq!(drained.asked, 7, "{drained}");
    assert!(took >= finish, "{took:?}");
    // The phases, the last word to idle connections and to threads, and a machine that is busy.
    assert!(
        took < finish + grace + Duration::from_secs(5),
        "{took:?}: {}",
        registry.dump()
    );
    assert_eq!(registry.len(), 0, "{}", registry.dump());
    let mut last = Vec::new();
    let _ = events.read_to_end(&mut last).await;
    let last = String::from_utf8_lossy(&last).into_owned();
    assert!(last.contains("event: cancelled"), "{last}");
}

#[tokio::test]
async fn requests_in_the_queue_of_the_kernel_are_answered_although_the_server_stops() {
    // Below the length of the queue on every system.
    const CLIENTS: usize = 100;
    const UNREADY: Duration = Duration::from_millis(50);
    let app = Router::new().route("/", get(async || "hello"));
    let drain = Drain::new().unready(UNREADY);
    let server = start(app, |layer| layer, move |serve| serve.drain(drain)).await;
    server.stop.notify_one();
    // The server is unready by now, and waits.
    tokio::time::sleep(UNREADY / 5).await;
    // Nothing of the server runs from here on: the kernel alone has these connections, and their requests.
    let mut streams = Vec::new();
    for _ in 0..CLIENTS {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        std::io::Write::write_all(&mut stream, GET.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        streams.push(TcpStream::from_std(stream).unwrap());
    }
    let (_sender, nothing) = std::sync::mpsc::channel::<()>();
    let _ = nothing.recv_timeout(UNREADY * 2);
    let drained = server.drained().await;
    let mut whole = 0;
    for stream in &mut streams {
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        whole += usize::from(response.ends_with(b"hello"));
    }
    assert_eq!(whole, CLIENTS, "{drained}");
    assert!(drained.is_clean(), "{drained}");
}
