//! The limits of a route.

use crate::client_gone::ClientGone;
use crate::exchange::Exchange;
use http::Request;
use std::panic::Location;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// A layer for a route: its own time limit, and its own policy for clients that leave.
///
/// The layer changes the request's scope, which the outer layer [`Requests`](crate::Requests) has opened. Without
/// `Requests` this layer does nothing.
///
/// # Examples
///
/// ```
/// use cancelable_tower::{ClientGone, Limits};
/// use std::time::Duration;
///
/// let report = Limits::new()
///     .timeout(Duration::from_secs(120))
///     .client_gone(ClientGone::Tell(Duration::from_secs(5)));
/// # let _ = report;
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a layer does nothing by itself"]
pub struct Limits {
    /// The span, and the place where it was set.
    timeout: Option<(Duration, &'static Location<'static>)>,
    client_gone: Option<ClientGone>,
}

impl Limits {
    /// Returns a layer that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time limit of the route, instead of that of the server, up to
    /// [`Requests::longest`](crate::Requests::longest). The limit of the caller's headers still holds.
    #[track_caller]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some((limit, Location::caller()));
        self
    }

    /// Sets the policy for the route's work when its client leaves. A span of [`ClientGone::Tell`] ends with the
    /// [grace](crate::Requests::grace) of the server.
    pub fn client_gone(mut self, policy: ClientGone) -> Self {
        self.client_gone = Some(policy);
        self
    }
}

impl<S> Layer<S> for Limits {
    type Service = LimitsService<S>;

    fn layer(&self, inner: S) -> LimitsService<S> {
        LimitsService {
            inner,
            limits: *self,
        }
    }
}

/// A service with limits of its own, from the layer [`Limits`].
///
/// # Examples
///
/// ```
/// use cancelable_tower::{ClientGone, Limits, LimitsService};
/// use tower_layer::Layer;
///
/// fn payments<S>(service: S) -> LimitsService<S> {
///     Limits::new().client_gone(ClientGone::Finish).layer(service)
/// }
/// # let _ = payments(());
/// ```
#[derive(Clone, Debug)]
pub struct LimitsService<S> {
    inner: S,
    limits: Limits,
}

impl<S, A> Service<Request<A>> for LimitsService<S>
where
    S: Service<Request<A>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> S::Future {
        if let Some(exchange) = request.extensions().get::<Exchange>() {
            if let Some(policy) = self.limits.client_gone {
                exchange.set_client_gone(policy);
            }
            if let Some((limit, location)) = self.limits.timeout {
                exchange.set_timeout(limit, location);
            }
        }
        self.inner.call(request)
    }
}
