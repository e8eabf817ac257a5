//! The requests to stop a server.

use cancelable_core::source::Source;
use cancelable_core::{Cause, Outcome, Reason, Scope};
use futures_util::FutureExt;
use futures_util::future::Fuse;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Returns the source of the next request.
pub(crate) type Stop = Box<dyn FnMut() -> Box<dyn Source> + Send>;

/// The stop requests of a server: of its source, and the cancel of its scope.
pub(crate) struct StopRequests<'a> {
    scope: &'a Scope,
    stop: &'a mut Option<Stop>,
    /// The source of the next request. `None` before the first, and without a source.
    watch: Option<Watch>,
    /// True once the cancel of the scope has served as a request to stop.
    is_scope_cancelled: bool,
}

impl<'a> StopRequests<'a> {
    pub(crate) fn of(scope: &'a Scope, stop: &'a mut Option<Stop>) -> Self {
        Self {
            scope,
            stop,
            watch: None,
            is_scope_cancelled: false,
        }
    }

    /// Waits for the next stop request.
    pub(crate) async fn next(&mut self) -> Cause {
        if self.watch.is_none() {
            self.watch = self.start().await;
        }
        let scope_is_cancelled = async {
            match self.is_scope_cancelled {
                true => pending().await,
                false => cancelled(self.scope).await,
            }
        };
        let requested = async {
            match &mut self.watch {
                Some(watch) => watch.requested().await,
                None => pending().await,
            }
        };
        tokio::select! {
            cause = requested => {
                // The next watch starts before the last one is dropped: a signal in between would end the process.
                let next = self.start().await;
                self.watch = next;
                cause
            }
            cause = scope_is_cancelled => {
                self.is_scope_cancelled = true;
                cause
            }
        }
    }

    /// Starts the source of the next request.
    async fn start(&mut self) -> Option<Watch> {
        let stop = self.stop.as_mut()?;
        let watch = Scope::builder("stop requests")
            .detached()
            .unregistered()
            .source(stop());
        let watch = match self.scope.runtime() {
            Some(runtime) => watch.runtime(runtime),
            None => watch,
        };
        let scope = match watch.build() {
            Ok(scope) => scope,
            Err(error) => {
                log_unreceived(&error);
                return None;
            }
        };
        let run = {
            let scope = scope.clone();
            // The shield keeps the source after its request, until the next watch has started.
            async move {
                scope
                    .run(async |scope: Scope| scope.shield(pending::<()>()).await)
                    .await
            }
        };
        let run: Pin<Box<dyn Future<Output = Outcome<()>> + Send>> = Box::pin(run);
        let mut watch = Watch {
            scope,
            run: run.fuse(),
        };
        // The first poll starts the source.
        let ended = poll_fn(|cx| Poll::Ready(Pin::new(&mut watch.run).poll(cx))).await;
        if let Poll::Ready(outcome) = ended {
            if let Some(error) = outcome.error() {
                log_unreceived(error);
            }
        }
        Some(watch)
    }
}

/// A source of stop requests that was started.
struct Watch {
    scope: Scope,
    run: Fuse<Pin<Box<dyn Future<Output = Outcome<()>> + Send>>>,
}

impl Watch {
    /// Waits for the request.
    async fn requested(&mut self) -> Cause {
        tokio::select! {
            biased;
            outcome = &mut self.run => {
                if let Some(error) = outcome.error() {
                    log_unreceived(error);
                }
                match outcome.cause() {
                    Some(cause) => cause.clone(),
                    None => pending().await,
                }
            }
            cause = cancelled(&self.scope) => cause,
        }
    }
}

fn log_unreceived(error: &dyn fmt::Display) {
    log::error!(target: "cancelable::request", "no stop request can be received: {error}");
}

/// Waits for a cancel of the scope, which is one stop request.
async fn cancelled(scope: &Scope) -> Cause {
    scope.cancelled().await;
    scope
        .cause()
        .unwrap_or_else(|| Cause::new(Reason::ShuttingDown))
}
