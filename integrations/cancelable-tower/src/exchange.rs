//! One exchange: the operation of a request, from its head to the last byte of the response.
//!
//! The run of the operation waits for the handler, hands the head of the response over, and waits until the body is
//! over. The run is one boxed future without a task of its own. The future of the response polls it until the head
//! is there; then the body of the response polls it before each frame. So one deadline holds for both.

use crate::access_log::{self, Ending};
use crate::keys::{Asks, REQUEST_KEY, TakenKey};
use crate::left_work::{Answer, LeftWork};
use crate::settings::Settings;
use crate::{Client, ClientGone};
use cancelable_core::source::Limit;
use cancelable_core::token::WaitForCancellationFutureOwned;
use cancelable_core::{Cancelled, Cause, Operation, Outcome, Reason, RuntimeHandle, Scope};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};
use parking_lot::Mutex;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The header that has the number of bytes of a body that were sent before: in the response of a request that takes
/// over the work of another, and in such a request that goes back.
pub(crate) const REQUEST_OFFSET: HeaderName = HeaderName::from_static("x-request-offset");

/// The run of an exchange.
pub(crate) type Run = Pin<Box<dyn Future<Output = Outcome<(), ServiceFailed>> + Send>>;

/// The service, or the body of its response, answered with an error, which went to the server; or the response was cut
/// by the cancellation.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceFailed {
    /// Set for a cut, and for the response to a cancellation. The run then ends as cancelled.
    pub(crate) cancelled: Option<Cancelled>,
}

impl fmt::Display for ServiceFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the service failed")
    }
}

impl std::error::Error for ServiceFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cancelled.as_ref().map(|cancelled| cancelled as _)
    }
}

/// The end of the body of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Over {
    /// The body is complete, or is no longer polled.
    Complete = 1,
    /// Ended by an error of its own.
    Failed = 2,
    /// Cut after the head, by the cancellation of the request.
    Cut = 3,
}

/// An exchange, which the layers of a request share as an extension of the request.
#[derive(Clone)]
pub(crate) struct Exchange {
    shared: Arc<Shared>,
}

struct Shared {
    scope: Scope,
    settings: Arc<Settings>,
    facts: Facts,
    /// An [`Over`], or 0 while the body of the response is not over. Read by the run alone.
    over: AtomicU8,
    /// Set by the first poll of the handler.
    has_begun: AtomicBool,
    state: Mutex<State>,
}

/// The facts of a request, which do not change.
pub(crate) struct Facts {
    pub(crate) key: Option<TakenKey>,
    pub(crate) is_grpc: bool,
    pub(crate) line: access_log::Request,
}

struct State {
    /// The client, if the server provides one.
    client: Option<Client>,
    client_gone: ClientGone,
    limit: Limited,
    /// The end of the caller's limit.
    callers_deadline: Option<Instant>,
    /// The time from the arrival to the head of the response.
    head_after: Option<Duration>,
    status: Option<StatusCode>,
    /// The bytes of the body that were handed to the server, for this client.
    sent: u64,
    /// The bytes that were handed over before; `None` unless a later request has taken the exchange over.
    sent_before: Option<u64>,
    is_logged: bool,
}

/// The source of the limit that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limited {
    Server,
    Route,
    Caller,
}

impl Limited {
    fn message(self) -> &'static str {
        match self {
            Self::Server => "the limit of the server",
            Self::Route => "the limit of the route",
            Self::Caller => "the limit of the caller",
        }
    }

    /// The limit. `location` is where the user has set it; for a limit of the caller, where the layer was made.
    pub(crate) fn limit(self, span: Duration, location: &'static Location<'static>) -> Limit {
        Limit::after(span)
            .with_message(self.message())
            .with_location(location)
    }
}

