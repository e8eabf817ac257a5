//! A server that stops in phases.

use crate::app::App;
use crate::connection;
use crate::drain::{Drain, Drained};
use crate::guard::BoxError;
use crate::readiness::Readiness;
use crate::request_body::RequestBody;
use crate::shared::{Phase, Server};
use crate::stalls::Stalls;
use crate::stop_requests::{Stop, StopRequests};
use bytes::Bytes;
use cancelable_core::scope::RunError;
use cancelable_core::source::Source;
use cancelable_core::{Cause, Reason, Scope};
use http::{Request, Response};
use http_body::Body;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, IntoFuture, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::Service;

/// Returns a server for `app`, whose requests run below the scope `server`.
///
/// The server runs the scope, and returns when the scope has ended: after a [stop request](Serve::stop_on) or a cancel of
/// the scope, in the phases of [`Drain`]. `app` is an axum `Router` or every other Tower service of HTTP.
///
/// # Examples
///
/// ```no_run
/// use axum::Router;
/// use axum::routing::get;
/// use cancelable_axum::{requests, serve};
/// use std::time::Duration;
/// use tokio::net::TcpListener;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     rt::block_on(async {
///         let server = rt::scope("server").register().build()?;
///         let app = Router::new()
///             .route("/", get(async || "hello"))
///             .layer(requests(&server).timeout(Duration::from_secs(30)));
///         let listener = TcpListener::bind("127.0.0.1:8080").await?;
///         let drained = serve(listener, app, &server).stop_on(rt::shutdown).await?;
///         println!("{drained}");
///         Ok(())
///     })
/// }
/// ```
pub fn serve<S>(listener: TcpListener, app: S, server: &Scope) -> Serve<S> {
    Serve {
        listener,
        app,
        scope: server.clone(),
        stop: None,
        drain: Drain::new(),
        readiness: Readiness::new(),
        settings: Settings {
            stalls: Stalls::new(),
            keeps_half_closed: false,
            ping: None,
            keepalive: None,
        },
    }
}

/// A server, from [`serve`]. Await it to run it.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use cancelable_axum::{Drain, Serve, Stalls, serve};
/// use cancelable_core::Scope;
/// use std::time::Duration;
/// use tokio::net::TcpListener;
///
/// fn settings(listener: TcpListener, app: Router, server: &Scope) -> Serve<Router> {
///     serve(listener, app, server)
///         .stop_on(rt::shutdown)
///         .drain(Drain::new().unready(Duration::from_secs(5)))
///         .stalls(Stalls::new().write(Duration::from_secs(30)))
///         .ping(Duration::from_secs(20))
/// }
/// # let _ = settings;
/// ```
#[must_use = "a server does not run unless it is awaited"]
pub struct Serve<S> {
    listener: TcpListener,
    app: S,
    scope: Scope,
    stop: Option<Stop>,
    drain: Drain,
    readiness: Readiness,
    settings: Settings,
}

/// The settings of connections.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) stalls: Stalls,
    pub(crate) keeps_half_closed: bool,
    pub(crate) ping: Option<Duration>,
    pub(crate) keepalive: Option<Duration>,
}

impl<S> Serve<S> {
    /// Sets the source of stop requests, such as `rt::shutdown` for SIGINT and SIGTERM. `source` is called for each
    /// request: the first begins the stop, and each further one moves to the next phase at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use cancelable_axum::serve;
    /// use cancelable_core::Scope;
    /// use tokio::net::TcpListener;
    ///
    /// async fn run(listener: TcpListener, app: Router, server: &Scope) {
    ///     match serve(listener, app, server).stop_on(rt::shutdown).await {
    ///         Ok(drained) => println!("{drained}"),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// ```
    pub fn stop_on<T: Source>(mut self, mut source: impl FnMut() -> T + Send + 'static) -> Self {
        self.stop = Some(Box::new(move || Box::new(source())));
        self
    }

    /// Sets the times of the phases.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use cancelable_axum::{Drain, serve};
    /// use cancelable_core::Scope;
    /// use std::time::Duration;
    /// use tokio::net::TcpListener;
    ///
    /// async fn run(listener: TcpListener, app: Router, server: &Scope) {
    ///     let drain = Drain::new().finish(Duration::from_secs(20));
    ///     match serve(listener, app, server).drain(drain).await {
    ///         Ok(drained) => println!("{drained}"),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// ```
    pub fn drain(mut self, drain: Drain) -> Self {
        self.drain = drain;
        self
    }

    /// Sets the limits for clients that stall.
    pub fn stalls(mut self, stalls: Stalls) -> Self {
        self.settings.stalls = stalls;
        self
    }

