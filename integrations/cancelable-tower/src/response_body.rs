//! The body of a response, which ends with the operation of its request.

use crate::access_log::Ending;
use crate::answers::Problem;
use crate::client::has_left;
use crate::client_gone::ClientGone;
use crate::exchange::{After, Exchange, Over, Run, caught, poll_run};
use crate::left_work::{Answer, KeptBody};
use bytes::Bytes;
use cancelable_core::token::WaitForCancellationFutureOwned;
use cancelable_core::{Cause, Reason};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// An error of any kind.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// The body of a response below a [`Requests`](crate::Requests) layer.
    ///
    /// A body that the cancellation of its request cuts never looks complete. Server-sent events end with an event
    /// `cancelled`, whose data is the reason. A stream of gRPC over HTTP/2 ends with trailers that have the status. Every
    /// other body ends with an error, at which a server ends an HTTP/1 connection without the last chunk and resets an
    /// HTTP/2 stream. So do events that are compressed, that have a `content-length`, or of which the last one is incomplete.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::{BodyCut, ResponseBody};
    /// use http_body_util::{BodyExt, Full};
    ///
    /// /// Reads a body. One that was cut is an error, and never a shorter body.
    /// async fn read(body: ResponseBody<Full<bytes::Bytes>>) -> Result<bytes::Bytes, String> {
    ///     match body.collect().await {
    ///         Ok(whole) => Ok(whole.to_bytes()),
    ///         Err(error) => Err(error.to_string()), // such as a `BodyCut`
    ///     }
    /// }
    /// # let _ = (read, |_: BodyCut| ());
    /// ```
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        /// An answer of the layer.
        Answer { bytes: Option<Bytes> },
        Exchange { #[pin] body: B, open: Open },
        /// A body that a later request may take over.
        Kept { kept: Kept },
    }
}

/// The body that a service or an earlier request has given.
pub(crate) enum Content<B> {
    Own { body: B },
    Kept { body: KeptBody },
}

/// An exchange whose response a later request may take over.
struct Kept {
    open: Open,
    /// The response as the service has given it; `None` once it was left behind.
    response: Option<Response<KeptBody>>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let (false, Some(response)) = (self.open.is_over, self.response.take()) {
            self.open.leave(Answer::Given(response));
        }
    }
}

/// The exchange of a body that is not over. Its drop is that of the response.
struct Open {
    exchange: Exchange,
    /// The run; `None` once it has ended or was moved to a task.
    run: Option<Run>,
    ending: CutEnding,
    /// The cause of a cut that is still to be reported.
    cut: Option<Cause>,
    client_left: Option<WaitForCancellationFutureOwned>,
    /// The bytes that `content-length` promises and that are not handed over.
    left: Option<u64>,
    /// True once the body is complete or was cut.
    is_over: bool,
}

/// The end of a body that is cut.
#[derive(Clone, Copy)]
enum CutEnding {
    Error,
    Event(LastBytes),
    Trailers,
}

impl CutEnding {
    fn of(headers: &HeaderMap, version: Version, sent_before: u64) -> Self {
        let kind = headers
            .get(CONTENT_TYPE)
            .map_or(&b""[..], HeaderValue::as_bytes);
        let kind = kind.split(|byte| *byte == b';').next();
        let kind = kind.unwrap_or_default().trim_ascii().to_ascii_lowercase();
        // An event that is added would make a body of a fixed length look complete, and is no part of a compressed one.
        let is_plain =
            !headers.contains_key(CONTENT_ENCODING) && !headers.contains_key(CONTENT_LENGTH);
        // The trailers of HTTP/1 are not sent to every client, and those of gRPC-Web are a part of the body.
        let is_grpc = kind == b"application/grpc" || kind.starts_with(b"application/grpc+");
        match version >= Version::HTTP_2 {
            _ if kind == b"text/event-stream" && is_plain => {
                Self::Event(LastBytes::after(sent_before))
            }
            true if is_grpc => Self::Trailers,
            _ => Self::Error,
        }
    }
}

/// The last bytes of server-sent events.
#[derive(Clone, Copy)]
struct LastBytes([u8; 3]);

impl LastBytes {
    /// The last bytes before the first frame. What earlier clients have read is not known.
    fn after(sent_before: u64) -> Self {
        Self(match sent_before {
            0 => *b"\n\n\n",
            _ => [0; 3],
        })
    }

    fn push(&mut self, data: &[u8]) {
        for byte in data.iter().skip(data.len().saturating_sub(3)) {
            self.0 = [self.0[1], self.0[2], *byte];
        }
    }

