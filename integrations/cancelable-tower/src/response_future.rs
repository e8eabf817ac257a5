//! The future of a response: the run of the exchange, until the head of the response is there.

use crate::access_log::Ending;
use crate::answers::Problem;
use crate::client::{Client, has_left};
use crate::exchange::{After, Exchange, Over, Run, caught, poll_run};
use crate::left_work::{Answer, KeptBody, LeftWork};
use crate::response_body::{BoxError, Content, ResponseBody};
use bytes::Bytes;
use cancelable_core::scope::RunError;
use cancelable_core::token::WaitForCancellationFutureOwned;
use cancelable_core::{Cause, Outcome};
use futures_channel::oneshot;
use http::header::RETRY_AFTER;
use http::{Method, Response, Version};
use http_body::Body;
use parking_lot::Mutex;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

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
///     B: Body<Data = bytes::Bytes, Error = std::io::Error> + Send + 'static,
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
    /// The request has the key of a request without a client, and has asked for its work.
    TakingOver(TakingOver),
    Running(Running<B, E>),
}

/// A request that takes over the work of an earlier one.
pub(crate) struct TakingOver {
    pub(crate) work: oneshot::Receiver<LeftWork>,
    pub(crate) client: Option<Client>,
    pub(crate) peer: Option<String>,
    pub(crate) callers_limit: Option<Duration>,
    /// The number of bytes of the body that the client has; `None` if it wants those that were not sent yet.
    pub(crate) offset: Option<u64>,
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) is_grpc: bool,
}

/// The place where the response of the service comes from.
enum Source<B, E> {
    Service(Slot<B, E>),
    /// The work of an earlier request, which may have been answered.
    Earlier(Answer),
}

impl<B, E> Source<B, E>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    E: Send + 'static,
{
    fn take(&mut self) -> Option<Result<Response<Content<B>>, E>> {
        match self {
            Self::Service(slot) => {
                let answered = slot.lock().take()?;
                Some(answered.map(|response| response.map(|body| Content::Own { body })))
            }
            Self::Earlier(answer) => {
                let response = answer.take()?;
                Some(Ok(response.map(|body| Content::Kept { body })))
            }
        }
    }

    /// The response for a later request, as far as it is there.
    fn into_answer(self) -> Answer {
        match self {
            Self::Service(slot) => Answer::Awaited(Box::new(move || {
                let answered = slot.lock().take()?;
                Some(match answered {
                    Ok(response) => Answer::Given(response.map(KeptBody::new)),
                    Err(_) => Answer::Lost,
                })
            })),
            Self::Earlier(answer) => answer,
        }
    }
}

/// A run before the head of the response. Its drop is that of the response.
struct Running<B, E> {
    /// The run; `None` once the response was given, or the run has ended.
    run: Option<Run>,
    /// `None` once it was left behind.
    source: Option<Source<B, E>>,
    /// A pointer, because the drop does not know what `B` and `E` are.
    into_answer: fn(Source<B, E>) -> Answer,
    method: Method,
    version: Version,
    client_left: Option<WaitForCancellationFutureOwned>,
    exchange: Exchange,
}

impl<B, E> ResponseFuture<B, E>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    E: Send + 'static,
{
    pub(crate) fn answered(response: Response<Bytes>) -> Self {
        Self {
            state: State::Answered(Some(response)),
        }
    }

    pub(crate) fn running(
        run: Run,
        slot: Slot<B, E>,
        method: Method,
        version: Version,
        exchange: Exchange,
    ) -> Self {
        Self {
            state: State::Running(Running {
                run: Some(run),
                source: Some(Source::Service(slot)),
                into_answer: Source::into_answer,
                method,
                version,
                client_left: exchange.client_left(),
                exchange,
            }),
        }
    }

    pub(crate) fn taking_over(request: TakingOver) -> Self {
        Self {
            state: State::TakingOver(request),
        }
    }
}

impl TakingOver {
    /// Makes the client of this request the client of `work`, or answers that the bytes which the client wants are no longer kept.
    fn attach<B, E>(&mut self, mut work: LeftWork) -> State<B, E>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
        E: Send + 'static,
    {
        let exchange = work.exchange.clone();
        let sent = exchange.take_over(self.client.take(), self.callers_limit);
        if let Some(peer) = self.peer.take() {
            exchange.operation().set_metadata("peer", peer);
        }
        let is_kept = match self.offset {
            None => true,
            Some(offset) => {
                exchange.set_sent_before(offset.min(sent));
                match sent.checked_sub(offset) {
                    Some(back) => work.answer.rewind(back),
                    None => false,
                }
            }
        };
        let is_running = work.run.is_some();
        let running = Running {
            run: work.run,
            source: Some(Source::Earlier(work.answer)),
            into_answer: Source::into_answer,
            method: self.method.clone(),
            version: self.version,
            client_left: exchange.client_left(),
            exchange,
        };
        match is_kept && is_running {
            true => State::Running(running),
            false => {
                let mut response = Problem::NOT_KEPT.response(self.is_grpc);
                let status = response.status();
                running.exchange.set_sent_before(sent);
                running.exchange.head(status, response.headers_mut());
                running.exchange.log(&Ending::Complete);
                // The work waits for another request: its drop is that of a client.
                drop(running);
                State::Answered(Some(response))
            }
        }
    }
}

impl Drop for TakingOver {
    fn drop(&mut self) {
        // The work may be on its way. Then it waits for another request.
        self.work.close();
        if let Ok(Some(work)) = self.work.try_recv() {
            work.leave();
        }
    }
}

impl<B, E> Running<B, E>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    E: Send + 'static,
{
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
        let answered = self.source.as_mut().and_then(Source::take);
        match (answered, ended) {
            // A head that the service gave counts, also if the request was cancelled in the same poll.
            (Some(Ok(response)), ended) => {
                let cut = ended.and_then(|ended| ended.ok()?.cause().cloned());
                Poll::Ready(Ok(ResponseBody::wrap(
                    response,
                    &self.method,
                    self.version,
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
                self.leave();
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
            .and_then(|(answer, cause)| caught(|| answer(cause)).ok()?);
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

impl<B, E> Running<B, E> {
    /// Ends the exchange as one whose client has left, unless its run has ended.
    fn leave(&mut self) {
        if let (Some(run), Some(source)) = (self.run.take(), self.source.take()) {
            self.exchange.leave(run, (self.into_answer)(source));
        }
    }
}

impl<B, E> Drop for Running<B, E> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<B, E> Future for ResponseFuture<B, E>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    E: Send + 'static,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::TakingOver(request) = &mut self.state {
            let work = ready!(Pin::new(&mut request.work).poll(cx));
            self.state = match work {
                Ok(work) => request.attach(work),
                // Without an answer, the work has ended with the server.
                Err(oneshot::Canceled) => {
                    State::Answered(Some(Problem::SHUTTING_DOWN.response(request.is_grpc)))
                }
            };
        }
        match &mut self.state {
            State::Answered(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(ResponseBody::answer))),
                None => Poll::Pending,
            },
            State::Running(running) => running.poll(cx),
            State::TakingOver(_) => Poll::Pending,
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
