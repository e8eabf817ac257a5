//! The layer: an operation for each request.

use crate::access_log;
use crate::answers::{AnswersCancel, Problem, is_grpc};
use crate::client::Client;
use crate::client_gone::ClientGone;
use crate::deadline_headers::DeadlineHeaders;
use crate::exchange::{Exchange, Facts, Limited, Panicked, REQUEST_OFFSET, ServiceFailed, caught};
use crate::keys::{KeyProblem, Keys, Taken};
use crate::response_body::{BoxError, ResponseBody};
use crate::response_future::{ResponseFuture, Slot, TakingOver};
use crate::settings::Settings;
use bytes::Bytes;
use cancelable_core::{Cause, Scope};
use http::request::Parts;
use http::{Request, Response, Version};
use http_body::Body;
use pin_project_lite::pin_project;
use std::any::Any;
use std::borrow::Cow;
use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// A layer that runs each request in a scope of its own, a child of the server's scope.
///
/// The scope holds from the head of the request to the last byte of the response's body: one deadline, one place in the
/// registry, one cause. The request's extensions have its [`Scope`], in which the handler may spawn children. In the
/// handler and in the body, [`current()`](cancelable_core::current) is its operation.
///
/// Put the layer outside of layers that drop requests, such as a timeout, and outside of layers that wrap bodies,
/// such as compression: a drop that comes from another layer cannot be distinguished from a client that left, and
/// a body that another layer buffers is complete when that layer has it.
///
/// Apply the layer once. If it is applied twice, such as to a router and to a router inside, a request has an operation of
/// each, and the outer one has the key.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_tower::{ClientGone, Requests};
/// use std::time::Duration;
///
/// fn layer(server: &Scope) -> Requests {
///     Requests::of(server)
///         .timeout(Duration::from_secs(30))
///         .longest(Duration::from_secs(300))
///         .client_gone(ClientGone::Tell(Duration::from_secs(5)))
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing by itself"]
pub struct Requests {
    settings: Settings,
}

impl Requests {
    /// Returns a layer whose requests are children of `server`. The place of this call is named as the place where the
    /// scope of a request was opened.
    #[track_caller]
    pub fn of(server: &Scope) -> Self {
        Self {
            settings: Settings::new(server.clone(), Location::caller()),
        }
    }

    /// Sets the time limit of a request, from its head to the last byte of its response. A route changes it by
    /// [`Limits::timeout`](crate::Limits::timeout); without this call a request has none.
    #[track_caller]
    pub fn timeout(mut self, limit: Duration) -> Self {
        let own = Limited::Server.limit(limit, Location::caller());
        self.settings.timeout = Some((limit, own));
        self
    }

