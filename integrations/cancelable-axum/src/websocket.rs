//! WebSockets with an operation of their own, which the drain of the server waits for.

use crate::shared::Server;
use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade as Upgrade};
use axum::response::{IntoResponse, Response};
use cancelable_core::{Cause, Operation, Reason, Scope};
use cancelable_tower::Client;
use futures_util::{Sink, Stream, StreamExt};
use http::StatusCode;
use http::request::Parts;
use parking_lot::Mutex;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The time that a client has to take the last frame of its socket.
const CLOSE: Duration = Duration::from_secs(1);

/// The close code of RFC 6455 for an endpoint that goes away.
const GOING_AWAY: u16 = 1001;
const TRY_AGAIN_LATER: u16 = 1013;
const INTERNAL_ERROR: u16 = 1011;

/// The extractor of a request that becomes a WebSocket.
///
/// The socket has an operation of its own, a child of the server's scope: it is listed, the drain of the server
/// waits for it, and its cancellation closes it, with code 1001 if the server stops. The request itself ends with
/// the upgrade. Needs [`serve`](crate::serve()).
///
/// # Examples
///
/// ```
/// use axum::response::Response;
/// use cancelable_axum::{Socket, WebSocketUpgrade};
/// use cancelable_core::Scope;
///
/// async fn echo(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.on_upgrade(async |mut socket: Socket, _scope: Scope| {
///         while let Some(Ok(message)) = socket.recv().await {
///             if socket.send(message).await.is_err() {
///                 return;
///             }
///         }
///     })
/// }
/// # let _: axum::Router = axum::Router::new().route("/echo", axum::routing::any(echo));
/// ```
pub struct WebSocketUpgrade {
    upgrade: Upgrade,
    server: Server,
    name: String,
    /// The operation of the request, which the operation of the socket names.
    request: Option<Operation>,
}

impl WebSocketUpgrade {
    /// Changes the upgrade of axum, such as the size of messages or the protocols.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::response::Response;
    /// use cancelable_axum::WebSocketUpgrade;
    ///
    /// async fn chat(upgrade: WebSocketUpgrade) -> Response {
    ///     let upgrade = upgrade.configure(|upgrade| upgrade.max_message_size(64 << 10));
    ///     upgrade.on_upgrade(async |mut socket, _| while let Some(Ok(_)) = socket.recv().await {})
    /// }
    /// ```
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(Upgrade) -> Upgrade) -> Self {
        self.upgrade = change(self.upgrade);
        self
    }

    /// Answers the request, and runs `handler` with the socket in a scope of its own.
    #[track_caller]
    pub fn on_upgrade<F, Fut>(self, handler: F) -> Response
    where
        F: FnOnce(Socket, Scope) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let Self {
            upgrade,
            server,
            name,
            request,
        } = self;
        let mut scope = server.scope().child(name).location(Location::caller());
        if let Some(request) = request {
            scope = scope.metadata("request", request.label().to_string());
        }
        let Ok(scope) = scope.build() else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        // The socket counts as open from here, so that no drain ends between the request and the upgrade.
        let open = server.open(&cancelable_core::CancellationToken::never());
        open.client().set_operation(&scope);
        upgrade.on_upgrade(move |socket| async move {
            let shared = Arc::new(Mutex::new(socket));
            let socket = Socket {
                shared: Arc::clone(&shared),
            };
            let run = scope.run(move |scope| handler(socket, scope));
            let outcome = std::panic::AssertUnwindSafe(run);
            let outcome = futures_util::FutureExt::catch_unwind(outcome).await;
            let (code, reason) = match &outcome {
                Err(_) => (INTERNAL_ERROR, "the handler panicked"),
                Ok(outcome) => match outcome.cause().filter(|_| outcome.is_cancelled()) {
                    Some(cause) => close_code(cause, server.scope().is_cancelled()),
                    // The handler closed the socket, or a close without a code does.
                    None => return,
                },
            };
            let frame = CloseFrame {
                code,
                reason: reason.into(),
            };
            let close = send(&shared, Message::Close(Some(frame)));
            // A client that takes nothing is left.
            let _ = tokio::time::timeout(CLOSE, close).await;
            drop(open);
        })
    }
}

/// The code and the text with which a cancelled socket is closed.
fn close_code(cause: &Cause, is_server_stopping: bool) -> (u16, &'static str) {
    match cause.reason() {
        Reason::ShuttingDown | Reason::Signal { .. } => (GOING_AWAY, "the server is shutting down"),
        _ if is_server_stopping => (GOING_AWAY, "the server is shutting down"),
        Reason::TimedOut { .. } | Reason::DeadlineReached => {
            (GOING_AWAY, "the time limit has passed")
        }
        Reason::Resource => (
            TRY_AGAIN_LATER,
            "a resource of the server is over its limit",
        ),
        _ => (GOING_AWAY, "cancelled"),
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Some(server) = parts.extensions.get::<Server>().cloned() else {
            log::error!(target: "cancelable::request", "a WebSocket was refused: serve the router with `cancelable_axum::serve`");
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let name = format!("socket {}", crate::route(parts));
        let request = parts.extensions.get::<Client>().and_then(Client::operation);
        let upgrade = Upgrade::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        Ok(Self {
            upgrade,
            server,
            name,
            request,
        })
    }
}

/// A WebSocket whose operation may be cancelled.
///
/// The socket is a [`Stream`] and a [`Sink`] of messages.
///
/// # Examples
///
/// ```
/// use axum::extract::ws::Message;
/// use cancelable_axum::Socket;
/// use cancelable_core::Scope;
/// use std::time::Duration;
///
/// /// A handler for `WebSocketUpgrade::on_upgrade`.
/// async fn ticks(mut socket: Socket, scope: Scope) {
///     for tick in 1_u32.. {
///         tokio::time::sleep(Duration::from_secs(1)).await; // dropped here by a cancellation
///         if socket.send(Message::Text(tick.to_string().into())).await.is_err() {
///             return;
///         }
///         scope.progress().advance(1);
///     }
/// }
/// # let _ = ticks;
/// ```
pub struct Socket {
    /// The closing frame of a cancellation is sent when the handler is gone, so both have the socket. The two never
    /// use it at the same time.
    shared: Arc<Mutex<axum::extract::ws::WebSocket>>,
}

impl Socket {
    /// Receives the next message; `None` once the socket is closed.
    pub async fn recv(&mut self) -> Option<Result<Message, axum::Error>> {
        self.next().await
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// The socket is closed.
    pub async fn send(&mut self, message: Message) -> Result<(), axum::Error> {
        send(&self.shared, message).await
    }
}

async fn send(
    socket: &Mutex<axum::extract::ws::WebSocket>,
    message: Message,
) -> Result<(), axum::Error> {
    std::future::poll_fn(|cx| Pin::new(&mut *socket.lock()).poll_ready(cx)).await?;
    Pin::new(&mut *socket.lock()).start_send(message)?;
    std::future::poll_fn(|cx| Pin::new(&mut *socket.lock()).poll_flush(cx)).await
}

impl Stream for Socket {
    type Item = Result<Message, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut *self.shared.lock()).poll_next(cx));
        Poll::Ready(next)
    }
}

impl Sink<Message> for Socket {
    type Error = axum::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Pin::new(&mut *self.shared.lock()).poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), axum::Error> {
        Pin::new(&mut *self.shared.lock()).start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Pin::new(&mut *self.shared.lock()).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Pin::new(&mut *self.shared.lock()).poll_close(cx)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").finish_non_exhaustive()
    }
}
