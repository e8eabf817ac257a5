//! axum servers whose requests are cancelled when their client leaves, and a graceful shutdown in phases.
//!
//! ```no_run
//! use axum::Router;
//! use axum::routing::get;
//! use cancelable_axum::{Drain, HandlerError, RequestScope, requests, serve};
//! use std::time::Duration;
//! use tokio::net::TcpListener;
//!
//! async fn report(RequestScope(request): RequestScope) -> Result<String, HandlerError> {
//!     for _page in 0..10 {
//!         request.check()?;
//!         tokio::time::sleep(Duration::from_millis(100)).await;
//!     }
//!     Ok("10 pages".to_owned())
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let drained = rt::block_on(async {
//!         let server = rt::scope("server").register().build()?;
//!         let app = Router::new()
//!             .route("/report", get(report))
//!             .layer(requests(&server).timeout(Duration::from_secs(30)).grace(Duration::from_secs(3)));
//!         let listener = TcpListener::bind("127.0.0.1:8080").await?;
//!         let drained = serve(listener, app, &server)
//!             .stop_on(rt::shutdown)
//!             .drain(Drain::new().finish(Duration::from_secs(20)).grace(Duration::from_secs(3)))
//!             .await?;
//!         Ok::<_, Box<dyn std::error::Error>>(drained)
//!     })?;
//!     println!("{drained}");
//!     // The program ends by the signal that stopped it.
//!     if let Some(signal) = rt::Signal::from_cause(&drained.cause) {
//!         rt::exit_by(signal);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Features
//!
//! | feature | gives |
//! |---|---|
//! | `ws` | [`WebSocketUpgrade`]: sockets with an operation of their own |
//!
//! # Guides
//!
//! [servers], [scopes], [registries], [all guarantees].
//!
//! [servers]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/servers/index.html
//! [scopes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/scopes/index.html
//! [registries]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/registry/index.html
//! [all guarantees]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/semantics/index.html
//!
//! # The server and its requests
//!
//! [`serve`](serve()) takes the place of `axum::serve`: a server of HTTP/1 and HTTP/2 on hyper. The layer [`requests`]
//! runs each request in a scope of its own, with one deadline over the handler and the body. The log and the registry
//! have the cause of each end: the client disconnected, the deadline passed, the server stopped, an operator cancelled.
//!
//! # Parts
//!
//! | task | item |
//! |---|---|
//! | a scope and a deadline for each request | [`requests`] |
//! | the deadline and the policy of a route | [`Limits`], [`ClientGone`] |
//! | the policy of a request, set by its handler | [`RequestPolicy`] |
//! | the scope in a handler | [`RequestScope`], [`RequestOperation`], [`RequestToken`], [`Remaining`] |
//! | `?` in a handler | [`HandlerError`] |
//! | graceful shutdown in phases, and its report | [`Drain`], [`Drained`], [`Readiness`] |
//! | clients that send or read nothing | [`Stalls`] |
//! | WebSockets (feature `ws`) | `WebSocketUpgrade`, `Socket` |
//! | stop by key | [`Keys`], [`key_routes`] |
//! | deadlines of outgoing requests | [`OutgoingDeadline`] |
//!
//! Answers, deadline headers and the log are described in [`cancelable_tower`]. The guide [servers] has a section for each
//! part, and [examples/server] is a complete server.
//!
//! [examples/server]: https://github.com/cancelable-rs/cancelable/blob/main/examples/server
//!
//! # When a client that left is noticed
//!
//! hyper does not read a connection while a request with unread bytes is being answered: a part of an upload that
//! the handler does not read, a second request behind the first. On Unix, [`serve`](serve()) watches the socket of
//! a handler that runs for longer than 250 ms, and cancels the request when the client has closed the connection.
//! On other systems such a handler runs until its deadline. Behind a proxy, the client is the proxy. A client that
//! vanished without closing the connection is noticed by the [`keepalive`](Serve::keepalive) of TCP, by a write that
//! stalls ([`Stalls::write`]), or by a [`ping`](Serve::ping) of HTTP/2.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod app;
mod connection;
mod drain;
mod extract;
mod guard;
mod handler_error;
mod keepalive;
mod keys;
mod readiness;
mod request_body;
mod serve;
mod shared;
mod socket_watch;
mod stalled_io;
mod stalls;
mod stop_requests;
#[cfg(feature = "ws")]
mod websocket;

pub use drain::{Drain, Drained};
pub use extract::{
    NoRequests, Remaining, RequestOperation, RequestPolicy, RequestScope, RequestToken,
};
pub use handler_error::HandlerError;
pub use keys::key_routes;
pub use readiness::Readiness;
pub use request_body::RequestBody;
pub use serve::{Serve, serve};
pub use stalls::Stalls;
#[cfg(feature = "ws")]
pub use websocket::{Socket, WebSocketUpgrade};

pub use cancelable_tower::{
    BodyCut, ClientGone, DeadlineHeaders, Keys, Limits, OutgoingDeadline, OutgoingError, Requests,
};

use axum::extract::{ConnectInfo, MatchedPath};
use cancelable_core::Scope;
use http::request::Parts;
use std::borrow::Cow;
use std::net::SocketAddr;

/// Returns the layer for an axum router: each request runs in a scope below `server`, named by its method and its route,
/// such as `GET /orders/{id}`. The metadata `peer` is the address of the client.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use cancelable_core::Scope;
/// use std::time::Duration;
///
/// fn bounded(app: Router, server: &Scope) -> Router {
///     app.layer(cancelable_axum::requests(server).timeout(Duration::from_secs(30)))
/// }
/// ```
#[track_caller]
pub fn requests(server: &Scope) -> Requests {
    Requests::of(server).name(route).peer(peer)
}

/// The address of the client, which [`serve`](serve()) knows, and `axum::serve` with
/// `into_make_service_with_connect_info::<SocketAddr>()`.
fn peer(parts: &Parts) -> Option<SocketAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(*peer)
}

/// The name of a request: its method and its route.
fn route(parts: &Parts) -> Cow<'static, str> {
    let route = parts.extensions.get::<MatchedPath>();
    let method = &parts.method;
    match route {
        Some(route) => format!("{method} {}", route.as_str()).into(),
        None => format!("{method} (no route)").into(),
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