    /// Sets the longest limit that a route may set.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::{Limits, Requests};
    /// use std::time::Duration;
    ///
    /// let server = rt::scope("server").build()?;
    /// let layer = Requests::of(&server)
    ///     .timeout(Duration::from_secs(30))
    ///     .longest(Duration::from_secs(300));
    /// // A route may have more time than the server's 30 seconds, up to 300.
    /// let report = Limits::new().timeout(Duration::from_secs(120));
    /// # drop((layer, report));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn longest(mut self, limit: Duration) -> Self {
        self.settings.longest = Some(limit);
        self
    }

    /// Sets the headers whose deadlines are kept. A deadline shortens the limit of the server, and never extends
    /// it.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::{DeadlineHeaders, Requests};
    ///
    /// let server = rt::scope("server").build()?;
    /// let headers = DeadlineHeaders::GRPC | DeadlineHeaders::CONNECT;
    /// let layer = Requests::of(&server).deadline_headers(headers);
    /// # drop(layer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deadline_headers(mut self, headers: DeadlineHeaders) -> Self {
        self.settings.deadline_headers = headers;
        self
    }

    /// Serves requests with a malformed deadline header as if they had none. Without this call they are answered with
    /// 400.
    pub fn ignore_malformed_deadlines(mut self) -> Self {
        self.settings.ignores_malformed_deadlines = true;
        self
    }

    /// Sets the policy for the work of a request when its client leaves. A route changes it by
    /// [`Limits::client_gone`](crate::Limits::client_gone).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::{ClientGone, Requests};
    /// use std::time::Duration;
    ///
    /// let server = rt::scope("server").build()?;
    /// let layer = Requests::of(&server).client_gone(ClientGone::Tell(Duration::from_secs(5)));
    /// # drop(layer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn client_gone(mut self, policy: ClientGone) -> Self {
        if let ClientGone::Tell(grace) = policy {
            self.settings.grace = self.settings.grace.max(grace);
        }
        self.settings.client_gone = policy;
        self
    }

    /// Sets the time for which a handler may continue after its cancellation, for any cause, and so the longest span of
    /// [`ClientGone::Tell`] on any route. A response that a stopping server's handler gives in its grace is sent; a
    /// request whose limit has passed is answered at once.
    pub fn grace(mut self, span: Duration) -> Self {
        self.settings.grace = span;
        self
    }

    /// Declares that nothing but the connection drops responses: the layer is the outermost one. A response that is
    /// dropped was then left by its client, and the cause is [`Reason::Disconnected`](cancelable_core::Reason). Without
    /// this call the layer does not guess: the cause is [`Reason::RunDropped`](cancelable_core::Reason).
    pub fn outermost(mut self) -> Self {
        self.settings.is_outermost = true;
        self
    }

    /// Sets the maximum number of requests that continue without a client. While this number is reached, new
    /// requests are answered with 503. The default is 1000.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::Requests;
    /// use std::num::NonZeroUsize;
    ///
    /// let server = rt::scope("server").build()?;
    /// let layer = Requests::of(&server).most_left_behind(NonZeroUsize::MIN);
    /// # drop(layer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn most_left_behind(mut self, most: NonZeroUsize) -> Self {
        self.settings.most_left_behind = most;
        self
    }

    /// Sets the name of a request's operation. The default is its method. Use the route and never the path, so that
    /// names are few.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::Requests;
    ///
    /// let server = rt::scope("server").build()?;
    /// let layer = Requests::of(&server).name(|head| format!("{} /orders", head.method).into());
    /// # drop(layer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name(
        mut self,
        name: impl Fn(&Parts) -> Cow<'static, str> + Send + Sync + 'static,
    ) -> Self {
        self.settings.name = Arc::new(name);
        self
    }

    /// Sets the function that reads the address of the client from the head of a request. The address is the metadata `peer`
    /// of the operation; behind a proxy it is that of the proxy. By default there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::Requests;
    /// use std::net::SocketAddr;
    ///
    /// let server = rt::scope("server").build()?;
    /// // The server of this example adds the address to the extensions of each request.
    /// let layer = Requests::of(&server).peer(|head| head.extensions.get::<SocketAddr>().copied());
    /// # drop(layer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peer(
        mut self,
        peer: impl Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.settings.peer = Some(Arc::new(peer));
        self
    }

    /// Gives each request a key, with which another connection can stop the request.
    pub fn keys(mut self, keys: &Keys) -> Self {
        self.settings.keys = Some(keys.clone());
        self
    }

    /// Sets the response to a request that was cancelled before its head was sent; `None` for the response of the
    /// [table](crate#answers).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::Requests;
    /// use bytes::Bytes;
    /// use http::Response;
    ///
    /// let server = rt::scope("server").build()?;
    /// let layer = Requests::of(&server).answer(|cause| {
    ///     // Another text for a limit that has passed.
    ///     cause.is_timeout().then(|| Response::new(Bytes::from("try later")))
    /// });
    /// # drop(layer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn answer(
        mut self,
        answer: impl Fn(&Cause) -> Option<Response<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        self.settings.answer = Some(Arc::new(answer));
        self
    }
}

impl<S> Layer<S> for Requests {
    type Service = RequestsService<S>;