    /// Makes `readiness` unready with the stop request.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use axum::routing::get;
    /// use cancelable_axum::{Readiness, Serve, serve};
    /// use cancelable_core::Scope;
    /// use tokio::net::TcpListener;
    ///
    /// fn with_readiness(listener: TcpListener, app: Router, server: &Scope) -> Serve<Router> {
    ///     let readiness = Readiness::new();
    ///     let route = readiness.clone();
    ///     let app = app.route("/ready", get(async move || route.status()));
    ///     serve(listener, app, server).readiness(&readiness)
    /// }
    /// ```
    pub fn readiness(mut self, readiness: &Readiness) -> Self {
        self.readiness = readiness.clone();
        self
    }

    /// Serves clients of HTTP/1 that end their side of the connection behind the request. Without this call such a
    /// client counts as gone.
    pub fn keep_half_closed(mut self) -> Self {
        self.settings.keeps_half_closed = true;
        self
    }

    /// Sends a PING on each connection of HTTP/2 in this interval, and cuts the connection if no answer comes within 20
    /// seconds: the way to notice a client that vanished.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use cancelable_axum::serve;
    /// use cancelable_core::Scope;
    /// use std::time::Duration;
    /// use tokio::net::TcpListener;
    ///
    /// async fn run(listener: TcpListener, app: Router, server: &Scope) {
    ///     let interval = Duration::from_secs(20);
    ///     match serve(listener, app, server).ping(interval).await {
    ///         Ok(drained) => println!("{drained}"),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// ```
    pub fn ping(mut self, interval: Duration) -> Self {
        self.settings.ping = Some(interval);
        self
    }

    /// Has the system ask a connection that was silent for `span` whether its client is still there, by the keepalive of
    /// TCP: the way to notice a client of HTTP/1 that vanished. A client that answers none of three probes, each a third of
    /// `span` after the last, has left. On Linux, a client that acknowledges nothing that was sent for twice `span` has left as
    /// well. The system counts in seconds.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use cancelable_axum::{Serve, serve};
    /// use cancelable_core::Scope;
    /// use std::time::Duration;
    /// use tokio::net::TcpListener;
    ///
    /// fn settings(listener: TcpListener, app: Router, server: &Scope) -> Serve<Router> {
    ///     serve(listener, app, server).keepalive(Duration::from_secs(30))
    /// }
    /// # let _ = settings;
    /// ```
    pub fn keepalive(mut self, span: Duration) -> Self {
        self.settings.keepalive = Some(span);
        self
    }
}

impl<S> fmt::Debug for Serve<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listener", &self.listener)
            .field("scope", self.scope.label())
            .field("drain", &self.drain)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<S, B> IntoFuture for Serve<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Drained, RunError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(run(self))
    }
}

/// Runs a server until it has stopped.
async fn run<S: App>(serve: Serve<S>) -> Result<Drained, RunError> {
    let scope = serve.scope.clone();
    let server = Server::new(
        #[cfg(feature = "ws")]
        scope.clone(),
    );
    let report = Arc::new(parking_lot::Mutex::new(None));
    let body = {
        let (server, report) = (server.clone(), Arc::clone(&report));
        move |scope: Scope| async move {
            // The connections end in the phases of the drain, also after a cancel of the scope.
            scope.shield(drive(serve, server, report)).await;
        }
    };
    let mut run = Box::pin(scope.run(body));
    // The tasks that are left after the last phase are aborted; the server does not wait for a thread that
    // does not end.
    let cut = async {
        let mut phases = server.phases();
        if phases.wait_for(|phase| *phase == Phase::Cut).await.is_err() {
            return pending().await;
        }
        tokio::time::sleep(LAST).await;
    };
    let outcome = tokio::select! {
        outcome = run.as_mut() => Some(outcome),
        () = cut => None,
    };
    let mut drained: Option<Drained> = report.lock().take();
    match (outcome, &mut drained) {
        (None, Some(drained)) => {
            let left = scope.unfinished().into_iter();
            let own = scope.id();
            drained
                .cut
                .extend(left.filter(|left| left.operation().id() != own));
            drop(run);
        }
        (Some(outcome), None) => {
            // The scope was cancelled before it ran, or ran before.
            outcome.into_result()?;
        }
        _ => {}
    }
    Ok(drained.unwrap_or_else(|| Drained {
        finished: 0,
        asked: 0,
        cut: Vec::new(),
        refused: 0,
        cause: scope
            .cause()
            .unwrap_or_else(|| Cause::new(Reason::ShuttingDown)),
    }))
}

