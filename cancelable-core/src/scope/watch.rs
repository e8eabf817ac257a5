//! Everything that may cancel a running scope, polled beside its body.

use super::timekeeper::Timekeeper;
use crate::operation::Record;
use crate::source::{Source, SourceContext, SourceError, Watched};
use crate::token::WaitForCancellationFutureOwned;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The sources, the timer and the wait for the token.
#[derive(Default)]
pub(super) struct Watch {
    sources: Vec<Watched>,
    timekeeper: Timekeeper,
    /// Registered once the body has been pending; a body that is ready at once costs no wait.
    wait: Option<WaitForCancellationFutureOwned>,
}

impl Watch {
    /// Starts the sources, in their order, up to the first that fails.
    ///
    /// # Errors
    ///
    /// The name of the source that did not start, and why.
    pub(super) fn start(
        &mut self,
        record: &Record,
        sources: Vec<Box<dyn Source>>,
    ) -> Result<(), (Cow<'static, str>, SourceError)> {
        if sources.is_empty() {
            return Ok(());
        }
        let context = SourceContext::new(record.runtime.clone(), record.token.clone());
        for source in sources {
            self.sources.push(Watched::start(source, &context)?);
        }
        Ok(())
    }

    /// Polls the sources, and cancels the scope for each that fires: the first is the cause.
    pub(super) fn poll_sources(&mut self, record: &Record, cx: &mut Context<'_>) {
        for source in &mut self.sources {
            if let Poll::Ready(cause) = Pin::new(source).poll(cx) {
                record.cancel(cause);
            }
        }
    }

    /// Ready when the scope is cancelled.
    ///
    /// Wakes: by a source, which keeps the waker it was polled with; by the timer or a moved
    /// deadline, for which see [`Timekeeper::poll`]; and by the token, whose wait looks at the
    /// token after it has registered. It is polled last, so what the others cancelled is seen.
    pub(super) fn poll(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_sources(record, cx);
        if let Some(runtime) = &record.runtime {
            self.timekeeper.poll(record, runtime, cx);
        }
        let wait = self
            .wait
            .get_or_insert_with(|| record.token.clone().cancelled_owned());
        Pin::new(wait).poll(cx)
    }
}
