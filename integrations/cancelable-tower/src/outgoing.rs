//! The client side: a request that carries the deadline of the operation that makes it.

use crate::answers::is_grpc;
use crate::deadline_headers::DeadlineHeaders;
use cancelable_core::token::RunUntilCancelledOwned;
use cancelable_core::{Cancelled, Operation, current};
use http::header::HeaderValue;
use http::{HeaderMap, Request};
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// A layer for clients: each request has a header with the time that is left, and ends with the operation that
/// makes it.
///
/// The operation is the [current](cancelable_core::current) one where the request is made. Outside of operations the
/// layer does nothing. The time that is left is written rounded down to milliseconds, as `grpc-timeout` for a request of
/// gRPC and as `x-request-timeout-ms` for every other. A shorter time that the request has in this header already stays.
///
/// # Examples
///
/// ```
/// use cancelable_tower::OutgoingDeadline;
/// use std::time::Duration;
///
/// // A request that would have less than 20 ms is not sent.
/// let layer = OutgoingDeadline::new().floor(Duration::from_millis(20));
/// # let _ = layer;
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a layer does nothing by itself"]
pub struct OutgoingDeadline {
    floor: Duration,
}

impl OutgoingDeadline {
    /// Returns a layer that sends no request with less than a millisecond.
    pub fn new() -> Self {
        Self {
            floor: Duration::from_millis(1),
        }
    }

    /// Sets the least time that a request must have to be sent. Less than a millisecond counts as one.
    pub fn floor(mut self, least: Duration) -> Self {
        self.floor = least.max(Duration::from_millis(1));
        self
    }
}

impl Default for OutgoingDeadline {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for OutgoingDeadline {
    type Service = OutgoingDeadlineService<S>;

    fn layer(&self, inner: S) -> OutgoingDeadlineService<S> {
        OutgoingDeadlineService {
            inner,
            floor: self.floor,
        }
    }
}

/// A client whose requests carry deadlines, from the layer [`OutgoingDeadline`].
///
/// # Examples
///
/// ```
/// use cancelable_tower::{OutgoingDeadline, OutgoingDeadlineService};
/// use tower_layer::Layer;
///
/// /// `client` is that of hyper-util, reqwest or tonic, for example.
/// fn bounded<C>(client: C) -> OutgoingDeadlineService<C> {
///     OutgoingDeadline::new().layer(client)
/// }
/// # let _ = bounded(());
/// ```
#[derive(Clone, Debug)]
pub struct OutgoingDeadlineService<S> {
    inner: S,
    floor: Duration,
}

impl<S, A> Service<Request<A>> for OutgoingDeadlineService<S>
where
    S: Service<Request<A>>,
{
    type Response = S::Response;
    type Error = OutgoingError<S::Error>;
    type Future = OutgoingFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(OutgoingError::Client)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let Some(operation) = current() else {
            let future = self.inner.call(request);
            return OutgoingFuture::of(Kind::Plain { future });
        };
        if let Err(cancelled) = operation.check() {
            return OutgoingFuture::of(Kind::not_sent(NotSent::Cancelled(cancelled)));
        }
        if let Some(left) = operation.remaining() {
            if left < self.floor {
                return OutgoingFuture::of(Kind::not_sent(NotSent::TooLate(left)));
            }
            write(request.headers_mut(), left);
        }
        let response = self.inner.call(request);
        let run = operation
            .token()
            .clone()
            .run_until_cancelled_owned(response);
        OutgoingFuture::of(Kind::Bounded { run, operation })
    }
}

