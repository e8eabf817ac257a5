//! Many clients that leave at once, and one that opens and resets streams without end.

use crate::support::{Running, close, read_until, soon, start};
use axum::Router;
use axum::routing::get;
use cancelable_axum::ClientGone;
use cancelable_core::{Reason, Status};
use futures_util::FutureExt;
use http::{Request, StatusCode};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

const WAIT: &str = "GET /wait HTTP/1.1\r\nhost: a\r\n\r\n";
/// With a byte behind the request, hyper does not look at the connection.
const PIPELINED: &str = "GET /wait HTTP/1.1\r\nhost: a\r\n\r\nG";

/// A handler that begins, and waits for a permit.
fn app() -> (Router, Arc<AtomicUsize>, Arc<Semaphore>) {
    let begun = Arc::<AtomicUsize>::default();
    let go = Arc::new(Semaphore::new(0));
    let (counts, permits) = (begun.clone(), go.clone());
    let wait = async move || {
        counts.fetch_add(1, Ordering::Relaxed);
        let _permit = permits.acquire().await;
        "done"
    };
    let app = Router::new()
        .route("/wait", get(wait))
        .route("/", get(async || "hello"));
    (app, begun, go)
}

/// Waits until this many requests are open.
async fn until(server: &Running, open: usize) {
    soon(async {
        while server.registry.len() != open + 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r12_500_clients_that_leave_at_once_leave_nothing_behind() {
    const CLIENTS: usize = 500;
    let (app, begun, _go) = app();
    let mut server = start(app, |layer| layer, |serve| serve).await;
    for (request, is_reset) in [(WAIT, false), (WAIT, true), (PIPELINED, false)] {
        let before = begun.load(Ordering::Relaxed);
        let mut streams = Vec::new();
        for _ in 0..CLIENTS {
            streams.push(server.send(request).await);
        }
        until(&server, CLIENTS).await;
        for stream in streams {
            close(stream, is_reset);
        }
        for _ in 0..CLIENTS {
            let (name, status, reason) = server.ended().await;
            assert_eq!(
                (name.as_str(), status, reason),
                ("GET /wait", Status::Cancelled, Some(Reason::Disconnected))
            );
        }
        until(&server, 0).await;
        assert_eq!(begun.load(Ordering::Relaxed) - before, CLIENTS);
    }
    let statistics = server.registry.statistics();
    assert_eq!(statistics.count(Status::Cancelled), 3 * CLIENTS as u64);
    assert_eq!(statistics.open(), 1);
    let mut stream = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut stream, "hello").await;
    drop(stream);
    assert!(server.drain().await.is_clean());
}

/// A client of HTTP/2 whose streams the test opens and resets.
///
/// An answer may arrive after its stream was reset. The client must remember that stream, and must not count the answer as a
/// fault of the server, after 1,024 of which it would close the connection.
async fn storm(server: &Running) -> h2::client::SendRequest<bytes::Bytes> {
    let (client, connection) = h2::client::Builder::new()
        .max_concurrent_reset_streams(10_000)
        .max_local_error_reset_streams(None)
        .handshake(server.connect().await)
        .await
        .unwrap();
    tokio::spawn(async move {
        let _ = connection.await;
    });
    client
}

fn wait() -> Request<()> {
    Request::get("http://a/wait").body(()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_a_storm_of_resets_leaves_behind_is_bounded() {
    const MOST: usize = 50;
    const WAVE: usize = 20;
    const STREAMS: usize = 2000;
    let (app, begun, go) = app();
    let most = NonZeroUsize::new(MOST).unwrap();
    let layer = |layer: cancelable_axum::Requests| {
        layer.client_gone(ClientGone::Finish).most_left_behind(most)
    };
    let mut server = start(app, layer, |serve| serve).await;
    let mut client = storm(&server).await;
    let mut refused = 0;
    for _ in 0..STREAMS / WAVE {
        let before = begun.load(Ordering::Relaxed);
        let mut streams = Vec::new();
        for _ in 0..WAVE {
            client = soon(client.ready()).await.unwrap();
            streams.push(client.send_request(wait(), true).unwrap());
        }
        // Each is answered, or its handler has begun.
        let mut answered = 0;
        soon(async {
            while begun.load(Ordering::Relaxed) - before + answered < WAVE {
                let mut waiting = Vec::new();
                for (mut response, stream) in streams.drain(..) {
                    match (&mut response).now_or_never() {
                        Some(response) => {
                            let status = response.unwrap().status();
                            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
                            answered += 1;
                        }
                        None => waiting.push((response, stream)),
                    }
                }
                streams = waiting;
                tokio::task::yield_now().await;
            }
        })
        .await;
        refused += answered;
        for (_, mut stream) in streams {
            stream.send_reset(h2::Reason::CANCEL);
        }
    }
    let begun = begun.load(Ordering::Relaxed);
    println!("a storm of {STREAMS} streams: {begun} left behind, {refused} refused");
    assert_eq!(begun + refused, STREAMS);
    // Those of the waves that were open when the bound was reached.
    assert!((MOST..=MOST + 2 * WAVE).contains(&begun), "{begun}");
    until(&server, begun).await;

    // At the bound, all else is refused. What was left behind finishes, and then the server serves as before.
    let mut stream = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut stream, "503").await;
    go.add_permits(begun);
    until(&server, 0).await;
    for _ in 0..begun {
        assert_eq!(server.ended().await.1, Status::Completed);
    }
    let mut stream = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut stream, "hello").await;
    let request = Request::get("http://a/").body(()).unwrap();
    client = soon(client.ready()).await.unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    assert_eq!(soon(response).await.unwrap().status(), StatusCode::OK);
    drop((client, stream));
    let drained = server.drain().await;
    assert!(drained.is_clean(), "{drained}");
}

/// The frames of a stream that is opened by a request for `/wait` and reset at once, by hand: a client library sends neither
/// where nothing was sent yet.
fn opened_and_reset(number: u32) -> Vec<u8> {
    const WAIT: &[u8] = b"\x82\x86\x04\x05/wait\x01\x01a";
    let stream = number.to_be_bytes();
    let mut frames = vec![0, 0, WAIT.len() as u8, 1, 5];
    frames.extend(stream);
    frames.extend(WAIT);
    frames.extend([0, 0, 4, 3, 0]);
    frames.extend(stream);
    frames.extend(8_u32.to_be_bytes());
    frames
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_that_come_as_fast_as_they_can_leave_nothing_behind() {
    const STREAMS: usize = 2000;
    let (app, begun, go) = app();
    let most = NonZeroUsize::new(50).unwrap();
    let layer = |layer: cancelable_axum::Requests| {
        layer.client_gone(ClientGone::Finish).most_left_behind(most)
    };
    let server = start(app, layer, |serve| serve).await;
    let (mut sent, mut connections) = (0, 0);
    // hyper ends a connection with too many resets, so several are needed.
    soon(async {
        while sent < STREAMS {
            connections += 1;
            let mut stream = server.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
            stream
                .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
                .await
                .unwrap();
            for number in (1..).step_by(2) {
                // The answers are not read: they fit into the buffers of the kernel.
                let frames = opened_and_reset(number);
                if sent == STREAMS || stream.write_all(&frames).await.is_err() {
                    break;
                }
                sent += 1;
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    go.add_permits(Semaphore::MAX_PERMITS);
    until(&server, 0).await;
    println!(
        "{sent} streams reset at once, on {connections} connections: {} handlers began",
        begun.load(Ordering::Relaxed)
    );
    let mut stream = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut stream, "hello").await;
    drop(stream);
    let drained = server.drain().await;
    assert_eq!((drained.asked, drained.cut.len()), (0, 0), "{drained}");
}
