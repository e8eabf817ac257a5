//! The layer under tonic: below its own server, and below `serve`.

use crate::alone::{self, Alone, http2};
use crate::support::{self, soon};
use bytes::{Buf, BufMut, Bytes};
use cancelable_core::{Reason, Status as Ending};
use cancelable_tower::Requests;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use http::uri::PathAndQuery;
use http::{Request as HttpRequest, Response as HttpResponse, StatusCode};
use http_body_util::{BodyExt, Full};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::client::Grpc as Client;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tower::Service;

const SHORT: Duration = Duration::from_millis(300);

/// Messages that are bytes: no compiler of protocols is needed.
#[derive(Default)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// A service as generated code has it. Each method answers with a stream.
#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

/// The methods: `Slow` never answers, `Part` streams a message and waits, `Echo` answers.
struct Method(String);

impl ServerStreamingService<Bytes> for Method {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future =
        Pin<Box<dyn Future<Output = Result<Response<Self::ResponseStream>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let message = stream::iter([Ok(request.into_inner())]);
        match self.0.as_str() {
            "/test.Echo/Slow" => std::future::pending().boxed(),
            "/test.Echo/Part" => {
                std::future::ready(Ok(Response::new(message.chain(stream::pending()).boxed())))
                    .boxed()
            }
            _ => std::future::ready(Ok(Response::new(message.boxed()))).boxed(),
        }
    }
}

impl<B> Service<HttpRequest<B>> for Echo
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let method = Method(request.uri().path().to_owned());
        async move { Ok(Grpc::new(Plain).server_streaming(method, request).await) }.boxed()
    }
}

/// A server of tonic with the layer.
async fn start(layer: impl FnOnce(Requests) -> Requests) -> Alone {
    let (listener, alone) = alone::scope().await;
    let name = |parts: &http::request::Parts| parts.uri.path().to_owned().into();
    let layer = layer(Requests::of(&alone.server).name(name));
    let server = Server::builder().layer(layer).add_service(Echo);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    alone
}

async fn client(address: std::net::SocketAddr) -> Client<Channel> {
    let channel = Channel::from_shared(format!("http://{address}")).unwrap();
    let mut client = Client::new(channel.connect().await.unwrap());
    client.ready().await.unwrap();
    client
}

/// Calls a method, whose answer is a stream.
async fn call(
    client: &mut Client<Channel>,
    method: &'static str,
) -> Result<tonic::Streaming<Bytes>, Status> {
    client.ready().await.unwrap();
    let request = Request::new(Bytes::from_static(b"hello"));
    let path = PathAndQuery::from_static(method);
    let response = soon(client.server_streaming(request, path, Plain)).await?;
    Ok(response.into_inner())
}