    /// Returns whether the last event is complete: a blank line ends it. A line ends with CR, LF or both.
    fn are_between_events(self) -> bool {
        let ends = [&b"\n\n"[..], b"\r\r", b"\n\r", b"\n\r\n", b"\r\r\n"];
        ends.iter().any(|end| self.0.ends_with(end))
    }
}

/// Polls a body, which is user code. A panic is an error of the body.
pub(crate) fn poll_body<B>(
    body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + ?Sized,
{
    match caught(|| body.poll_frame(cx)) {
        Ok(polled) => polled.map_err(Into::into),
        Err(panicked) => Poll::Ready(Some(Err(panicked.into()))),
    }
}

/// Returns whether the server never polls the body of such a response.
fn has_no_body(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
        || (method == Method::CONNECT && status.is_success())
}

impl<B> ResponseBody<B> {
    pub(crate) fn answer(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self {
            kind: Kind::Answer { bytes },
        }
    }
}

impl<B> ResponseBody<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    /// Wraps the response of the service. `cut` is the cause of a run that has ended with the head.
    pub(crate) fn wrap(
        response: Response<Content<B>>,
        method: &Method,
        version: Version,
        exchange: Exchange,
        run: Option<Run>,
        cut: Option<Cause>,
    ) -> Response<Self> {
        let (mut head, content) = response.into_parts();
        let content = match content {
            Content::Own { body } if matches!(exchange.client_gone(), ClientGone::Wait(_)) => {
                Content::Kept {
                    body: KeptBody::new(body),
                }
            }
            content => content,
        };
        // A later request gets the head as the service has given it.
        let kept_head = matches!(content, Content::Kept { .. }).then(|| head.clone());
        exchange.head(head.status, &mut head.headers);
        let left = head.headers.get(CONTENT_LENGTH);
        let left: Option<u64> = left.and_then(|length| length.to_str().ok()?.parse().ok());
        let sent_before = exchange.sent_before();
        let left = left.map(|length| length.saturating_sub(sent_before));
        if let (Some(left), Some(_)) = (left, &kept_head) {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(left));
        }
        let client_left = exchange.client_left();
        let mut open = Open {
            exchange,
            run,
            ending: CutEnding::of(&head.headers, version, sent_before),
            cut,
            client_left,
            left,
            is_over: false,
        };
        let is_end = match &content {
            Content::Own { body } => body.is_end_stream(),
            Content::Kept { body } => body.is_end_stream(),
        };
        if has_no_body(method, head.status) || is_end || left == Some(0) {
            open.complete();
        }
        let kind = match (content, kept_head) {
            (Content::Own { body }, _) => Kind::Exchange { body, open },
            (Content::Kept { body }, kept_head) => {
                let kept_head = kept_head.unwrap_or_else(|| Response::new(()).into_parts().0);
                let response = Some(Response::from_parts(kept_head, body));
                let kept = Kept { open, response };
                Kind::Kept { kept }
            }
        };
        Response::from_parts(head, Self { kind })
    }
}

impl Open {
    /// Records that the body is complete. A task waits for children that still run.
    fn complete(&mut self) {
        self.finish(&Ending::Complete);
    }

    fn finish(&mut self, ending: &Ending) {
        self.is_over = true;
        self.exchange.set_over(match ending {
            Ending::Failed => Over::Failed,
            _ => Over::Complete,
        });
        if let Some(mut run) = self.run.take() {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            match poll_run(&mut run, &mut cx) {
                Poll::Ready(_) => {}
                Poll::Pending => self.exchange.hand_over(run, After::Nothing),
            }
        }
        self.exchange.log(ending);
    }

    /// Polls the run, and notes the cause of its end.
    fn advance(&mut self, cx: &mut Context<'_>) {
        let Some(run) = &mut self.run else {
            return;
        };
        if let Poll::Ready(ended) = poll_run(run, cx) {
            self.run = None;
            let cause = ended.ok().and_then(|outcome| outcome.cause().cloned());
            self.cut = cause.or_else(|| self.exchange.operation().cause());
        } else if let Some(cause) = self.exchange.cut_now() {
            self.cut = Some(cause);
        }
    }

    /// Ends the exchange as one whose client has left.
    fn leave(&mut self, answer: Answer) {
        self.is_over = true;
        match self.run.take() {
            Some(run) => self.exchange.leave(run, answer),
            None => self.exchange.log(&Ending::Cancelled(self.cut.take())),
        }
    }

