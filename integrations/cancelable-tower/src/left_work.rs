//! The work of a request whose client has left, which waits for a later request to take it over.
//!
//! A task of the server's runtime drives the work: it polls the run, and the body of the response into a buffer. Once the
//! buffer is full the body is not polled. A later request with the key asks the task for the work, and the task
//! hands it over whole. So one task drives the work at any moment.

use crate::exchange::{Exchange, Over, Run, poll_run};
use crate::keys::Asks;
use crate::response_body::{BoxError, poll_body};
use bytes::Bytes;
use cancelable_core::runtime::Sleep;
use cancelable_core::{Cause, RuntimeHandle};
use futures_channel::oneshot;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

/// The bytes of a body that are kept for a client that comes back: of those that were sent, and as many of those that
/// are still to be sent.
const MOST_BYTES: usize = 64 * 1024;

/// The same bound for a body whose frames are small.
const MOST_FRAMES: usize = 1024;

/// The run of a request without a client, and its response as far as it is there.
pub(crate) struct LeftWork {
    pub(crate) exchange: Exchange,
    /// The run; `None` once it has ended.
    pub(crate) run: Option<Run>,
    pub(crate) answer: Answer,
}

/// The response of the service.
pub(crate) enum Answer {
    /// The response is still to come, and this takes it.
    Awaited(TakeAnswer),
    Given(Response<KeptBody>),
    /// The service failed, or a response can no longer be had.
    Lost,
}

/// Takes the response of the service, once the response is there.
pub(crate) type TakeAnswer = Box<dyn FnMut() -> Option<Answer> + Send>;

impl Answer {
    /// Takes the response once it is there; `None` while it is awaited.
    pub(crate) fn take(&mut self) -> Option<Response<KeptBody>> {
        self.look();
        match std::mem::replace(self, Self::Lost) {
            Self::Given(response) => Some(response),
            awaited => {
                *self = awaited;
                None
            }
        }
    }

    /// Goes back by so many bytes of the body. Returns whether they are still kept.
    pub(crate) fn rewind(&mut self, bytes: u64) -> bool {
        match self {
            Self::Given(response) => response.body_mut().rewind(bytes),
            // Nothing was sent.
            Self::Awaited(_) | Self::Lost => bytes == 0,
        }
    }

    fn look(&mut self) {
        if let Self::Awaited(take) = self {
            if let Some(answer) = take() {
                *self = answer;
            }
        }
    }
}

/// The end of the wait of a task for a later request.
enum WaitEnd {
    /// The run has ended, or the response is whole and nobody can ask for it.
    WorkEnded,
    SpanOver,
    Asked(oneshot::Sender<LeftWork>),
}

impl LeftWork {
    /// Ends the exchange by the policy of its route, as if its client had left now.
    pub(crate) fn leave(self) {
        if let Some(run) = self.run {
            self.exchange.leave(run, self.answer);
        }
    }

    /// Polls the run and the body. Ready once nothing is left to do.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_run(cx);
        self.answer.look();
        if matches!(self.answer, Answer::Given(_)) && self.exchange.operation().is_cancelled() {
            // The handler has ended, and the body is cut.
            self.exchange.set_over(Over::Cut);
            self.poll_run(cx);
        }
        if let Answer::Given(response) = &mut self.answer {
            let body = response.body_mut();
            self.exchange.operation().in_scope(|| body.fill(cx));
        }
        match self.run.is_none() || self.is_whole() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn poll_run(&mut self, cx: &mut Context<'_>) {
        if let Some(run) = &mut self.run {
            if poll_run(run, cx).is_ready() {
                self.run = None;
            }
        }
    }

    /// Returns whether the whole response is there.
    fn is_whole(&self) -> bool {
        matches!(&self.answer, Answer::Given(response) if response.body().is_whole())
    }

    /// Drives the work for `span`, or until a later request takes it over. The work that is then not complete is cancelled
    /// for `cause`. A later request can ask for the work before the first poll.
    pub(crate) fn drive(
        self,
        runtime: RuntimeHandle,
        span: Duration,
        cause: Cause,
    ) -> impl Future<Output = ()> + Send {
        let asks = match self.answer {
            Answer::Lost => None,
            Answer::Awaited(_) | Answer::Given(_) => self.exchange.offer(),
        };
        async move {
            let span = runtime.sleep(span);
            if let Some(work) = self.wait(pin!(span), asks).await {
                work.end(cause).await;
            }
        }
    }

    /// Drives the work until `span` is over. `None` if a later request has taken it over.
    async fn wait(mut self, mut span: Pin<&mut Sleep>, mut asks: Option<Asks>) -> Option<Self> {
        // Ends: with the span, which is not renewed.
        loop {
            let end = poll_fn(|cx| {
                if let Some(Poll::Ready(Ok(reply))) =
                    asks.as_mut().map(|asks| Pin::new(asks).poll(cx))
                {
                    return Poll::Ready(WaitEnd::Asked(reply));
                }
                let is_ended = self.poll(cx).is_ready();
                // A whole response waits for a request that may still ask for it.
                if is_ended && (self.run.is_none() || asks.is_none()) {
                    return Poll::Ready(WaitEnd::WorkEnded);
                }
                span.as_mut().poll(cx).map(|()| WaitEnd::SpanOver)
            });
            let reply = match (end.await, asks.take()) {
                (WaitEnd::Asked(reply), _) => reply,
                (_, Some(asked)) if !self.exchange.withdraw() => {
                    // A request has asked in the same moment.
                    match asked.await {
                        Ok(reply) => reply,
                        Err(_) => return Some(self),
                    }
                }
                _ => return Some(self),
            };
            match reply.send(self) {
                Ok(()) => return None,
                // The later request has gone again.
                Err(work) => self = work,
            }
            asks = self.exchange.offer();
        }
    }

