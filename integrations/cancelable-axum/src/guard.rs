//! The outermost service of a connection. If the connection drops a response future or a body here, the client
//! has left.

use crate::request_body::RequestBody;
use crate::shared::{Arrival, OpenRequest, Phase, Server};
use bytes::Bytes;
use cancelable_core::CancellationToken;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tower::util::Oneshot;
use tower::{Service, ServiceExt};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// The state that the requests of one connection share with the task that drives the connection.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) server: Server,
    pub(crate) arrival: Arc<Arrival>,
    /// The token that is cancelled when the client of the connection is gone.
    pub(crate) left: CancellationToken,
    pub(crate) peer: SocketAddr,
    pub(crate) body_limit: Option<Duration>,
    /// The number of requests whose response has not begun, and a number that changes with each request.
    pub(crate) busy: Arc<Busy>,
    /// True once a request of HTTP/2 has come.
    pub(crate) is_http2: Arc<AtomicBool>,
    /// The bodies whose deadline the connection has to watch.
    pub(crate) bodies: mpsc::UnboundedSender<WatchedBody>,
}

/// The handlers that run on a connection.
#[derive(Debug)]
pub(crate) struct Busy {
    running: AtomicUsize,
    changes: watch::Sender<u64>,
}

impl Busy {
    pub(crate) fn new() -> Self {
        Self {
            running: AtomicUsize::new(0),
            changes: watch::Sender::new(0),
        }
    }

    #[cfg(unix)]
    pub(crate) fn is_busy(&self) -> bool {
        self.running.load(Ordering::Acquire) > 0
    }

    #[cfg(unix)]
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn enter(self: &Arc<Self>) -> RunningHandler {
        self.running.fetch_add(1, Ordering::AcqRel);
        self.changes.send_modify(|number| *number += 1);
        RunningHandler(Arc::clone(self))
    }
}

/// A handler that runs, until this is dropped.
struct RunningHandler(Arc<Busy>);

impl Drop for RunningHandler {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
        self.0.changes.send_modify(|number| *number += 1);
    }
}

/// A body that the HTTP implementation may stop to poll.
pub(crate) struct WatchedBody {
    pub(crate) client: cancelable_tower::Client,
    /// The token that is cancelled with the end of the body.
    pub(crate) ended: CancellationToken,
}

impl Connection {
    /// Answers one request by `app`.
    pub(crate) fn call<S, B>(&self, app: &S, request: Request<Incoming>) -> Guarded<S, B>
    where
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    {
        let phase = self.server.phase();
        if request.version() == Version::HTTP_2 {
            self.is_http2.store(true, Ordering::Relaxed);
        }
        if phase >= Phase::Asked {
            self.server.refuse();
            self.arrival.end();
            return Guarded::Refused;
        }
        let open = self.server.open(&self.left);
        self.arrival.end();
        let mut request =
            request.map(|body| RequestBody::new(body, self.body_limit, self.left.clone()));
        let version = request.version();
        let extensions = request.extensions_mut();
        extensions.insert(open.client().clone());
        extensions.insert(self.server.clone());
        extensions.insert(axum::extract::ConnectInfo(self.peer));
        Guarded::Running {
            response: app.clone().oneshot(request),
            open: OpenGuard {
                open: Some(open),
                handler: Some(self.busy.enter()),
            },
            is_http1: version < Version::HTTP_2,
            bodies: self.bodies.clone(),
        }
    }
}

/// A request whose drop is that of the client.
struct OpenGuard {
    /// The open request; `None` once the response is complete.
    open: Option<OpenRequest>,
    handler: Option<RunningHandler>,
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        // The fields inside are dropped after this, and find that the client has left.
        if let Some(open) = &self.open {
            open.client().leave();
        }
    }
}

pin_project! {
    /// The response of the app, or a refusal.
    #[project = GuardedProj]
    pub(crate) enum Guarded<S, B>
    where
        S: Service<Request<RequestBody>, Response = Response<B>>,
    {
        Refused,
        Running {
            // Dropped first: the drop reports that the client has left, before the response is dropped.
            open: OpenGuard,
            #[pin]
            response: Oneshot<S, Request<RequestBody>>,
            is_http1: bool,
            bodies: mpsc::UnboundedSender<WatchedBody>,
        },
    }
}

impl<S, B> Future for Guarded<S, B>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    B: Body,
{
    type Output = Result<Response<GuardedBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            GuardedProj::Refused => Poll::Ready(Ok(refusal())),
            GuardedProj::Running {
                open,
                response,
                is_http1,
                bodies,
            } => {
                let mut response = ready!(response.poll(cx)?);
                open.handler = None;
                let Some(open) = open.open.take() else {
                    return Poll::Pending;
                };
                let is_leaving = open.server().phase() > Phase::Ready;
                if is_leaving && *is_http1 && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, close);
                }
                let ended = CancellationToken::new();
                if !response.body().is_end_stream() {
                    // The connection's task is gone only if the connection is.
                    let _ = bodies.send(WatchedBody {
                        client: open.client().clone(),
                        ended: ended.clone(),
                    });
                }
                Poll::Ready(Ok(response.map(|body| GuardedBody {
                    open: OpenGuard {
                        open: Some(open),
                        handler: None,
                    },
                    body: Some(body),
                    ended,
                })))
            }
        }
    }
}

/// The response to a request that came after the others were cancelled.
fn refusal<B>() -> Response<GuardedBody<B>> {
    let mut response = Response::new(GuardedBody {
        open: OpenGuard {
            open: None,
            handler: None,
        },
        body: None,
        ended: CancellationToken::never(),
    });
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

pin_project! {
    /// The body of a response, whose drop before its end is that of the client.
    pub(crate) struct GuardedBody<B> {
        // Dropped first, as above.
        open: OpenGuard,
        #[pin]
        body: Option<B>,
        ended: CancellationToken,
    }

    impl<B> PinnedDrop for GuardedBody<B> {
        fn drop(this: Pin<&mut Self>) {
            this.project().ended.cancel();
        }
    }
}

impl<B> Body for GuardedBody<B>
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
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let frame = ready!(body.poll_frame(cx));
        let is_end = match &frame {
            None | Some(Err(_)) => true,
            Some(Ok(_)) => this
                .body
                .as_ref()
                .get_ref()
                .as_ref()
                .is_some_and(Body::is_end_stream),
        };
        if is_end {
            this.ended.cancel();
            // The response is whole, or the layers inside have ended it: the client has not left.
            this.open.open = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
