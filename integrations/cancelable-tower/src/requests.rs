//! The layer: an operation for each request.

use crate::access_log;
use crate::answers::{AnswersCancel, Problem, is_grpc};
use crate::client::Client;
use crate::client_gone::ClientGone;
use crate::deadline_headers::DeadlineHeaders;
use crate::exchange::{Exchange, Facts, Limited, ServiceFailed};
use crate::keys::{KeyProblem, Keys};
use crate::response_body::ResponseBody;
use crate::response_future::{ResponseFuture, Slot};
use crate::settings::Settings;
use bytes::Bytes;
use cancelable_core::{Cause, Scope};
use http::request::Parts;
use http::{Request, Response, Version};
use http_body::Body;
use std::borrow::Cow;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// A layer that runs each request in a scope of its own, a child of the server's scope.
///
/// The scope holds from the head of the request to the last byte of the response's body: one deadline, one place in the
/// registry, one cause. The request's extensions have its [`Scope`], in which the handler may spawn children, and its
/// [`Operation`](cancelable_core::Operation), which is also [`current()`](cancelable_core::current) in the handler and in
/// the body.
///
/// Put the layer outside of layers that drop requests, such as a timeout, and outside of layers that wrap bodies,
/// such as compression: a drop that comes from another layer cannot be distinguished from a client that left, and
/// a body that another layer buffers is complete when that layer has it.
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
    /// Returns a layer whose requests are children of `server`.
    pub fn of(server: &Scope) -> Self {
        Self {
            settings: Settings::new(server.clone()),
        }
    }

    /// Sets the time limit of a request, from its head to the last byte of its response. A route changes it by
    /// [`Limits::timeout`](crate::Limits::timeout); without this call a request has none.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings.timeout = Some(limit);
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
    B: Body + Send + 'static,
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
        let exchange = match self.open(&parts, is_grpc) {
            Ok(exchange) => exchange,
            Err(problem) => return ResponseFuture::answered(problem.response(is_grpc)),
        };
        parts.extensions.insert(exchange.scope().clone());
        parts.extensions.insert(exchange.operation().clone());
        parts.extensions.insert(exchange.clone());
        let method = parts.method.clone();
        let request = Request::from_parts(parts, body);
        let response = exchange.operation().in_scope(|| self.inner.call(request));
        let slot = Slot::<B, S::Error>::default();
        let run = exchange.scope().try_run({
            let (slot, over, exchange) = (Arc::clone(&slot), exchange.over(), exchange.clone());
            move |scope| serve(response, exchange, scope, slot, over)
        });
        ResponseFuture::running(Box::pin(run), slot, method, exchange)
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

impl<S> RequestsService<S> {
    /// Opens the scope of a request.
    fn open(&self, parts: &Parts, is_grpc: bool) -> Result<Exchange, Problem> {
        let settings = &self.settings;
        if settings.is_full() {
            return Err(Problem::TOO_MUCH_LEFT_BEHIND);
        }
        let callers_limit = match settings.deadline_headers.read(&parts.headers) {
            Ok(limit) => limit,
            Err(_) if settings.ignores_malformed_deadlines => None,
            Err(error) => {
                log::info!(target: "cancelable::request", "a request was refused: {error}");
                return Err(Problem::MALFORMED_DEADLINE);
            }
        };
        let key = match &settings.keys {
            Some(keys) => Some(keys.take(parts).map_err(|problem| match problem {
                KeyProblem::Malformed => Problem::MALFORMED_KEY,
                KeyProblem::InUse => Problem::KEY_IN_USE,
                KeyProblem::NoRandomness => Problem::INTERNAL,
            })?),
            None => None,
        };
        let (limited, limit) = match (callers_limit, settings.timeout) {
            (Some(callers), Some(own)) if callers <= own => (Limited::Caller, Some(callers)),
            (Some(callers), None) => (Limited::Caller, Some(callers)),
            (_, own) => (Limited::Server, own),
        };
        let mut scope = settings
            .server
            .child((settings.name)(parts))
            .grace(settings.grace)
            .metadata("path", parts.uri.path().to_owned())
            .metadata("version", version(parts.version));
        if let Some(limit) = limit {
            scope = scope.timeout(limited.limit(limit));
        }
        let id = parts.headers.get("x-request-id");
        if let Some(id) = id.and_then(|id| id.to_str().ok()) {
            scope = scope.metadata("request_id", id.to_owned());
        }
        // It fails if the server's scope has ended.
        let scope = scope.build().map_err(|error| {
            log::info!(target: "cancelable::request", "a request was refused: {error}");
            Problem::SHUTTING_DOWN
        })?;
        let line = access_log::Request::of(parts);
        let client = parts.extensions.get::<Client>().cloned();
        if let Some(client) = &client {
            client.set_operation(&scope);
        }
        if let Some(key) = &key {
            key.set_operation(&scope);
        }
        let facts = Facts {
            client,
            key,
            is_grpc,
            line,
        };
        Ok(Exchange::new(
            scope,
            settings,
            facts,
            limited,
            callers_limit,
        ))
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