    /// Ends the run: as complete if the whole response is there, else by a cancel.
    async fn end(self, cause: Cause) {
        let is_whole = self.is_whole();
        let Some(run) = self.run else {
            return;
        };
        match is_whole {
            true => self.exchange.set_over(Over::Complete),
            false => {
                self.exchange.set_over(Over::Cut);
                self.exchange.operation().cancel_now(cause);
            }
        }
        drop(run.await);
    }
}

type BoxBody = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// A body that outlives the client that reads it.
pub(crate) struct KeptBody {
    /// The last frames of data that were handed over, oldest first.
    sent: Window,
    /// Frames that no client has taken.
    ready: Window,
    /// The rest; `None` at its end.
    rest: Option<BoxBody>,
}

/// Frames, and the number of their bytes.
#[derive(Default)]
struct Window {
    frames: VecDeque<Result<Frame<Bytes>, BoxError>>,
    bytes: usize,
}

fn length(frame: &Result<Frame<Bytes>, BoxError>) -> usize {
    let data = frame.as_ref().ok().and_then(Frame::data_ref);
    data.map_or(0, Bytes::len)
}

impl Window {
    fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES || self.frames.len() >= MOST_FRAMES
    }

    fn push(&mut self, frame: Result<Frame<Bytes>, BoxError>) {
        self.bytes += length(&frame);
        self.frames.push_back(frame);
    }

    fn pop(&mut self) -> Option<Result<Frame<Bytes>, BoxError>> {
        let frame = self.frames.pop_front()?;
        self.bytes -= length(&frame);
        Some(frame)
    }

    /// Drops the oldest bytes that are above the bounds.
    fn trim(&mut self) {
        // Ends: each turn drops a frame, or the bytes of one that are above the bound.
        while self.bytes > MOST_BYTES || self.frames.len() > MOST_FRAMES {
            let above = self.bytes.saturating_sub(MOST_BYTES);
            let Some(data) = self.pop().and_then(|frame| frame.ok()?.into_data().ok()) else {
                continue;
            };
            if 0 < above && above < data.len() {
                // A copy, so that a large frame is not kept for its end.
                let end = Bytes::copy_from_slice(&data[above..]);
                self.bytes += end.len();
                self.frames.push_front(Ok(Frame::data(end)));
            }
        }
    }
}

impl KeptBody {
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let is_end = body.is_end_stream();
        Self {
            sent: Window::default(),
            ready: Window::default(),
            rest: (!is_end).then(|| Box::pin(Boxed { body }) as BoxBody),
        }
    }

    /// Returns whether the rest of the body is in the buffer, and is no error.
    fn is_whole(&self) -> bool {
        self.rest.is_none() && self.ready.frames.iter().all(Result::is_ok)
    }

    /// Polls the body into the buffer, until the buffer is full.
    fn fill(&mut self, cx: &mut Context<'_>) {
        // Ends: each turn fills the buffer, or finds the body pending or at its end.
        while !self.ready.is_full() {
            match self.poll_rest(cx) {
                Poll::Ready(Some(frame)) => self.ready.push(frame),
                Poll::Ready(None) | Poll::Pending => return,
            }
        }
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let polled = poll_body(rest.as_mut(), cx);
        let is_end = match &polled {
            Poll::Ready(Some(Ok(_))) => rest.is_end_stream(),
            Poll::Ready(_) => true,
            Poll::Pending => false,
        };
        if is_end {
            self.rest = None;
        }
        polled
    }

    /// Goes back by so many bytes that were handed over. Returns whether they are still kept.
    fn rewind(&mut self, bytes: u64) -> bool {
        let Some(mut bytes) = usize::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes <= self.sent.bytes)
        else {
            return false;
        };
        // Ends: each turn goes back by a frame.
        while bytes > 0 {
            let Some(Ok(frame)) = self.sent.frames.pop_back() else {
                return false;
            };
            // All frames of the window have data.
            let mut data = frame.into_data().unwrap_or_default();
            self.sent.bytes -= data.len();
            if data.len() > bytes {
                let before = data.split_to(data.len() - bytes);
                self.sent.push(Ok(Frame::data(before)));
            }
            bytes -= data.len();
            self.ready.bytes += data.len();
            self.ready.frames.push_front(Ok(Frame::data(data)));
        }
        true
    }

    /// The least number of bytes that are still to come.
    fn buffered(&self) -> u64 {
        self.ready.bytes as u64
    }
}

impl Body for KeptBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match self.ready.pop() {
            Some(frame) => Some(frame),
            None => std::task::ready!(self.poll_rest(cx)),
        };
        if let Some(data) = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref())
        {
            self.sent.push(Ok(Frame::data(data.clone())));
            self.sent.trim();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ready.frames.is_empty() && self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self
            .rest
            .as_ref()
            .map_or(SizeHint::with_exact(0), |rest| rest.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = rest
            .upper()
            .and_then(|upper| upper.checked_add(self.buffered()))
        {
            hint.set_upper(upper);
        }
        hint.set_lower(rest.lower().saturating_add(self.buffered()));
        hint
    }
}

pin_project! {
    /// A body with errors of one type.
    struct Boxed<B> {
        #[pin]
        body: B,
    }
}

impl<B> Body for Boxed<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.project().body.poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
