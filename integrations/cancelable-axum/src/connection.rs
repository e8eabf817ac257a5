//! The task of one connection: it drives the HTTP implementation, watches the socket and the deadlines of bodies, and
//! follows the phases of the server.

use crate::app::App;
use crate::guard::{BoxError, Busy, Connection, WatchedBody};
use crate::keepalive::keep_alive;
use crate::serve::Settings;
use crate::shared::{Arrival, Phase};
use crate::socket_watch::SocketWatch;
use crate::stalled_io::{PREFACE, StalledIo};
use cancelable_core::{CancellationToken, Cause, Reason};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::Request;
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// The time that the HTTP implementation has to end a body whose deadline has passed, before the connection is cut.
const SLACK: Duration = Duration::from_millis(500);

/// The time from the start of a connection in which its first request is waited for, although the server stops.
const FIRST: Duration = Duration::from_millis(100);

/// The longest time that the HTTP implementation is given. It adds times to the clock, which fails for a time without end.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Serves one connection until it ends.
pub(crate) async fn drive<S: App>(
    stream: TcpStream,
    peer: SocketAddr,
    app: S,
    arrival: Arrival,
    settings: Arc<Settings>,
) {
    let server = arrival.server().clone();
    let arrival = Arc::new(arrival);
    let mut first = pin!(tokio::time::sleep(FIRST));
    // A small response is sent at once.
    let _ = stream.set_nodelay(true);
    if let Some(Err(error)) = settings.keepalive.map(|span| keep_alive(&stream, span)) {
        log::debug!(target: "cancelable::request", "the connection of {peer} has no keepalive: {error}");
    }
    let watch = SocketWatch::of(&stream, !settings.keeps_half_closed).ok();
    let left = CancellationToken::new();
    let (bodies, mut watched) = mpsc::unbounded_channel();
    let connection = Connection {
        server: server.clone(),
        arrival: Arc::clone(&arrival),
        left: left.clone(),
        peer,
        body_limit: settings.stalls.body,
        busy: Arc::new(Busy::new()),
        is_http2: Arc::new(AtomicBool::new(false)),
        bodies,
    };
    let begun = Arc::new(AtomicUsize::new(0));
    let head = settings.stalls.head.min(LONGEST);
    let mut preface = pin!(tokio::time::sleep(head));
    let io = StalledIo::new(
        stream,
        settings.stalls.write,
        Arc::clone(&begun),
        left.clone(),
    );
    let io = TokioIo::new(io);
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .half_close(settings.keeps_half_closed);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(settings.ping.map(|interval| interval.min(LONGEST)))
        .keep_alive_timeout(SLACK * 40);
    let service = hyper::service::service_fn({
        let connection = connection.clone();
        move |request: Request<Incoming>| connection.call::<S, S::Body>(&app, request)
    });
    let mut http = pin!(builder.serve_connection_with_upgrades(io, service));
    let mut gone = pin!(async {
        match &watch {
            Some(watch) => watch.client_is_gone(&connection.busy).await,
            None => std::future::pending().await,
        }
    });
    let mut phases = server.phases();
    let mut overdue = FuturesUnordered::new();
    let mut is_gone = false;
    let mut is_preface_over = false;
    // Ends: with the connection, which the last phase cuts.
    loop {
        let phase = *phases.borrow_and_update();
        // The HTTP implementation would close a connection whose first request it has not read yet.
        let is_arriving = phase > Phase::Ready && arrival.is_open() && !first.is_elapsed();
        if !is_arriving {
            follow(phase, http.as_mut(), &connection);
            if phase >= Phase::Draining {
                arrival.end();
                arrival.leave();
            }
        }
        if phase == Phase::Cut {
            break;
        }
        tokio::select! {
            // In this order: bytes that have come are read before the time for them is over.
            biased;
            // The error of a connection is that of its client: it left, or it sent no HTTP.
            ended = http.as_mut() => {
                if let Err(error) = ended {
                    log::debug!(target: "cancelable::request", "a connection of {peer} ended: {error}");
                }
                break;
            }
            () = first.as_mut(), if is_arriving => {}
            // The HTTP implementation has no limit for the bytes that show the version.
            () = preface.as_mut(), if !is_preface_over => {
                is_preface_over = true;
                if arrival.is_open() && begun.load(Ordering::Relaxed) < PREFACE {
                    break;
                }
            }
            () = gone.as_mut(), if !is_gone => {
                is_gone = true;
                left.cancel_with(Cause::new(Reason::Disconnected));
            }
            Some(body) = watched.recv() => overdue.push(deadline_passed(body)),
            Some(is_stuck) = overdue.next(), if !overdue.is_empty() => {
                if is_stuck {
                    log::info!(target: "cancelable::request", "the connection of {peer} is closed: the client does not read a response whose limit has passed");
                    break;
                }
            }
            changed = phases.changed() => {
                if changed.is_err() {
                    break;
                }
            }
        }
    }
}

/// Begins the end of a connection, if the phase requires it.
fn follow<I, S, E>(
    phase: Phase,
    http: std::pin::Pin<&mut hyper_util::server::conn::auto::UpgradeableConnection<'_, I, S, E>>,
    connection: &Connection,
) where
    S: hyper::service::HttpService<Incoming>,
    S::Future: 'static,
    S::Error: Into<BoxError>,
    S::ResBody: Body + 'static,
    <S::ResBody as Body>::Error: Into<BoxError>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    E: hyper_util::server::conn::auto::HttpServerConnExec<S::Future, S::ResBody>,
{
    let is_http2 = connection.is_http2.load(Ordering::Relaxed);
    match phase {
        Phase::Ready | Phase::Cut => {}
        // An idle connection of HTTP/1 that is closed now loses a request that is on its way.
        Phase::Unready if !is_http2 => {}
        Phase::Unready | Phase::Draining | Phase::Asked => http.graceful_shutdown(),
    }
}

/// Waits until the deadline of a body has passed and the body is still not over: true. False if the body is over.
async fn deadline_passed(body: WatchedBody) -> bool {
    let WatchedBody { client, ended } = body;
    let Some(operation) = client.operation() else {
        return false;
    };
    let Some(runtime) = operation.runtime().cloned() else {
        return false;
    };
    let passed = async {
        // Ends: a deadline that was moved is later than the last one, and `cancelled` ends the wait.
        while operation.check().is_ok() {
            match operation.deadline() {
                Some(deadline) => {
                    tokio::select! {
                        () = runtime.sleep_until(deadline) => {}
                        () = operation.cancelled() => {}
                    }
                }
                None => operation.cancelled().await,
            }
        }
        let is_limit = operation.cause().is_some_and(|cause| cause.is_timeout());
        match is_limit {
            true => runtime.sleep(SLACK).await,
            false => std::future::pending().await,
        }
    };
    tokio::select! {
        () = ended.cancelled() => false,
        () = passed => true,
    }
}