impl Exchange {
    pub(crate) fn new(
        scope: Scope,
        settings: &Arc<Settings>,
        client: Option<Client>,
        facts: Facts,
        limit: Limited,
        callers_limit: Option<Duration>,
    ) -> Self {
        let runtime = scope.runtime();
        let callers_deadline = callers_limit.and_then(|span| runtime?.deadline(span));
        let state = State {
            client,
            client_gone: settings.client_gone,
            limit,
            callers_deadline,
            head_after: None,
            status: None,
            sent: 0,
            sent_before: None,
            is_logged: false,
        };
        Self {
            shared: Arc::new(Shared {
                scope,
                settings: Arc::clone(settings),
                facts,
                over: AtomicU8::new(0),
                has_begun: AtomicBool::new(false),
                state: Mutex::new(state),
            }),
        }
    }

    pub(crate) fn operation(&self) -> &Operation {
        self.shared.scope.operation()
    }

    pub(crate) fn scope(&self) -> &Scope {
        &self.shared.scope
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Waits until the server reports that the client has left; `None` if the server reports no such event.
    pub(crate) fn client_left(&self) -> Option<WaitForCancellationFutureOwned> {
        self.shared.state.lock().client.as_ref().map(Client::left)
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.shared.facts.is_grpc
    }

    /// Waits until the body of the response is over. Only the body changes that, and it polls the run afterwards, so
    /// no waker is stored.
    pub(crate) fn over(&self) -> impl Future<Output = Result<(), ServiceFailed>> + Send + use<> {
        let exchange = self.clone();
        poll_fn(move |_| {
            let over = exchange.shared.over.load(Ordering::Acquire);
            match over {
                0 => Poll::Pending,
                _ if over == Over::Failed as u8 => Poll::Ready(Err(ServiceFailed::default())),
                _ if over == Over::Cut as u8 => Poll::Ready(exchange.operation().check().map_err(
                    |cancelled| ServiceFailed {
                        cancelled: Some(cancelled),
                    },
                )),
                _ => Poll::Ready(Ok(())),
            }
        })
    }

    /// Records that nothing more of the response is to come. The run ends at its next poll.
    pub(crate) fn set_over(&self, over: Over) {
        // Release: pairs with the Acquire in `over`, since another task may poll the run next.
        self.shared.over.store(over as u8, Ordering::Release);
    }

    /// Notes the first poll of the handler.
    pub(crate) fn begin(&self) {
        self.shared.has_begun.store(true, Ordering::Relaxed);
    }

    /// Returns whether the handler was polled.
    pub(crate) fn has_begun(&self) -> bool {
        self.shared.has_begun.load(Ordering::Relaxed)
    }

    /// Sets the policy for a client that leaves.
    pub(crate) fn set_client_gone(&self, policy: ClientGone) {
        if let ClientGone::Tell(span) = policy {
            self.settings().warn_if_longer_than_grace(span);
        }
        self.shared.state.lock().client_gone = policy;
    }

    /// Replaces the limit of the server by that of a route. The caller's limit still holds.
    pub(crate) fn set_timeout(&self, span: Duration, location: &'static Location<'static>) {
        let settings = self.settings();
        let span = settings.longest.map_or(span, |longest| span.min(longest));
        let remaining = {
            let mut state = self.shared.state.lock();
            let now = self.shared.scope.runtime().map(|runtime| runtime.now());
            let remaining = state.callers_deadline.zip(now);
            let remaining =
                remaining.map(|(deadline, now)| deadline.saturating_duration_since(now));
            let remaining = remaining.filter(|remaining| *remaining < span);
            state.limit = match remaining {
                Some(_) => Limited::Caller,
                None => Limited::Route,
            };
            remaining
        };
        let limit = match remaining {
            Some(remaining) => Limited::Caller.limit(remaining, settings.location),
            None => Limited::Route.limit(span, location),
        };
        // Refused if the request has been cancelled or has ended, and then its deadline is of no use.
        let _ = self.shared.scope.set_timeout(limit);
    }

    /// Returns the cause for which the response ends now, although the handler still runs: a limit that has passed. For
    /// other causes the handler has its grace, and its response counts.
    pub(crate) fn cut_now(&self) -> Option<Cause> {
        let cause = self.operation().cause()?;
        cause.is_timeout().then_some(cause)
    }

    /// Records the head of the response, and adds the key of the request to it.
    pub(crate) fn head(&self, status: StatusCode, headers: &mut HeaderMap) {
        let elapsed = self.operation().elapsed();
        {
            let mut state = self.shared.state.lock();
            state.status = Some(status);
            state.head_after = elapsed;
        }
        let key = self.shared.facts.key.as_ref();
        if let Some(Ok(key)) = key.map(|key| HeaderValue::from_str(key.text())) {
            headers.insert(REQUEST_KEY, key);
        }
        let sent_before = self.shared.state.lock().sent_before;
        if let Some(sent_before) = sent_before {
            headers.insert(REQUEST_OFFSET, HeaderValue::from(sent_before));
        }
    }

    /// The number of bytes of the body that were sent to the clients before; 0 for the first.
    pub(crate) fn sent_before(&self) -> u64 {
        self.shared.state.lock().sent_before.unwrap_or(0)
    }

    /// Makes `client` the client of the exchange, instead of one that has left. Returns the number of bytes of the body that
    /// were sent to the clients before.
    pub(crate) fn take_over(&self, client: Option<Client>, callers_limit: Option<Duration>) -> u64 {
        if let Some(client) = &client {
            client.set_operation(self.operation());
        }
        let limit = self.scope().runtime().zip(callers_limit);
        let callers = limit.and_then(|(runtime, span)| runtime.deadline(span));
        let sent_before = {
            let mut state = self.shared.state.lock();
            state.client = client;
            state.status = None;
            state.head_after = None;
            state.is_logged = false;
            let sent_before = state.sent_before.unwrap_or(0) + state.sent;
            state.sent = 0;
            state.sent_before = Some(sent_before);
            sent_before
        };
        // A header shortens the limit, and never extends it.
        let is_shorter = |callers| self.operation().deadline().is_none_or(|own| callers < own);
        if let (Some(span), Some(true)) = (callers_limit, callers.map(is_shorter)) {
            let mut state = self.shared.state.lock();
            state.limit = Limited::Caller;
            state.callers_deadline = callers;
            drop(state);
            // It fails if the request is cancelled, and then the limit is of no use.
            let limit = Limited::Caller.limit(span, self.settings().location);
            let _ = self.scope().set_timeout(limit);
        }
        sent_before
    }

    /// Notes the number of bytes of the body that the client has.
    pub(crate) fn set_sent_before(&self, bytes: u64) {
        self.shared.state.lock().sent_before = Some(bytes);
    }

    /// Lets a later request with the key ask for the work; `None` without a key.
    pub(crate) fn offer(&self) -> Option<Asks> {
        self.shared.facts.key.as_ref().map(TakenKey::offer)
    }

    /// Ends the offer. False if a later request has asked for the work already.
    pub(crate) fn withdraw(&self) -> bool {
        let key = self.shared.facts.key.as_ref();
        key.is_none_or(TakenKey::withdraw)
    }

    /// The policy for a client that leaves.
    pub(crate) fn client_gone(&self) -> ClientGone {
        self.shared.state.lock().client_gone
    }

    /// Records bytes of the body that were handed to the server.
    pub(crate) fn sent(&self, bytes: u64) {
        self.shared.state.lock().sent += bytes;
    }

    /// Logs the exchange, once.
    pub(crate) fn log(&self, ending: &Ending) {
        let (status, head_after, sent, limit) = {
            let mut state = self.shared.state.lock();
            if std::mem::replace(&mut state.is_logged, true) {
                return;
            }
            (state.status, state.head_after, state.sent, state.limit)
        };
        access_log::exchange(
            self.operation(),
            &self.shared.facts.line,
            ending,
            status,
            head_after,
            sent,
            limit,
        );
    }

    /// Ends an exchange whose response was dropped before it was complete, by the policy of its route. `answer` is the
    /// response as far as it is there.
    pub(crate) fn leave(&self, run: Run, answer: Answer) {
        let policy = self.shared.state.lock().client_gone;
        // A limit that has passed, or a stop, was there before the client left.
        if self.operation().is_cancelled() {
            self.log(&Ending::Cancelled(self.operation().cause()));
        } else {
            self.log(&Ending::Left {
                is_client: self.is_left_by_client(),
            });
        }
        let cause = self.gone();
        match policy {
            ClientGone::Drop => {
                if let Some(cause) = cause {
                    self.operation().cancel_now(cause);
                }
                drop(run);
            }
            ClientGone::Tell(grace) => {
                self.operation()
                    .cancel_with(cause.unwrap_or_else(run_dropped));
                // If the handler was notified of the cancel, the end of the handler counts, as for every run. A
                // body has no end of its own without the client.
                let has_head = self.shared.state.lock().status.is_some();
                self.set_over(if has_head { Over::Cut } else { Over::Complete });
                self.hand_over(run, After::Cut(grace));
            }
            ClientGone::Finish => {
                self.set_over(Over::Complete);
                self.hand_over(run, After::Nothing);
            }
            ClientGone::Wait(span) => {
                if matches!(answer, Answer::Lost) {
                    // The policy was set when the body was there: nobody can take it over.
                    self.set_over(Over::Complete);
                }
                let work = LeftWork {
                    exchange: self.clone(),
                    run: Some(run),
                    answer,
                };
                let cause = cause.unwrap_or_else(run_dropped);
                self.spawn(|runtime| work.drive(runtime, span, cause));
            }
        }
    }

    /// The cause of a cancel for a client that left. `None` where the drop may have come from a layer in between.
    fn gone(&self) -> Option<Cause> {
        if !self.is_left_by_client() {
            return None;
        }
        let told = self
            .shared
            .state
            .lock()
            .client
            .as_ref()
            .and_then(Client::cause);
        Some(told.unwrap_or_else(|| Cause::new(Reason::Disconnected)))
    }

    /// Returns whether a response that is dropped was left by its client.
    fn is_left_by_client(&self) -> bool {
        match &self.shared.state.lock().client {
            Some(client) => client.has_left(),
            None => self.settings().is_outermost,
        }
    }

    /// Moves the run to a task of the server's runtime.
    pub(crate) fn hand_over(&self, mut run: Run, after: After) {
        let operation = self.operation().clone();
        self.spawn(|runtime| async move {
            if let After::Cut(grace) = after {
                if runtime.timeout(grace, run.as_mut()).await.is_ok() {
                    return;
                }
                // The run is cancelled already, and keeps its cause; a further cancel ends its grace period.
                operation.cancel_now(Reason::Disconnected);
            }
            drop(run.await);
        });
    }

    /// Spawns a task for the work of the exchange, which the server's scope waits for.
    fn spawn<F>(&self, work: impl FnOnce(RuntimeHandle) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let settings = self.settings();
        let (Some(runtime), Ok(hold)) = (self.scope().runtime().cloned(), settings.server.hold())
        else {
            // The server has ended, or has no runtime: nothing may run without it.
            return;
        };
        let counted = settings.leave_behind();
        let work = work(runtime.clone());
        let task = async move {
            work.await;
            drop((counted, hold));
        };
        runtime.spawn(task).detach();
    }
}

/// The further course of a run that was moved to a task.
pub(crate) enum After {
    /// The run is left to end.
    Nothing,
    /// The run was cancelled, and is dropped after this span.
    Cut(Duration),
}

fn run_dropped() -> Cause {
    Cause::new(Reason::RunDropped)
}

/// Polls the run. A panic of the handler is returned as an error.
pub(crate) fn poll_run(
    run: &mut Run,
    cx: &mut Context<'_>,
) -> Poll<Result<Outcome<(), ServiceFailed>, Panicked>> {
    match caught(|| run.as_mut().poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    }
}

/// Calls code of the user. A panic is returned as an error.
pub(crate) fn caught<T>(code: impl FnOnce() -> T) -> Result<T, Panicked> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(code)).map_err(|payload| {
        // The payload is user code, and its drop may panic.
        cancelable_core::token::isolate("the drop of a panic's payload", || drop(payload));
        Panicked
    })
}

/// Code of the user panicked.
#[derive(Debug)]
pub(crate) struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of the response panicked")
    }
}

impl std::error::Error for Panicked {}