/// Writes the time that is left, unless the request has less already.
fn write(headers: &mut HeaderMap, left: Duration) {
    let (name, value) = DeadlineHeaders::write(is_grpc(headers), left);
    let set = DeadlineHeaders::GRPC | DeadlineHeaders::REQUEST_TIMEOUT_MS;
    let mut own = HeaderMap::new();
    for value in headers.get_all(&name) {
        own.append(name.clone(), value.clone());
    }
    let own = set.read(&own).ok().flatten();
    if own.is_some_and(|own| own <= left) {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

pin_project! {
    /// The response to a request that carries a deadline.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future of the client.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::{OutgoingDeadlineService, OutgoingFuture};
    /// use http::Request;
    /// use tower_service::Service;
    ///
    /// fn send<C>(client: &mut OutgoingDeadlineService<C>) -> OutgoingFuture<C::Future>
    /// where
    ///     C: Service<Request<()>>,
    /// {
    ///     client.call(Request::new(()))
    /// }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct OutgoingFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F> {
        // No operation makes the request.
        Plain { #[pin] future: F },
        Bounded { #[pin] run: RunUntilCancelledOwned<F>, operation: Operation },
        NotSent { reason: Option<NotSent> },
    }
}

/// The reason for which a request was not sent.
#[derive(Debug)]
enum NotSent {
    Cancelled(Cancelled),
    TooLate(Duration),
}

impl<F> Kind<F> {
    fn not_sent(reason: NotSent) -> Self {
        Self::NotSent {
            reason: Some(reason),
        }
    }
}

impl<F> OutgoingFuture<F> {
    fn of(kind: Kind<F>) -> Self {
        Self { kind }
    }
}

impl<F, R, E> Future for OutgoingFuture<F>
where
    F: Future<Output = Result<R, E>>,
{
    type Output = Result<R, OutgoingError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Plain { future } => future.poll(cx).map_err(OutgoingError::Client),
            KindProj::Bounded { run, operation } => run.poll(cx).map(|answered| match answered {
                Some(answered) => answered.map_err(OutgoingError::Client),
                None => match operation.check() {
                    Err(cancelled) => Err(OutgoingError::Cancelled(cancelled)),
                    // The operation has ended: its token is cancelled, and no request is its own any more.
                    Ok(()) => Err(OutgoingError::TooLate {
                        left: Duration::ZERO,
                    }),
                },
            }),
            KindProj::NotSent { reason } => match reason.take() {
                Some(NotSent::Cancelled(cancelled)) => {
                    Poll::Ready(Err(OutgoingError::Cancelled(cancelled)))
                }
                Some(NotSent::TooLate(left)) => Poll::Ready(Err(OutgoingError::TooLate { left })),
                // Polled after its end, which promises nothing.
                None => Poll::Pending,
            },
        }
    }
}

impl<F> fmt::Debug for OutgoingFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingFuture").finish_non_exhaustive()
    }
}

/// The failure of a request below the layer [`OutgoingDeadline`].
///
/// # Examples
///
/// ```
/// use cancelable_tower::OutgoingError;
/// use std::io;
///
/// /// A request may be sent again if its client failed, and not if its caller has no time left.
/// fn may_be_repeated(error: &OutgoingError<io::Error>) -> bool {
///     matches!(error, OutgoingError::Client(_))
/// }
/// # use std::time::Duration;
/// # assert!(!may_be_repeated(&OutgoingError::TooLate { left: Duration::ZERO }));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum OutgoingError<E> {
    /// The operation that makes the request was cancelled, before the request was sent or while it waited.
    Cancelled(Cancelled),
    /// The request was not sent: too little time was left.
    TooLate {
        /// The time until the deadline of the operation.
        left: Duration,
    },
    /// The client failed.
    Client(E),
}

impl<E: fmt::Display> fmt::Display for OutgoingError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(cancelled) => cancelled.fmt(f),
            Self::TooLate { left } => {
                write!(
                    f,
                    "the request was not sent: only {left:?} remain until its deadline"
                )
            }
            Self::Client(error) => error.fmt(f),
        }
    }
}

/// The text is the text of the inner error, so `source` returns the source of the inner error.
impl<E: Error + 'static> Error for OutgoingError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Cancelled(cancelled) => cancelled.source(),
            Self::TooLate { .. } => None,
            Self::Client(error) => error.source(),
        }
    }
}
