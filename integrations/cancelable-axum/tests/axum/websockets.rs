//! WebSockets: listed, waited for, and closed with a code.

use crate::support::{Running, read_until, soon, start};
use axum::Router;
use axum::routing::any;
use cancelable_axum::{Drain, Socket, WebSocketUpgrade};
use cancelable_core::registry::Filter;
use cancelable_core::{Reason, Scope, Status};
use futures_util::{SinkExt, StreamExt};
use std::future::pending;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const NONE: Duration = Duration::ZERO;

/// Sends every message back.
fn app() -> Router {
    let echo = async |mut socket: Socket, _: Scope| {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    };
    Router::new().route(
        "/echo",
        any(async move |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)),
    )
}

async fn connect(server: &Running) -> WebSocketStream<TcpStream> {
    let stream = server.connect().await;
    let (mut socket, _) = tokio_tungstenite::client_async("ws://a/echo", stream)
        .await
        .unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(
        soon(socket.next()).await.unwrap().unwrap(),
        Message::text("hello")
    );
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_is_an_operation_of_its_own_and_its_close_ends_it() {
    let mut server = start(app(), |layer| layer, |serve| serve).await;
    let mut socket = connect(&server).await;
    let (name, status, _) = server.ended().await;
    assert_eq!(
        (name.as_str(), status),
        ("GET /echo", Status::Completed),
        "the request ends with the upgrade"
    );
    let open = server.registry.list(&Filter::new().name("socket *"));
    assert_eq!(open[0].name(), "socket GET /echo");
    socket.close(None).await.unwrap();
    let (name, status, _) = server.ended().await;
    assert_eq!(
        (name.as_str(), status),
        ("socket GET /echo", Status::Completed)
    );
    assert!(server.drain().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_drain_waits_for_a_socket_and_closes_it_with_a_code() {
    let drain = Drain::new().finish(NONE);
    let mut server = start(app(), |layer| layer, move |serve| serve.drain(drain)).await;
    let mut socket = connect(&server).await;
    let _ = server.ended().await;
    server.stop.notify_one();
    let last = soon(socket.next()).await.unwrap().unwrap();
    let Message::Close(Some(frame)) = last else {
        panic!("{last:?}");
    };
    assert_eq!(frame.code, CloseCode::Away);
    assert_eq!(frame.reason.as_str(), "the server is shutting down");
    let (_, status, reason) = server.ended().await;
    assert_eq!(
        (status, reason),
        (Status::Cancelled, Some(Reason::ShuttingDown))
    );
    let drained = server.drained().await;
    assert_eq!((drained.asked, drained.cut.len()), (1, 0), "{drained}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_closes_a_socket() {
    let mut server = start(app(), |layer| layer, |serve| serve).await;
    let mut socket = connect(&server).await;
    let _ = server.ended().await;
    assert_eq!(
        server.registry.cancel_all(&Filter::new().name("socket *")),
        1
    );
    let last = soon(socket.next()).await.unwrap().unwrap();
    assert!(
        matches!(&last, Message::Close(Some(frame)) if frame.reason.as_str() == "cancelled"),
        "{last:?}"
    );
    let (_, status, _) = server.ended().await;
    assert_eq!(status, Status::Cancelled);
    assert!(server.drain().await.is_clean());
}

#[tokio::test]
async fn an_upgrade_that_another_layer_prevents_leaves_no_socket() {
    let app = Router::new()
        .route(
            "/",
            any(async |upgrade: WebSocketUpgrade| {
                upgrade.on_upgrade(
                    async |mut socket: Socket, _: Scope| {
                        while let Some(Ok(_)) = socket.recv().await {}
                    },
                )
            }),
        )
        .layer(axum::middleware::map_response(
            async |_: axum::response::Response| "no socket",
        ));
    let mut server = start(app, |layer| layer, |serve| serve).await;
    let mut stream = server
        .send(
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await;
    read_until(&mut stream, "no socket").await;
    drop(stream);
    for _ in 0..2 {
        let _ = server.ended().await;
    }
    assert_eq!(server.registry.len(), 1);
    let drained = server.drain().await;
    assert!(drained.is_clean(), "{drained}");
    assert_eq!(drained.finished, 0, "{drained}");
}

#[tokio::test]
async fn a_stop_while_a_socket_closes_ends() {
    let app = Router::new().route(
        "/",
        any(async |upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(async |mut socket: Socket, _: Scope| {
                let _ = SinkExt::close(&mut socket).await;
                pending::<()>().await;
            })
        }),
    );
    let drain = Drain::new().finish(NONE);
    let mut server = start(app, |layer| layer, move |serve| serve.drain(drain)).await;
    let stream = server.connect().await;
    let (mut socket, _) = tokio_tungstenite::client_async("ws://a/", stream)
        .await
        .unwrap();
    let _ = server.ended().await;
    assert!(soon(socket.next()).await.is_some());
    assert_eq!(server.drain().await.asked, 1);
}
