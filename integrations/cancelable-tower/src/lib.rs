//! Cancellation for each HTTP request, as a Tower layer.
//!
//! ```
//! use cancelable_core::Scope;
//! use cancelable_tower::{ClientGone, Limits, Requests};
//! use std::time::Duration;
//!
//! /// The layer of the whole server: outermost.
//! fn requests(server: &Scope) -> Requests {
//!     Requests::of(server)
//!         .timeout(Duration::from_secs(30))
//!         .longest(Duration::from_secs(300))
//! }
//!
//! /// The layer of a route whose handler finishes, although its client leaves.
//! fn payments() -> Limits {
//!     Limits::new().client_gone(ClientGone::Finish)
//! }
//! ```
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
//! # The scope of a request
//!
//! The layer [`Requests`] runs each request in a scope of its own, a child of the server's scope, from the head of the
//! request to the last byte of the response. One deadline holds for the handler and the body, the registry lists the
//! request, and everything below it ends with it. The crate names no web framework and no runtime: it works under hyper,
//! axum, tonic and every other Tower stack.
//!
//! # A limit that passes
//!
//! ```
//! use bytes::Bytes;
//! use cancelable_core::{Scope, current};
//! use cancelable_tower::Requests;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use tower_layer::Layer;
//! use tower_service::Service;
//!
//! # /// A service of one function, as `tower::service_fn` gives.
//! # #[derive(Clone)]
//! # struct Slow;
//! # impl Service<Request<Full<Bytes>>> for Slow {
//! #     type Response = Response<Full<Bytes>>;
//! #     type Error = Infallible;
//! #     type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;
//! #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
//! #         std::task::Poll::Ready(Ok(()))
//! #     }
//! #     fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future { Box::pin(slow(request)) }
//! # }
//! async fn slow(_request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     let operation = current().map(|operation| operation.name().to_owned());
//!     assert_eq!(operation.as_deref(), Some("GET /slow"));
//!     std::future::pending().await
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let status = rt::block_on(async {
//!     let server = rt::scope("server").build()?;
//!     let served = server.run(async |server: Scope| {
//!         let requests = Requests::of(&server)
//!             .timeout(Duration::from_millis(5))
//!             .name(|_| "GET /slow".into());
//!         let mut service = requests.layer(Slow);
//!         let request = Request::get("/slow").body(Full::default())?;
//!         let response = service.call(request).await?;
//!         Ok::<_, Box<dyn std::error::Error>>(response.status())
//!     });
//!     served.await.complete()?
//! })?;
//! assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
//! # Ok(())
//! # }
//! ```
//!
//! # Clients that leave
//!
//! A server drops the future and the body of a response whose client has disconnected. [`ClientGone`] is the policy for
//! the handler: it is dropped, it is cancelled and ends in its grace period, it finishes, or it continues for a while.
//! [`Limits`] sets the policy of a route, and [`RequestPolicy`] that of one request.
//!
//! hyper notices a client that leaves while it reads the connection or writes to it. hyper does not notice a client
//! that left unread bytes behind: a pipelined request, or a part of an upload that the handler does not read. Then
//! the handler runs until its deadline.
//!
//! # Deadlines
//!
//! [`DeadlineHeaders`] are read from requests: `grpc-timeout`, `x-request-timeout-ms` and their like. The earliest
//! of the server's limit, the route's, the caller's and the limits that the handler sets counts.
//! [`OutgoingDeadline`] writes the time that is left to the requests that a handler makes.
//!
//! # Answers
//!
//! A request that is cancelled before the head of its response is answered by a problem document
//! (`application/problem+json`), or by a status of gRPC. The text has the reason and never a source location.
//!
//! | cause | HTTP | gRPC |
//! |---|---|---|
//! | a limit has passed | 504 | 4 |
//! | the server shuts down | 503, `retry-after`, `connection: close` | 14 |
//! | cancelled by an operator | 503 | 1 |
//! | a resource over its limit, too much work left behind | 503 | 8 |
//! | a child failed, the handler panicked | 500 | 13 |
//! | a malformed deadline header, key or offset | 400 | 13 |
//! | a key in use | 409 | 6 |
//! | the response is not kept from this offset on | 416 | 11 |
//! | the client left | none (499 in the log) | |
//!
//! [`Requests::answer`] replaces an answer, and [`cancelled_response`] returns the table's for a handler that ends because
//! of the cancellation. After the head, the [body](ResponseBody) is cut so that it never looks complete.
//!
//! # Log
//!
//! Each request has one line of the target `cancelable::request`, with the status, the bytes, the time to the head and the
//! time to the end, and the cause if it was cut.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod access_log;
mod answers;
mod client;
mod client_gone;
mod deadline_headers;
mod exchange;
mod keys;
mod left_work;
mod limits;
mod outgoing;
mod request_policy;
mod requests;
mod response_body;
mod response_future;
mod settings;

pub use answers::cancelled_response;
pub use client::Client;
pub use client_gone::ClientGone;
pub use deadline_headers::{DeadlineHeaders, InvalidDeadline};
pub use keys::Keys;
pub use limits::{Limits, LimitsService};
pub use outgoing::{OutgoingDeadline, OutgoingDeadlineService, OutgoingError, OutgoingFuture};
pub use request_policy::RequestPolicy;
pub use requests::{Requests, RequestsService};
pub use response_body::{BodyCut, ResponseBody};
pub use response_future::ResponseFuture;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