    /// Polls the next frame of `body`, and the run before.
    ///
    /// Wakes: the run and the body are polled with `cx`, so whichever changes wakes the task.
    fn poll_frame<B>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.advance(cx);
        let operation = self.exchange.operation().clone();
        let polled = operation.in_scope(|| poll_body(body.as_mut(), cx));
        if let Some(cause) = self.cut.take() {
            // A body that is complete by now is not cut.
            let is_complete = match &polled {
                Poll::Ready(None) => true,
                Poll::Ready(Some(Ok(_))) => body.is_end_stream(),
                _ => false,
            };
            if !is_complete {
                return Poll::Ready(self.end_cut(cause));
            }
        }
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                self.complete();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.data_ref().map_or(&[][..], |data| data);
                if let CutEnding::Event(last) = &mut self.ending {
                    last.push(data);
                }
                let bytes = data.len() as u64;
                self.exchange.sent(bytes);
                self.left = self.left.map(|left| left.saturating_sub(bytes));
                if body.is_end_stream() || self.left == Some(0) || frame.is_trailers() {
                    self.complete();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                // A body that fails because of the cancellation, such as a `try_stream`, is cut by it.
                if let Some(cause) = operation.cause() {
                    return Poll::Ready(self.end_cut(cause));
                }
                self.finish(&Ending::Failed);
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    /// Ends the body that was cut: the last frame, or the error.
    fn end_cut<E>(&mut self, cause: Cause) -> Option<Result<Frame<Bytes>, E>>
    where
        E: From<BodyCut>,
    {
        let problem = Problem::of(Some(&cause));
        let run = self.run.take();
        self.is_over = true;
        self.exchange.set_over(Over::Cut);
        self.exchange.log(&Ending::Cancelled(Some(cause.clone())));
        if let Some(run) = run {
            // The handler is in its grace.
            self.exchange
                .hand_over(run, After::Cut(self.exchange.settings().grace));
        }
        match self.ending {
            CutEnding::Event(last) if last.are_between_events() => {
                let event = format!("event: cancelled\ndata: {}\n\n", problem.word());
                Some(Ok(Frame::data(event.into())))
            }
            CutEnding::Trailers => {
                let mut trailers = HeaderMap::new();
                trailers.insert(
                    "grpc-status",
                    HeaderValue::from(u16::from(problem.grpc_status())),
                );
                trailers.insert("grpc-message", HeaderValue::from_static(problem.detail()));
                Some(Ok(Frame::trailers(trailers)))
            }
            CutEnding::Error | CutEnding::Event(_) => Some(Err(BodyCut { cause }.into())),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.is_over {
            self.leave(Answer::Lost);
        }
    }
}

/// The error at the end of a body whose client has left.
fn left() -> BoxError {
    let cause = Cause::new(Reason::Disconnected);
    BodyCut { cause }.into()
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProj::Answer { bytes } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            KindProj::Exchange { body, open } => {
                let polled = open.poll_frame(body, cx);
                if polled.is_pending() && has_left(&mut open.client_left, cx) {
                    open.leave(Answer::Lost);
                    return Poll::Ready(Some(Err(left())));
                }
                polled
            }
            KindProj::Kept { kept } => {
                let Kept { open, response } = kept;
                let Some(body) = response.as_mut().map(Response::body_mut) else {
                    return Poll::Ready(None);
                };
                let polled = open.poll_frame(Pin::new(body), cx);
                if polled.is_pending() && has_left(&mut open.client_left, cx) {
                    open.leave(response.take().map_or(Answer::Lost, Answer::Given));
                    return Poll::Ready(Some(Err(left())));
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Answer { bytes } => bytes.is_none(),
            Kind::Exchange { body, open } => open.is_over || body.is_end_stream(),
            Kind::Kept { kept } => {
                let body = kept.response.as_ref().map(Response::body);
                kept.open.is_over || body.is_none_or(Body::is_end_stream)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Answer { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Exchange { body, .. } => body.size_hint(),
            Kind::Kept { kept } => {
                let body = kept.response.as_ref().map(Response::body);
                body.map_or(SizeHint::with_exact(0), Body::size_hint)
            }
        }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

/// The body of a response was cut, because the request was cancelled.
///
/// # Examples
///
/// ```
/// use cancelable_tower::BodyCut;
/// use std::error::Error;
///
/// /// For a layer outside of `Requests` that reads the errors of bodies.
/// fn is_timeout(error: &(dyn Error + 'static)) -> bool {
///     error.downcast_ref::<BodyCut>().is_some_and(|cut| cut.cause().is_timeout())
/// }
/// # let _ = is_timeout;
/// ```
#[derive(Clone, Debug)]
pub struct BodyCut {
    cause: Cause,
}

impl BodyCut {
    /// The cause of the cancellation.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }
}

impl fmt::Display for BodyCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the response was cut: {}", self.cause)
    }
}

impl Error for BodyCut {}
