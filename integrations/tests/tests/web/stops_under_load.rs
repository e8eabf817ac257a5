//! A stop while clients send, and a stop with every kind of client that is stuck.

use crate::support::{read_until, soon, start};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use cancelable_axum::{Drain, Readiness, Serve, Socket, WebSocketUpgrade};
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
const LONG: Duration = Duration::from_secs(600);

/// The last chunk of a body that is complete.
const LAST: &[u8] = b"0\r\n\r\n";

/// The number of what the clients of one server have seen.
#[derive(Default)]
struct Seen {
    whole: AtomicUsize,
    /// Clients that were told to close their connection.
    told: AtomicUsize,
    /// Connections that were closed before their first response, after the listener was closed.
    new_and_closed: AtomicUsize,
}

/// Sends requests until the server refuses connections, as a client that heeds `connection: close` does.
async fn requests(address: SocketAddr, seen: Arc<Seen>) {
    let mut is_told = false;
    let mut buffer = vec![0; 16 * 1024];
    // Ends: with the listener of the server.
    while let Ok(mut stream) = TcpStream::connect(address).await {
        let mut is_new = true;
        // Ends: with the connection.
        loop {
            let mut response = Vec::new();
            let mut is_open = stream.write_all(GET.as_bytes()).await.is_ok();
            while is_open && !response.ends_with(LAST) {
                match stream.read(&mut buffer).await {
                    Ok(read @ 1..) => response.extend_from_slice(&buffer[..read]),
                    _ => is_open = false,
                }
            }
            if !is_open {
                assert!(response.is_empty(), "half a response");
                assert!(
                    is_new,
                    "closed without `connection: close`, with a request on its way"
                );
                seen.new_and_closed.fetch_add(1, Ordering::Relaxed);
                break;
            }
            is_new = false;
            seen.whole.fetch_add(1, Ordering::Relaxed);
            if String::from_utf8_lossy(&response).contains("connection: close") {
                if !is_told {
                    is_told = true;
                    seen.told.fetch_add(1, Ordering::Relaxed);
                }
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_loses_no_request_of_a_client_that_was_told_to_close() {
    const CLIENTS: usize = 200;
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
    // The second request to stop ends the phase in which the server only says that it stops.
    let drain = Drain::new().unready(LONG).finish(LONG);
    let server = start(app, |layer| layer, move |serve| serve.drain(drain)).await;
    let seen = Arc::<Seen>::default();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(requests(server.address, seen.clone()));
    }
    until(|| seen.whole.load(Ordering::Relaxed) >= 5 * CLIENTS).await;
    server.stop.notify_one();
    until(|| seen.told.load(Ordering::Relaxed) == CLIENTS).await;
    let address = server.address;
    let drained = server.drain().await;
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let (begun, whole) = (
        begun.load(Ordering::Relaxed),
        seen.whole.load(Ordering::Relaxed),
    );
    println!(
        "a stop under load: {begun} handlers, {whole} whole responses, {} connections closed before their first; {drained}",
        seen.new_and_closed.load(Ordering::Relaxed)
    );
    assert_eq!(begun, whole, "each handler's response arrives");
    assert!(drained.is_clean(), "{drained}");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_without_a_warning_gives_whole_responses_or_none() {
    const CLIENTS: usize = 200;
    const LENGTH: usize = 16 * 1024;
    let body = async || Bytes::from_static(&[b'x'; LENGTH]);
    let app = Router::new().route("/", get(body));
    let server = start(app, |layer| layer, |serve| serve).await;
    let whole = Arc::<AtomicUsize>::default();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (address, whole) = (server.address, whole.clone());
        clients.spawn(async move {
            let Ok(mut stream) = TcpStream::connect(address).await else {
                return;
            };
            let mut buffer = vec![0; 16 * 1024];
            // Ends: with the connection. The next request is sent although the response says `connection: close`.
            while stream.write_all(GET.as_bytes()).await.is_ok() {
                let (mut read, mut bytes) = (0, 0);
                while bytes < LENGTH {
                    match stream.read(&mut buffer).await {
                        Ok(more @ 1..) => {
                            read += more;
                            bytes += buffer[..more].iter().filter(|byte| **byte == b'x').count();
                        }
                        _ => {
                            assert_eq!(read, 0, "half a response");
                            return;
                        }
                    }
                }
                whole.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    until(|| whole.load(Ordering::Relaxed) >= 5 * CLIENTS).await;
    let drained = server.drain().await;
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    assert!(drained.is_clean(), "{drained}");
}

/// Waits until `is_so`.
async fn until(is_so: impl Fn() -> bool) {
    soon(async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
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
    until(|| server.registry.len() == 8).await;
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
    // Streams of HTTP/2 are tasks of their own, which are dropped with their connection a moment later.
    until(|| registry.is_empty()).await;
    let mut last = Vec::new();
    let _ = events.read_to_end(&mut last).await;
    let last = String::from_utf8_lossy(&last).into_owned();
    assert!(last.contains("event: cancelled"), "{last}");
}

#[tokio::test]
async fn requests_in_the_queue_of_the_kernel_are_answered_although_the_server_stops() {
    // Below the length of the queue on every system.
    const CLIENTS: usize = 100;
    let app = Router::new().route("/", get(async || "hello"));
    let readiness = Readiness::new();
    let own = readiness.clone();
    let drain = Drain::new().unready(LONG);
    let settings = move |serve: Serve<Router>| serve.drain(drain).readiness(&own);
    let server = start(app, |layer| layer, settings).await;
    server.stop.notify_one();
    until(|| !readiness.is_ready()).await;
    // Nothing of the server runs from here on: the kernel alone has these connections, and their requests.
    let mut streams = Vec::new();
    for _ in 0..CLIENTS {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        std::io::Write::write_all(&mut stream, GET.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        streams.push(TcpStream::from_std(stream).unwrap());
    }
    // The second request to stop ends the phase in which the server accepts.
    let drained = server.drain().await;
    let mut whole = 0;
    for stream in &mut streams {
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        whole += usize::from(response.ends_with(b"hello"));
    }
    assert_eq!(whole, CLIENTS, "{drained}");
    assert!(drained.is_clean(), "{drained}");
}