/// The time that everything has to end after the connections were aborted.
const LAST: Duration = Duration::from_secs(1);

/// Accepts connections and serves them, until a stop request has gone through its phases.
async fn drive<S: App>(
    serve: Serve<S>,
    server: Server,
    report: Arc<parking_lot::Mutex<Option<Drained>>>,
) {
    let Serve {
        listener,
        app,
        scope,
        mut stop,
        drain,
        readiness,
        settings,
    } = serve;
    let settings = Arc::new(settings);
    let mut connections = JoinSet::new();
    let connect = {
        let server = server.clone();
        move |connections: &mut JoinSet<()>, (stream, peer): (TcpStream, SocketAddr)| {
            let (app, settings) = (app.clone(), Arc::clone(&settings));
            // From here on: the task may not run before the drain looks for what is open.
            let arrival = server.arrive();
            connections.spawn(connection::drive(stream, peer, app, arrival, settings));
            // The ended ones are forgotten.
            while connections.try_join_next().is_some() {}
        }
    };
    let mut requests = StopRequests::of(&scope, &mut stop);

    // Ready.
    let cause = {
        let mut request = Box::pin(requests.next());
        loop {
            tokio::select! {
                // In this order: the source starts before the first connection is accepted.
                biased;
                cause = request.as_mut() => break cause,
                accepted = accept(&listener) => connect(&mut connections, accepted),
            }
        }
    };
    let at_stop = server.count();
    log::info!(target: "cancelable::request", "the server stops: {}; open requests: {at_stop}", cause.without_location());
    readiness.set_unready();
    server.set_phase(Phase::Unready);
    {
        let unready = tokio::time::sleep(drain.unready);
        let mut unready = std::pin::pin!(unready);
        let mut request = Box::pin(requests.next());
        loop {
            tokio::select! {
                () = unready.as_mut() => break,
                _ = request.as_mut() => break,
                accepted = accept(&listener) => connect(&mut connections, accepted),
            }
        }
    }
    // The kernel has accepted these connections for us. With the drop of the listener the kernel would reset
    // them.
    for accepted in accepted_already(listener).await {
        connect(&mut connections, accepted);
    }
    server.set_phase(Phase::Draining);
    tokio::select! {
        () = server.idle() => {}
        () = tokio::time::sleep(drain.finish) => {}
        _ = requests.next() => {}
    }
    let at_asked = server.count();
    server.set_phase(Phase::Asked);
    let shutting_down = Cause::new(Reason::ShuttingDown).with_message("the server stops");
    let asked = server.cancel_all(&shutting_down);
    tokio::select! {
        () = server.idle() => {}
        () = tokio::time::sleep(drain.grace) => {}
        _ = requests.next() => {}
    }
    // Connections that are idle by now end by themselves.
    let _ = tokio::time::timeout(Duration::from_millis(100), async {
        while connections.join_next().await.is_some() {}
    })
    .await;
    *report.lock() = Some(Drained {
        finished: at_stop.saturating_sub(at_asked),
        asked,
        cut: server.unfinished(),
        refused: server.refused(),
        cause,
    });
    server.set_phase(Phase::Cut);
    connections.shutdown().await;
    scope.cancel_now(shutting_down);
}

/// Accepts the next connection. An error is waited out: without file handles, and the like, time helps.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    // Ends: each turn accepts a connection or waits.
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                log::warn!(target: "cancelable::request", "cannot accept a connection, and will try again in a second: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Returns whether an error of `accept` is that of one connection.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// The connections that the kernel has accepted already. Then the listener is closed.
///
/// The calls go to the kernel, because the runtime may not know of a connection yet: its readiness is as old as its
/// last look. A connection that the kernel accepts between the last call and the close is reset. Nothing can prevent that,
/// and for that the unready phase exists: in it, clients learn to connect elsewhere.
async fn accepted_already(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut all = Vec::new();
    // The listener does not block.
    let listener = match listener.into_std() {
        Ok(listener) => listener,
        Err(_) => return all,
    };
    let mut attempts = 10;
    // Ends: with the queue, or with the attempts.
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                let stream = stream.set_nonblocking(true).map(|()| stream);
                if let Ok(stream) = stream.and_then(TcpStream::from_std) {
                    all.push((stream, peer));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return all,
            Err(error)
                if is_of_connection(&error) || error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if attempts == 0 => {
                log::warn!(target: "cancelable::request", "connections that wait are lost: {error}");
                return all;
            }
            // Without file handles, and the like, time helps: requests end.
            Err(_) => {
                attempts -= 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
