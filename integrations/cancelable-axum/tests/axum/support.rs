//! A server in the test's own process, whose requests report their ends.

use axum::Router;
use cancelable_axum::{Drained, Requests, Serve, requests, serve};
use cancelable_core::operation::Hooks;
use cancelable_core::scope::RunError;
use cancelable_core::{Reason, Registry, Scope, Status, source};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// A limit for what should come at once, on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("it takes too long")
}

/// The end of a request: its name, its status, and the reason of its cause.
pub(crate) type Ended = (String, Status, Option<Reason>);

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) server: Scope,
    /// Each notice is one stop request.
    pub(crate) stop: Arc<Notify>,
    pub(crate) registry: Registry,
    ended: mpsc::UnboundedReceiver<Ended>,
    serve: JoinHandle<Result<Drained, RunError>>,
}

/// Starts a server. `app` makes the router, `layer` changes the layer, `settings` the server.
pub(crate) async fn start(
    app: Router,
    layer: impl FnOnce(Requests) -> Requests,
    settings: impl FnOnce(Serve<Router>) -> Serve<Router>,
) -> Running {
    let registry = Registry::new();
    let (sender, ended) = mpsc::unbounded_channel();
    registry
        .add_hooks(Hooks::new().on_end(move |operation| {
            let reason = operation.cause().map(|cause| cause.reason().clone());
            let _ = sender.send((operation.name().to_owned(), operation.status(), reason));
        }))
        .detach();
    let server = Scope::builder("server")
        .runtime(&rt::current().unwrap())
        .register_in(&registry)
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.layer(layer(requests(&server)));
    let stop = Arc::new(Notify::new());
    let requests = stop.clone();
    let running = settings(serve(listener, app, &server)).stop_on(move || {
        let requests = requests.clone();
        source::future(async move {
            requests.notified().await;
            Reason::ShuttingDown
        })
    });
    let serve = tokio::spawn(running.into_future());
    Running {
        address,
        server,
        stop,
        registry,
        ended,
        serve,
    }
}

use std::future::IntoFuture;

impl Running {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Connects, and sends these bytes.
    pub(crate) async fn send(&self, bytes: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// Waits for the end of the next request.
    pub(crate) async fn ended(&mut self) -> Ended {
        soon(self.ended.recv()).await.unwrap()
    }

    /// Waits until so many operations are open, that of the server among them.
    pub(crate) async fn registry_has(&self, operations: usize) {
        soon(async {
            while self.registry.len() < operations {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Drops the server where it is.
    pub(crate) fn abort(&self) {
        self.serve.abort();
    }

    /// Stops the server, and waits for its report.
    pub(crate) async fn drain(self) -> Drained {
        self.stop.notify_one();
        self.drained().await
    }

    pub(crate) async fn drained(self) -> Drained {
        soon(self.serve).await.unwrap().unwrap()
    }
}

/// Closes a connection, with a FIN or with a reset.
pub(crate) fn close(stream: TcpStream, is_reset: bool) {
    if is_reset {
        let socket = socket2::SockRef::from(&stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
    drop(stream);
}

/// Reads until the other side closes.
pub(crate) async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _ = soon(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until the text appears.
pub(crate) async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&bytes).contains(text) {
        let read = soon(stream.read(&mut buffer)).await.unwrap();
        assert!(
            read > 0,
            "closed after {:?}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
