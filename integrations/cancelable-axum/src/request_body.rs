//! The body of a request, whose client may not stall for ever.

use bytes::Bytes;
use cancelable_core::{CancellationToken, Cause, Reason};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// The error of a request's body whose client has sent nothing for too long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyStalled {
    limit: Duration,
}

impl fmt::Display for BodyStalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the client has sent nothing for {:?}", self.limit)
    }
}

impl Error for BodyStalled {}

pin_project! {
    /// The body of a request below [`serve`](crate::serve()).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_axum::RequestBody;
    /// use http::Request;
    /// use http_body::Body;
    ///
    /// /// For an `app` of `serve` that is no axum router.
    /// fn is_large(request: &Request<RequestBody>) -> bool {
    ///     request.body().size_hint().lower() > 1 << 20
    /// }
    /// # let _ = is_large;
    /// ```
    pub struct RequestBody {
        #[pin]
        body: Incoming,
        limit: Option<Duration>,
        // Set while the next frame is pending.
        #[pin]
        timer: Option<Sleep>,
        connection: CancellationToken,
    }
}

impl RequestBody {
    pub(crate) fn new(
        body: Incoming,
        limit: Option<Duration>,
        connection: CancellationToken,
    ) -> Self {
        Self {
            body,
            limit,
            timer: None,
            connection,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    /// Wakes: the body and the timer are polled with `cx`.
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut this = self.project();
        let polled = this.body.poll_frame(cx);
        let Some(limit) = *this.limit else {
            return polled.map_err(Into::into);
        };
        if polled.is_ready() {
            this.timer.set(None);
            return polled.map_err(Into::into);
        }
        if this.timer.is_none() {
            this.timer.set(Some(sleep(limit)));
        }
        match this.timer.as_mut().as_pin_mut().map(|timer| timer.poll(cx)) {
            Some(Poll::Ready(())) => {
                let stalled = BodyStalled { limit };
                let cause = Cause::new(Reason::Disconnected).with_message(stalled.to_string());
                this.connection.cancel_with(cause);
                Poll::Ready(Some(Err(stalled.into())))
            }
            _ => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestBody").field(&self.body).finish()
    }
}