    fn layer(&self, inner: S) -> RequestsService<S> {
        RequestsService {
            inner,
            settings: Arc::new(self.settings.clone()),
        }
    }
}

/// A service whose requests run in scopes, from the layer [`Requests`].
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_tower::{Requests, RequestsService};
/// use std::time::Duration;
/// use tower_layer::Layer;
///
/// fn bounded<S>(service: S, server: &Scope) -> RequestsService<S> {
///     Requests::of(server).timeout(Duration::from_secs(30)).layer(service)
/// }
/// # let _ = bounded::<()>;
/// ```
#[derive(Clone, Debug)]
pub struct RequestsService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S, A, B> Service<Request<A>> for RequestsService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<B, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let is_grpc = is_grpc(&parts.headers);
        // The functions of the settings are user code.
        let opened = caught(|| self.open(&parts, is_grpc));
        let exchange = match opened.unwrap_or_else(|Panicked| Err(Problem::PANIC)) {
            Ok(Opened::New(exchange)) => exchange,
            Ok(Opened::TakesOver(request)) => return ResponseFuture::taking_over(request),
            Err(problem) => return ResponseFuture::answered(problem.response(is_grpc)),
        };
        parts.extensions.insert(exchange.scope().clone());
        parts.extensions.insert(exchange.clone());
        let (method, version) = (parts.method.clone(), parts.version);
        let request = Request::from_parts(parts, body);
        let call = || exchange.operation().in_scope(|| self.inner.call(request));
        let called = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
        // A panic in the call is one of the handler: the operation fails.
        let response = match called {
            Ok(future) => Called::Answers { future },
            Err(payload) => Called::Panicked {
                payload: Some(payload),
            },
        };
        let slot = Slot::<B, S::Error>::default();
        let run = exchange.scope().try_run({
            let (slot, over, exchange) = (Arc::clone(&slot), exchange.over(), exchange.clone());
            move |scope| serve(response, exchange, scope, slot, over)
        });
        ResponseFuture::running(Box::pin(run), slot, method, version, exchange)
    }
}

pin_project! {
    /// The response of the service, or the panic of its call, which goes on in the poll.
    #[project = CalledProj]
    enum Called<F> {
        Answers { #[pin] future: F },
        Panicked { payload: Option<Box<dyn Any + Send>> },
    }
}

impl<F: Future> Future for Called<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project() {
            CalledProj::Answers { future } => future.poll(cx),
            CalledProj::Panicked { payload } => match payload.take() {
                Some(payload) => std::panic::resume_unwind(payload),
                // Polled after its end, which promises nothing.
                None => Poll::Pending,
            },
        }
    }
}

/// Waits for the response of the service, puts it into the slot, and waits until its body is over.
async fn serve<B, E>(
    response: impl Future<Output = Result<Response<B>, E>>,
    exchange: Exchange,
    scope: Scope,
    slot: Slot<B, E>,
    over: impl Future<Output = Result<(), ServiceFailed>>,
) -> Result<(), ServiceFailed> {
    exchange.begin();
    let answered = response.await;
    if let (Ok(response), Err(cancelled)) = (&answered, scope.check()) {
        // The response to the cancellation is that of the layer, which knows gRPC and the settings.
        if response.extensions().get::<AnswersCancel>().is_some() {
            let cancelled = Some(cancelled);
            return Err(ServiceFailed { cancelled });
        }
    }
    drop((scope, exchange));
    let is_failure = answered.is_err();
    *slot.lock() = Some(answered);
    drop(slot);
    match is_failure {
        true => Err(ServiceFailed::default()),
        false => over.await,
    }
}

/// The begin of a request.
enum Opened {
    New(Exchange),
    /// The request has the key of a request whose client has left.
    TakesOver(TakingOver),
}

