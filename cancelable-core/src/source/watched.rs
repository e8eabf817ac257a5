//! A source that was started, whose panics are contained.

use super::{ScopeCancel, Source, SourceContext, SourceError, SourceFuture};
use crate::cause::Cause;
use crate::sync::{IsolatedDrop, isolate};
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A source that was not started.
pub(crate) type Unstarted = IsolatedDrop<Box<dyn Source>>;

/// A source that was started. A panic is logged, and the source is dropped and never fires.
pub(crate) struct Watched {
    name: Cow<'static, str>,
    /// The future of the source; `None` after the source has panicked.
    future: Option<SourceFuture>,
    /// True once the future has fired. The future is then kept and not polled: an event that the source has
    /// received and could not put on record must not be released before the scope has ended.
    fired: bool,
}

impl Watched {
    /// Starts `source`, which may cancel its scope by `cancel`, if that is given.
    ///
    /// # Errors
    ///
    /// The name of the source, and its error. A panic is an error, too.
    pub(crate) fn start(
        source: Unstarted,
        context: &SourceContext,
        cancel: Option<ScopeCancel>,
    ) -> Result<Self, (Cow<'static, str>, SourceError)> {
        let mut name = Cow::Borrowed("source");
        let mut started = Err(SourceError::new("the source panicked at its start"));
        // The source outlives a panic of its `name`, and is dropped after it.
        let named = isolate("a source", || {
            if let Some(source) = source.get() {
                name = source.name();
            }
        });
        // Taken only to be started: a source that is not taken is dropped in isolation.
        if let Some(source) = named.then(|| source.take()).flatten() {
            isolate("a source", || {
                started = match cancel {
                    Some(cancel) => source.start_with_cancel(context, cancel),
                    None => source.start(context),
                };
            });
        }
        match started {
            Ok(future) => Ok(Self {
                name,
                future: Some(future),
                fired: false,
            }),
            Err(error) => Err((name, error)),
        }
    }
}

/// Wakes: by the source, whose future is polled with the same context, and has registered its waker when it returns
/// pending.
impl Future for Watched {
    type Output = Cause;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Cause> {
        let this = &mut *self;
        let Some(future) = this.future.as_mut().filter(|_| !this.fired) else {
            return Poll::Pending;
        };
        let mut polled = Poll::Pending;
        let sound = isolate(&this.name, || polled = future.as_mut().poll(context));
        this.fired = polled.is_ready();
        if !sound {
            this.release();
        }
        polled
    }
}

impl Watched {
    /// Drops the future. Its drop is user code.
    fn release(&mut self) {
        if let Some(future) = self.future.take() {
            isolate(&self.name, || drop(future));
        }
    }
}

/// Drops the source in isolation, because a panic in a source's drop would replace the outcome.
impl Drop for Watched {
    fn drop(&mut self) {
        self.release();
    }
}
