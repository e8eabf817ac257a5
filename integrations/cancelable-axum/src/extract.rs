//! Extractors of a request's scope, operation and token for handlers.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use cancelable_core::{CancellationToken, Operation, Scope};
use cancelable_tower::ClientGone;
use http::StatusCode;
use http::request::Parts;
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

/// The scope of the request: the handler spawns children in it, and checks it for a cancellation.
///
/// # Examples
///
/// ```
/// use cancelable_axum::RequestScope;
/// use std::io;
///
/// async fn report(RequestScope(scope): RequestScope) -> Result<String, String> {
///     let rows = scope.try_spawn(async { Ok::<_, io::Error>(3) }).map_err(|error| error.to_string())?;
///     let rows = rows.await.map_err(|error| error.to_string())?;
///     Ok(format!("{rows} rows"))
/// }
/// # let _: axum::Router = axum::Router::new().route("/report", axum::routing::get(report));
/// ```
#[derive(Clone, Debug)]
pub struct RequestScope(pub Scope);

/// The operation of the request: its progress, its metadata, its cause.
///
/// # Examples
///
/// ```
/// use cancelable_axum::RequestOperation;
///
/// async fn import(RequestOperation(request): RequestOperation, rows: String) {
///     request.progress().set_total(rows.len() as u64);
///     for row in rows.lines() {
///         request.progress().advance(row.len() as u64 + 1);
///     }
/// }
/// # let _: axum::Router = axum::Router::new().route("/import", axum::routing::post(import));
/// ```
#[derive(Clone, Debug)]
pub struct RequestOperation(pub Operation);

/// The token of the request, which is cancelled with it.
///
/// # Examples
///
/// ```
/// use cancelable_axum::RequestToken;
///
/// async fn sum(RequestToken(token): RequestToken) -> String {
///     let work = tokio::task::spawn_blocking(move || {
///         (1..=1000_u64).take_while(|_| !token.is_cancelled()).sum::<u64>()
///     });
///     work.await.map_or_else(|error| error.to_string(), |sum| sum.to_string())
/// }
/// # let _: axum::Router = axum::Router::new().route("/sum", axum::routing::get(sum));
/// ```
#[derive(Clone, Debug)]
pub struct RequestToken(pub CancellationToken);

/// The time until the deadline of the request; `None` if it has no deadline.
///
/// # Examples
///
/// ```
/// use cancelable_axum::Remaining;
/// use std::time::Duration;
///
/// async fn search(Remaining(left): Remaining) -> &'static str {
///     match left {
///         Some(left) if left < Duration::from_millis(50) => "the first page alone",
///         _ => "all pages",
///     }
/// }
/// # let _: axum::Router = axum::Router::new().route("/search", axum::routing::get(search));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining(pub Option<Duration>);

/// The policy of the request for a client that leaves, which the handler changes while it runs.
///
/// # Examples
///
/// ```
/// use cancelable_axum::{ClientGone, RequestPolicy};
///
/// async fn pay(request: RequestPolicy, order: String) -> String {
///     // Until here, a client that leaves ends the request: nothing was paid. From here on the payment is finished.
///     request.client_gone(ClientGone::Finish);
///     format!("{order} is paid")
/// }
/// # let _: axum::Router = axum::Router::new().route("/pay", axum::routing::post(pay));
/// ```
#[derive(Clone, Debug)]
pub struct RequestPolicy(cancelable_tower::RequestPolicy);

impl RequestPolicy {
    /// Sets the policy, in place of that of the route, see
    /// [`RequestPolicy::client_gone`](cancelable_tower::RequestPolicy::client_gone).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_axum::{ClientGone, RequestPolicy};
    /// use std::time::Duration;
    ///
    /// async fn report(request: RequestPolicy) -> &'static str {
    ///     request.client_gone(ClientGone::Tell(Duration::from_secs(1)));
    ///     "20 pages"
    /// }
    /// # let _: axum::Router = axum::Router::new().route("/report", axum::routing::get(report));
    /// ```
    pub fn client_gone(&self, policy: ClientGone) {
        self.0.client_gone(policy);
    }
}

/// The route has no layer that opens the scope of a request. The response is 500.
///
/// # Examples
///
/// ```
/// use cancelable_axum::{NoRequests, RequestScope};
///
/// /// The request's scope, if the layer is there.
/// async fn page(request: Result<RequestScope, NoRequests>) -> String {
///     match request {
///         Ok(RequestScope(request)) => request.name().to_owned(),
///         Err(missing) => missing.to_string(),
///     }
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(page));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRequests(());

impl fmt::Display for NoRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request has no scope: add the layer `Requests` to the router")
    }
}

impl std::error::Error for NoRequests {}

impl IntoResponse for NoRequests {
    fn into_response(self) -> Response {
        log::error!(target: "cancelable::request", "{self}");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

fn scope(parts: &Parts) -> Result<&Scope, NoRequests> {
    parts.extensions.get().ok_or(NoRequests(()))
}

impl<S: Sync> FromRequestParts<S> for RequestScope {
    type Rejection = NoRequests;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoRequests> {
        scope(parts).cloned().map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for RequestOperation {
    type Rejection = NoRequests;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoRequests> {
        scope(parts).map(|scope| Self(scope.operation().clone()))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestToken {
    type Rejection = NoRequests;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoRequests> {
        scope(parts).map(|scope| Self(scope.token().clone()))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestPolicy {
    type Rejection = NoRequests;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoRequests> {
        let policy = cancelable_tower::RequestPolicy::of(&parts.extensions);
        policy.map(Self).ok_or(NoRequests(()))
    }
}

impl<S: Sync> FromRequestParts<S> for Remaining {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let scope = parts.extensions.get::<Scope>();
        Ok(Self(scope.and_then(|scope| scope.remaining())))
    }
}
