//! The future of a response: the run of the exchange, until the head of the response is there.

use crate::access_log::Ending;
use crate::answers::Problem;
use crate::client::has_left;
use crate::exchange::{After, Exchange, Over, Run, poll_run};
use crate::response_body::ResponseBody;
use bytes::Bytes;
use cancelable_core::scope::RunError;
use cancelable_core::token::WaitForCancellationFutureOwned;
use cancelable_core::{Cause, Outcome};
use http::header::RETRY_AFTER;
use http::{Method, Response};
use http_body::Body;
use parking_lot::Mutex;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The slot into which the run puts the answer of the service.
pub(crate) type Slot<B, E> = Arc<Mutex<Option<Result<Response<B>, E>>>>;

/// The future of a response below a [`Requests`](crate::Requests) layer.
///
/// # Cancel safety
///
/// Dropping it ends the request by the policy of its route, see [`ClientGone`](crate::ClientGone).
///
/// # Examples
///
/// ```
/// use cancelable_tower::{RequestsService, ResponseBody};
/// use http::{Request, Response};
/// use http_body::Body;
/// use tower_service::Service;
///
/// async fn answer<S, B, E>(service: &mut RequestsService<S>, request: Request<()>) -> Result<Response<ResponseBody<B>>, E>
/// where
///     S: Service<Request<()>, Response = Response<B>, Error = E, Future: Send + 'static>,
///     B: Body + Send + 'static,
///     E: Send + 'static,
/// {
///     service.call(request).await // a `ResponseFuture`
/// }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<B, E> {
    state: State<B, E>,
}

enum State<B, E> {
    /// The request was answered without the service.
    Answered(Option<Response<Bytes>>),
    Running(Running<B, E>),
}

/// A run before the head of the response. Its drop is that of the response.
struct Running<B, E> {
    /// The run; `None` once the response was given, or the run has ended.
    run: Option<Run>,
    slot: Slot<B, E>,
    method: Method,
    client_left: Option<WaitForCancellationFutureOwned>,
    exchange: Exchange,
}

impl<B, E> ResponseFuture<B, E> {
    pub(crate) fn answered(response: Response<Bytes>) -> Self {
        Self {
            state: State::Answered(Some(response)),
        }
    }

    pub(crate) fn running(run: Run, slot: Slot<B, E>, method: Method, exchange: Exchange) -> Self {
        Self {
            state: State::Running(Running {
                run: Some(run),
                slot,
                method,
                client_left: exchange.client_left(),
                exchange,
            }),
        }
    }
}

impl<B: Body, E> Running<B, E> {
    /// Wakes: the run is polled with `cx`, and wakes the task when the service or the scope does.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<ResponseBody<B>>, E>> {
        let Some(run) = &mut self.run else {
            // Polled after its end, which promises nothing.
            return Poll::Pending;
        };
        let ended = match poll_run(run, cx) {
            Poll::Ready(ended) => {
                self.run = None;
                Some(ended)
            }
            Poll::Pending => None,
        };
        let answered = self.slot.lock().take();
        match (answered, ended) {
            // A head that the service gave counts, also if the request was cancelled in the same poll.
            (Some(Ok(response)), ended) => {
                let cut = ended.and_then(|ended| ended.ok()?.cause().cloned());
                Poll::Ready(Ok(ResponseBody::wrap(
                    response,
                    &self.method,
                    self.exchange.clone(),
                    self.run.take(),
                    cut,
                )))
            }
            (Some(Err(error)), ended) => {
                let outcome = ended.and_then(Result::ok);
                if let Some(cause) = outcome.as_ref().and_then(stopped) {
                    return Poll::Ready(Ok(self.answer(Some(cause))));
                }
                self.exchange.log(&Ending::Failed);
                Poll::Ready(Err(error))
            }
            (None, Some(Ok(outcome))) => {
                let cause = outcome.cause().cloned();
                let is_failure = matches!(outcome.error(), Some(RunError::ChildFailed(_)));
                match is_failure && cause.is_none() {
                    true => Poll::Ready(Ok(self.give(
                        Problem::INTERNAL.response(self.exchange.is_grpc()),
                        &Ending::Failed,
                    ))),
                    false => Poll::Ready(Ok(self.answer(cause))),
                }
            }
            (None, Some(Err(_))) => {
                let response = Problem::PANIC.response(self.exchange.is_grpc());
                Poll::Ready(Ok(self.give(response, &Ending::Panicked)))
            }
            (None, None) if has_left(&mut self.client_left, cx) => {
                if let Some(run) = self.run.take() {
                    self.exchange.leave(run);
                }
                Poll::Ready(Ok(Problem::CLIENT_LEFT
                    .response(false)
                    .map(ResponseBody::answer)))
            }
            (None, None) => match self.exchange.cut_now() {
                Some(cause) => {
                    if let Some(run) = self.run.take() {
                        // The handler is in its grace period, and the client does not wait for the end of this period.
                        self.exchange.set_over(Over::Complete);
                        self.exchange
                            .hand_over(run, After::Cut(self.exchange.settings().grace));
                    }
                    Poll::Ready(Ok(self.answer(Some(cause))))
                }
                None => Poll::Pending,
            },
        }
    }

    /// The answer to a request that was cancelled for `cause`.
    fn answer(&self, cause: Option<Cause>) -> Response<ResponseBody<B>> {
        let own = self.exchange.settings().answer.as_ref();
        let own = own
            .zip(cause.as_ref())
            .and_then(|(answer, cause)| answer(cause));
        let response = own.unwrap_or_else(|| {
            let is_timeout = cause.as_ref().is_some_and(Cause::is_timeout);
            // A server whose scope is cancelled stops, whatever the reason.
            let problem = match !is_timeout && self.exchange.settings().server.is_cancelled() {
                true => Problem::SHUTTING_DOWN,
                false => Problem::of(cause.as_ref()),
            };
            let mut response = problem.response(self.exchange.is_grpc());
            if self.exchange.has_begun() && !self.method.is_idempotent() {
                // The handler may have done its work. A client that sends the request again would do it twice.
                response.headers_mut().remove(RETRY_AFTER);
            }
            response
        });
        self.give(response, &Ending::Cancelled(cause))
    }

    fn give(&self, mut response: Response<Bytes>, ending: &Ending) -> Response<ResponseBody<B>> {
        let status = response.status();
        self.exchange.head(status, response.headers_mut());
        self.exchange.log(ending);
        response.map(ResponseBody::answer)
    }
}

/// The cause for which the service was stopped, if its error is that of the cancellation.
fn stopped<E>(outcome: &Outcome<(), E>) -> Option<Cause> {
    outcome.error()?.cause().cloned()
}

impl<B, E> Drop for Running<B, E> {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            self.exchange.leave(run);
        }
    }
}

impl<B: Body, E> Future for ResponseFuture<B, E> {
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            State::Answered(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(ResponseBody::answer))),
                None => Poll::Pending,
            },
            State::Running(running) => running.poll(cx),
        }
    }
}

// The run is boxed, and the response is only moved.
impl<B, E> Unpin for ResponseFuture<B, E> {}

impl<B, E> fmt::Debug for ResponseFuture<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
