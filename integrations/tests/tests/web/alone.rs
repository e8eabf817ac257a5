//! A server of hyper and the layer, without `serve` and without axum.

use cancelable_core::operation::Hooks;
use cancelable_core::{Registry, Scope};
use cancelable_tower::{Requests, RequestsService};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tower::Service;
use tower_layer::Layer;

use crate::support::{Ended, soon};

/// A server below whose scope the layer opens requests.
pub(crate) struct Alone {
    pub(crate) address: SocketAddr,
    pub(crate) server: Scope,
    pub(crate) registry: Registry,
    ended: mpsc::UnboundedReceiver<Ended>,
}

/// Opens the scope of a server, and reports the ends of its requests.
pub(crate) async fn scope() -> (TcpListener, Alone) {
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
    let run = server.run(|_| std::future::pending::<()>());
    tokio::spawn(async move {
        let _ = run.await;
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let alone = Alone {
        address,
        server,
        registry,
        ended,
    };
    (listener, alone)
}

/// Serves `service` below the layer by HTTP/1 and HTTP/2.
pub(crate) async fn start<S, B>(service: S, layer: impl FnOnce(Requests) -> Requests) -> Alone
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    S: Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (listener, alone) = scope().await;
    let name = |parts: &http::request::Parts| parts.uri.path().to_owned().into();
    let service = layer(Requests::of(&alone.server).name(name)).layer(service);
    tokio::spawn(accept(listener, service));
    alone
}

async fn accept<S, B>(listener: TcpListener, service: RequestsService<S>)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    S: Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // Ends: with the runtime of the test.
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl Alone {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Waits for the end of the next request.
    pub(crate) async fn ended(&mut self) -> Ended {
        soon(self.ended.recv()).await.unwrap()
    }
}

/// A client of HTTP/2, on a connection of its own.
pub(crate) async fn http2<B>(stream: TcpStream) -> hyper::client::conn::http2::SendRequest<B>
where
    B: Body + Unpin + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(async move {
        let _ = connection.await;
    });
    client
}
