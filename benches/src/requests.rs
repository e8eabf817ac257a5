//! A hyper server with the layer of `cancelable-tower`, beside the same server without the layer.

use crate::{Goal, Row, compare, nanos};
use bytes::Bytes;
use cancelable_core::Scope;
use cancelable_tower::Requests;
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tower::Service;
use tower_layer::Layer;

const REQUESTS: u32 = 4_000;
const MANY: u32 = 64;
const LIMIT: Duration = Duration::from_secs(60);

const NOTE: &str = "\
the client, the kernel's loopback and hyper are in both times. What the layer adds to a request is its \
operation, with its limit and its place below the server's scope: 17 allocations, which a test counts. A scope with a \
limit is most of that time (the table of scopes); without a limit the ratio is 0.03 less.";

/// Returns the table of requests.
///
/// # Panics
///
/// If no runtime can be started, or loopback does not work.
#[must_use]
pub fn beside_hyper_alone() -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime for the benchmark");
    let alone = runtime.block_on(start(tower::service_fn(hello)));
    let layered = runtime.block_on(async {
        let handle = cancelable_tokio::current().expect("it runs on Tokio");
        let server = Scope::builder("server").runtime(&handle).build();
        let server = server.expect("it is sound");
        let run = server.run(|_| std::future::pending::<()>());
        tokio::spawn(async move {
            let _ = run.await;
        });
        let requests = Requests::of(&server).timeout(LIMIT);
        start(requests.layer(tower::service_fn(hello))).await
    });
    [
        (1, 1.2, "a request, 1 client"),
        (MANY, 1.1, "a request, 64 clients at once"),
    ]
    .map(|(clients, goal, work)| {
        compare(
            work,
            "hyper alone",
            Goal::AtMost(goal),
            || load(&runtime, layered, clients),
            || load(&runtime, alone, clients),
        )
        .noting(NOTE)
    })
    .into()
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("hello")))
}

/// Serves HTTP/1 on loopback, until the runtime ends.
async fn start<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("loopback works");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        // Ends: with the runtime.
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(service.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                let _ = connection.await;
            });
        }
    });
    address
}

/// Returns the nanoseconds of a request, while this many clients send one after the other.
fn load(runtime: &Runtime, address: SocketAddr, clients: u32) -> f64 {
    let requests = REQUESTS / clients;
    runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..clients {
            let stream = TcpStream::connect(address).await;
            let stream = stream.expect("the server accepts");
            let _ = stream.set_nodelay(true);
            streams.push(stream);
        }
        let start = Instant::now();
        let clients: Vec<_> = streams
            .into_iter()
            .map(|stream| tokio::spawn(send(stream, requests)))
            .collect();
        let sent = clients.len() as u32 * requests;
        for client in clients {
            client.await.expect("it is answered");
        }
        nanos(start.elapsed()) / f64::from(sent)
    })
}

async fn send(mut stream: TcpStream, requests: u32) {
    let mut buffer = [0; 1024];
    for _ in 0..requests {
        let request = b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n";
        stream.write_all(request).await.expect("it is sent");
        let mut length = 0;
        // Ends: the response is shorter than the buffer.
        while !buffer[..length].ends_with(b"hello") {
            let read = stream.read(&mut buffer[length..]).await;
            length += read.expect("it is answered");
        }
    }
}