impl<S> RequestsService<S> {
    /// Opens the scope of a request, unless the request takes over the work of an earlier one.
    fn open(&self, parts: &Parts, is_grpc: bool) -> Result<Opened, Problem> {
        let settings = &self.settings;
        let callers_limit = match settings.deadline_headers.read(&parts.headers) {
            Ok(limit) => limit,
            Err(_) if settings.ignores_malformed_deadlines => None,
            Err(error) => {
                log::info!(target: "cancelable::request", "a request was refused: {error}");
                return Err(Problem::MALFORMED_DEADLINE);
            }
        };
        // Below another layer `Requests`, that layer has taken the key.
        let is_outer = parts.extensions.get::<Exchange>().is_none();
        let keys = settings.keys.as_ref().filter(|_| is_outer);
        let offset = match keys {
            Some(_) => offset(parts)?,
            None => None,
        };
        let taken = keys.map(|keys| keys.take(parts));
        let taken = taken.transpose().map_err(|problem| match problem {
            KeyProblem::Malformed => Problem::MALFORMED_KEY,
            KeyProblem::InUse => Problem::KEY_IN_USE,
            KeyProblem::NoRandomness => Problem::INTERNAL,
        })?;
        let client = parts.extensions.get::<Client>().cloned();
        let key = match taken {
            Some(Taken::Over(work)) => {
                return Ok(Opened::TakesOver(TakingOver {
                    work,
                    client,
                    peer: settings.peer_of(parts),
                    callers_limit,
                    offset,
                    method: parts.method.clone(),
                    version: parts.version,
                    is_grpc,
                }));
            }
            Some(Taken::New(key)) => Some(key),
            None => None,
        };
        if settings.is_full() {
            return Err(Problem::TOO_MUCH_LEFT_BEHIND);
        }
        let (limited, limit) = match (callers_limit, &settings.timeout) {
            (Some(callers), Some((own, limit))) if *own < callers => {
                (Limited::Server, Some(limit.clone()))
            }
            (Some(callers), _) => {
                let limit = Limited::Caller.limit(callers, settings.location);
                (Limited::Caller, Some(limit))
            }
            (None, own) => (
                Limited::Server,
                own.as_ref().map(|(_, limit)| limit.clone()),
            ),
        };
        let mut scope = settings
            .server
            .child((settings.name)(parts))
            .location(settings.location)
            .grace(settings.grace)
            .metadata("path", parts.uri.path().to_owned())
            .metadata("version", version(parts.version));
        if let Some(limit) = limit {
            scope = scope.timeout(limit);
        }
        if let Some(peer) = settings.peer_of(parts) {
            scope = scope.metadata("peer", peer);
        }
        let id = parts.headers.get("x-request-id");
        if let Some(id) = id.and_then(|id| id.to_str().ok()) {
            scope = scope.metadata("request_id", id.to_owned());
        }
        let scope = scope.build().map_err(|error| {
            let server = &settings.server;
            if server.runtime().is_none() && !server.is_finished() {
                log::error!(target: "cancelable::request", "the scope of the server needs a runtime: {error}");
                return Problem::INTERNAL;
            }
            // The server's scope has ended.
            log::info!(target: "cancelable::request", "a request was refused: {error}");
            Problem::SHUTTING_DOWN
        })?;
        let line = access_log::Request::of(parts);
        if let Some(client) = &client {
            client.set_operation(&scope);
        }
        if let Some(key) = &key {
            key.set_operation(&scope);
        }
        let facts = Facts { key, is_grpc, line };
        let exchange = Exchange::new(scope, settings, client, facts, limited, callers_limit);
        Ok(Opened::New(exchange))
    }
}

/// The number of bytes that the client of a request with a key has.
fn offset(parts: &Parts) -> Result<Option<u64>, Problem> {
    let Some(offset) = parts.headers.get(REQUEST_OFFSET) else {
        return Ok(None);
    };
    let digits = offset.to_str().unwrap_or_default();
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    match digits.parse() {
        Ok(offset) if is_number => Ok(Some(offset)),
        _ => Err(Problem::MALFORMED_OFFSET),
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "?",
    }
}
