//! A WebSocket that echoes. The stop of the server closes it with code 1001.

use axum::response::Response;
use cancelable_axum::{Socket, WebSocketUpgrade};
use cancelable_core::Scope;

pub(crate) async fn socket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket: Socket, scope: Scope| {
        while let Some(Ok(message)) = socket.recv().await {
            scope.progress().advance(1);
            if socket.send(message).await.is_err() {
                return;
            }
        }
    })
}
