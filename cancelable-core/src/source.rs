//! Sources of cancellation: a time limit, a token, a condition, a future, or a type of your own.
//!
//! A source waits for an event. The scope polls it beside the body, and it resolves to the cause of the cancel. A
//! source has no task of its own, so nothing of it is left when the scope has ended.

mod cancel_after;
mod cancel_on;
mod condition;
mod context;
mod error;
mod future;
mod group;
mod limit;
mod timeout;
mod token;
mod watched;

pub use cancel_after::{CancelAfter, cancel_after};
pub use cancel_on::cancel_on;
pub use condition::{
    Answer, AsyncCondition, BlockingCondition, Condition, condition, condition_async,
    condition_blocking,
};
pub(crate) use context::Decide;
pub use context::{ScopeCancel, SourceContext};
pub use error::SourceError;
pub use future::{FutureSource, IntoCause, future};
pub use group::{AllOf, AnyOf, all_of, any_of};
pub use limit::Limit;
pub(crate) use limit::{LimitKind, Words};
pub use timeout::{TimeLimit, deadline, timeout};
pub use token::{TokenSource, token};
pub(crate) use watched::{Unstarted, Watched};

use crate::cause::Cause;
use crate::token::CancellationToken;
use std::borrow::Cow;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;

/// The future of a source that was started. It resolves to the cause of the cancel.
///
/// It is polled on the task of the scope, beside the body, so it must not block.
pub type SourceFuture = Pin<Box<dyn Future<Output = Cause> + Send>>;

/// A source of cancellation for a scope.
///
/// A type of your own needs two methods. The others have defaults that fit a source which needs nothing from a
/// runtime.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
/// use cancelable_core::{Cause, Reason};
/// use std::borrow::Cow;
///
/// /// Fires when the other end of a channel sends or goes away.
/// struct Hangup(futures_util::future::BoxFuture<'static, ()>);
///
/// impl Source for Hangup {
///     fn name(&self) -> Cow<'static, str> {
///         "hangup".into()
///     }
///
///     fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
///         Ok(Box::pin(async move {
///             self.0.await;
///             Cause::new(Reason::Source).with_message("the client hung up")
///         }))
///     }
/// }
/// ```
pub trait Source: Send + 'static {
    /// The name of the source in logs and errors.
    fn name(&self) -> Cow<'static, str>;

    /// Starts the source. Called once, when the scope is entered.
    ///
    /// # Errors
    ///
    /// The source cannot start. The scope then ends as failed and its body is not started.
    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError>;

    /// [`start`](Self::start) for a source that may cancel the scope by itself. A scope calls this for each of its
    /// own sources; a group gives its members a `scope` that counts for the group.
    ///
    /// A source that learns of its event outside the poll of its future, such as a source of signals, cancels by
    /// `scope` at once. So the request is on record while the body computes, and in the body's last poll. The output
    /// of the future counts as well. A source that does not override this reports by its future only. So does a
    /// source that is started by [`start`](Self::start), for example by a source of yours that wraps it.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    fn start_deciding(
        self: Box<Self>,
        context: &SourceContext,
        scope: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        // Most sources learn of nothing outside their poll.
        drop(scope);
        self.start(context)
    }

    /// Whether [`start`](Self::start) needs a runtime in its context. If so, a scope without one cannot be built.
    fn needs_runtime(&self) -> bool {
        false
    }

    /// The time limit of a source that is nothing but a time limit. A scope makes it part of its own deadline and
    /// does not start the source.
    fn limit(&self) -> Option<Limit> {
        None
    }

    /// The token of a source that is nothing but a token. A scope makes its own token a child of it and does not
    /// start the source.
    fn token(&self) -> Option<CancellationToken> {
        None
    }

    /// Takes the members of a source that is nothing but a group of which any one is enough. A scope then adds each
    /// as a source of its own, so that time limits among them count towards its deadline.
    fn alternatives(&mut self) -> Vec<Box<dyn Source>> {
        Vec::new()
    }

    /// The source as a trait object, for [`any_of`] and [`all_of`].
    fn boxed(self) -> Box<dyn Source>
    where
        Self: Sized,
    {
        Box::new(self)
    }
}

impl Source for Box<dyn Source> {
    fn name(&self) -> Cow<'static, str> {
        (**self).name()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        (*self).start(context)
    }

    fn start_deciding(
        self: Box<Self>,
        context: &SourceContext,
        scope: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        (*self).start_deciding(context, scope)
    }

    fn needs_runtime(&self) -> bool {
        (**self).needs_runtime()
    }

    fn limit(&self) -> Option<Limit> {
        (**self).limit()
    }

    fn token(&self) -> Option<CancellationToken> {
        (**self).token()
    }

    fn alternatives(&mut self) -> Vec<Box<dyn Source>> {
        (**self).alternatives()
    }

    fn boxed(self) -> Self {
        self
    }
}

/// The source, or a source that fails to start, with the error. So the error of a constructor need not be handled
/// where the scope is built: the run of the scope returns it.
impl<S: Source, E: Error + Send + Sync + 'static> Source for Result<S, E> {
    fn name(&self) -> Cow<'static, str> {
        match self {
            Ok(source) => source.name(),
            Err(_) => "source".into(),
        }
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        match *self {
            Ok(source) => Box::new(source).start(context),
            Err(error) => Err(SourceError::new(error)),
        }
    }

    fn start_deciding(
        self: Box<Self>,
        context: &SourceContext,
        scope: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        match *self {
            Ok(source) => Box::new(source).start_deciding(context, scope),
            Err(error) => Err(SourceError::new(error)),
        }
    }

    fn needs_runtime(&self) -> bool {
        self.as_ref().is_ok_and(Source::needs_runtime)
    }

    fn limit(&self) -> Option<Limit> {
        self.as_ref().ok()?.limit()
    }

    fn token(&self) -> Option<CancellationToken> {
        self.as_ref().ok()?.token()
    }

    fn alternatives(&mut self) -> Vec<Box<dyn Source>> {
        self.as_mut()
            .map_or_else(|_| Vec::new(), Source::alternatives)
    }
}