/// A call by hand, since the client of tonic keeps its own deadline.
fn by_hand(method: &str, timeout: &str) -> HttpRequest<Full<Bytes>> {
    HttpRequest::post(format!("http://a/test.Echo/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .body(Full::from(&b"\0\0\0\0\x05hello"[..]))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_requests_that_complete_with_their_trailers() {
    let mut server = start(|layer| layer).await;
    let mut client = client(server.address).await;
    let mut messages = call(&mut client, "/test.Echo/Echo").await.unwrap();
    assert_eq!(soon(messages.message()).await.unwrap().unwrap(), "hello");
    assert_eq!(soon(messages.message()).await.unwrap(), None);
    assert_eq!(
        server.ended().await,
        ("/test.Echo/Echo".to_owned(), Ending::Completed, None)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_grpc_timeout_is_answered_by_status_4_in_trailers_alone() {
    // The server of tonic keeps the same header outside of the layer. So no such server here.
    let mut server = alone::start(Echo, |layer| layer).await;
    let mut client = http2(server.connect().await).await;
    let response = soon(client.send_request(by_hand("Slow", "300m"))).await;
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["grpc-status"], "4");
    assert!(http_body::Body::is_end_stream(response.body()));
    let limit = SHORT;
    assert_eq!(
        server.ended().await,
        (
            "/test.Echo/Slow".to_owned(),
            Ending::Cancelled,
            Some(Reason::TimedOut { limit })
        )
    );
    // Zero has passed, and what is no deadline is refused.
    for (timeout, status) in [("0S", "4"), ("5 S", "13"), ("123456789S", "13")] {
        let response = soon(client.send_request(by_hand("Echo", timeout))).await;
        let response = response.unwrap();
        assert_eq!(response.headers()["grpc-status"], status, "{timeout}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_a_server_of_tonic_keeps_grpc_timeout_itself_and_serve_leaves_it_to_the_layer() {
    let mut server = start(|layer| layer).await;
    let mut client = http2(server.connect().await).await;
    let response = soon(client.send_request(by_hand("Slow", "100m"))).await;
    let ended = server.ended().await;
    // Whichever of the two limits is noticed first.
    let (status, reason) = (
        response.unwrap().headers()["grpc-status"].clone(),
        ended.2.unwrap(),
    );
    match status.as_bytes() {
        b"4" => assert!(reason.is_timeout(), "{reason}"),
        b"1" => assert_eq!(reason, Reason::RunDropped),
        _ => panic!("{status:?}"),
    }
    let routes = tonic::service::Routes::new(Echo).into_axum_router();
    let mut server = support::start(routes, |layer| layer, |serve| serve).await;
    let mut client = http2(server.connect().await).await;
    let response = soon(client.send_request(by_hand("Slow", "100m"))).await;
    assert_eq!(response.unwrap().headers()["grpc-status"], "4");
    let reason = server.ended().await.2;
    assert!(reason.is_some_and(|reason| reason.is_timeout()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_the_limit_of_the_layer_is_status_4_below_a_server_of_tonic() {
    let mut server = start(|layer| layer.timeout(SHORT)).await;
    let mut client = client(server.address).await;
    let status = call(&mut client, "/test.Echo/Slow").await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert_eq!(server.ended().await.1, Ending::Cancelled);
    let mut messages = call(&mut client, "/test.Echo/Part").await.unwrap();
    assert_eq!(soon(messages.message()).await.unwrap().unwrap(), "hello");
    let status = soon(messages.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(!status.message().contains(".rs"), "{status}");
    assert_eq!(server.ended().await.1, Ending::Cancelled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_cut_ends_with_trailers() {
    let server = alone::start(Echo, |layer| layer).await;
    let mut client = http2(server.connect().await).await;
    let response = soon(client.send_request(by_hand("Part", "300m"))).await;
    let mut body = response.unwrap().into_body();
    let first = soon(body.frame()).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "\0\0\0\0\x05hello");
    let last = soon(body.frame()).await.unwrap().unwrap();
    let trailers = last.into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "4");
    assert!(soon(body.frame()).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_drops_its_call_cancels_it() {
    let mut server = start(|layer| layer).await;
    let mut client = client(server.address).await;
    let waiting = tokio::spawn({
        let mut client = client.clone();
        async move { call(&mut client, "/test.Echo/Slow").await.err() }
    });
    while server.registry.len() != 2 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert_eq!(
        server.ended().await,
        (
            "/test.Echo/Slow".to_owned(),
            Ending::Cancelled,
            Some(Reason::RunDropped)
        )
    );
    let mut messages = call(&mut client, "/test.Echo/Part").await.unwrap();
    assert_eq!(soon(messages.message()).await.unwrap().unwrap(), "hello");
    drop(messages);
    let ended = server.ended().await;
    assert_eq!(
        (ended.0.as_str(), ended.1),
        ("/test.Echo/Part", Ending::Cancelled)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r16_a_server_that_stops_answers_with_status_14() {
    let routes = tonic::service::Routes::new(Echo).into_axum_router();
    let drain = cancelable_axum::Drain::new().finish(Duration::ZERO);
    let server = support::start(routes, |layer| layer, move |serve| serve.drain(drain)).await;
    let mut client = client(server.address).await;
    let mut messages = call(&mut client, "/test.Echo/Part").await.unwrap();
    assert_eq!(soon(messages.message()).await.unwrap().unwrap(), "hello");
    let waiting = tokio::spawn(async move { call(&mut client, "/test.Echo/Slow").await.err() });
    while server.registry.len() != 3 {
        tokio::task::yield_now().await;
    }
    server.stop.notify_one();
    let head = soon(waiting).await.unwrap().unwrap();
    assert_eq!(head.code(), Code::Unavailable, "{head}");
    let trailers = soon(messages.message()).await.unwrap_err();
    assert_eq!(trailers.code(), Code::Unavailable, "{trailers}");
    let drained = server.drained().await;
    assert_eq!((drained.asked, drained.cut.len()), (2, 0), "{drained}");
}
