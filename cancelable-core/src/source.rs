//! Sources of cancellation: a time limit, a token, a condition, a future, or a type of your own.
//!
//! A scope gets a source by [`ScopeBuilder::source`](crate::scope::ScopeBuilder::source), polls it beside the body, and
//! is cancelled with the cause that the source resolves to. A source has no task of its own, so nothing of it is left
//! when the scope has ended. A scope may have any number of sources; the first to fire cancels it.
//!
//! | source | fires |
//! |---|---|
//! | [`Limit`] | when a span has passed, or at a point in time |
//! | [`token()`] | when a token is cancelled |
//! | [`future()`] | when a future is ready |
//! | [`condition`], [`condition_async`], [`condition_blocking`] | when a check at intervals returns true |
//! | [`any_of`], [`all_of`] | with the first, or the last, of its members |
//! | a type that implements [`Source`] | when its future is ready |
//!
//! A `Result` of a source is a source, too: its error is returned by the run of the scope.
//!
//! [`cancel_on`] and [`cancel_after`] cancel a token from elsewhere, without a scope.
//!
//! # Examples
//!
//! ```
//! use cancelable_core::CancellationToken;
//! use cancelable_core::source::{self, Limit, all_of};
//! use std::time::Duration;
//!
//! # async fn hung_up() {}
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
//! let server = CancellationToken::new();
//! // Cancelled when the client has hung up and the server stops, or at the latest after 10 s.
//! let scope = rt::scope("reply")
//!     .source(all_of(source::future(hung_up())).and(source::token(&server)))
//!     .source(Limit::after(Duration::from_secs(10)))
//!     .build()?;
//! let outcome = scope.run(async |_| "the reply").await;
//! assert_eq!(outcome.into_result()?, "the reply");
//! # Ok(()) }) }
//! ```

mod built_in;
mod cancel_after;
mod cancel_on;
mod condition;
mod context;
mod error;
mod future;
mod group;
mod limit;
mod time_limit;
mod token;
mod watched;

pub(crate) use built_in::{BuiltIn, Kind};
pub use cancel_after::{CancelAfter, cancel_after};
pub use cancel_on::cancel_on;
pub use condition::{Answer, Condition, condition, condition_async, condition_blocking};
pub(crate) use context::CancelTarget;
pub use context::{ScopeCancel, SourceContext};
pub use error::SourceError;
pub use future::{FutureSource, IntoCause, future};
pub use group::{AllOf, AnyOf, all_of, any_of};
pub use limit::Limit;
pub(crate) use limit::{LimitKind, Words};
pub use token::token;
pub(crate) use watched::{Unstarted, Watched};

use crate::cause::Cause;
use std::borrow::Cow;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;

/// The future of a started source. The future resolves to the cause of the cancel.
///
/// The future is polled on the task of the scope, beside the body, so it must not block.
pub type SourceFuture = Pin<Box<dyn Future<Output = Cause> + Send>>;

/// A source of cancellation for a scope.
///
/// A type of your own needs [`name`](Self::name) and [`start`](Self::start). The others have defaults that fit a source
/// which needs nothing from a runtime. The guide has [a page](crate::guide::writing_a_source) about them.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
/// use cancelable_core::{Cause, Reason};
/// use std::borrow::Cow;
///
/// /// Fires when the other end of a channel sends or is dropped.
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
///
/// let hangup = Hangup(Box::pin(async {}));
/// let outcome = rt::block_on(rt::scope("reply").source(hangup).run(async |_| ()));
/// assert_eq!(outcome.cause().and_then(Cause::message), Some("the client hung up"));
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

    /// Starts a source that may cancel the scope outside the poll of its future. By default it drops `cancel` and calls
    /// [`start`](Self::start).
    ///
    /// A scope calls this method for each of its own sources; a group gives its members a `cancel` that counts for the
    /// group. A source that learns of its event on another thread, such as a source of signals, cancels by `cancel` at
    /// once. The request is then on record while the body computes, and in the body's last poll. The output of the
    /// future counts as well. A source that a source of yours wraps is started by [`start`](Self::start), and reports by
    /// its future only.
    ///
    /// # Errors
    ///
    /// The same as of [`start`](Self::start).
    fn start_with_cancel(
        self: Box<Self>,
        context: &SourceContext,
        cancel: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        drop(cancel);
        self.start(context)
    }

    /// Returns whether [`start`](Self::start) needs a runtime in its context. If so, a scope without a runtime cannot be
    /// built.
    fn needs_runtime(&self) -> bool {
        false
    }

    /// Takes the content of a source of this crate that a scope does not start: a time limit, a token, or an any-of.
    // No other crate can name the type, and so none can override the method.
    #[doc(hidden)]
    fn take_built_in(&mut self) -> Option<BuiltIn> {
        None
    }
}

impl Source for Box<dyn Source> {
    fn name(&self) -> Cow<'static, str> {
        (**self).name()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        (*self).start(context)
    }

    fn start_with_cancel(
        self: Box<Self>,
        context: &SourceContext,
        cancel: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        (*self).start_with_cancel(context, cancel)
    }

    fn needs_runtime(&self) -> bool {
        (**self).needs_runtime()
    }

    fn take_built_in(&mut self) -> Option<BuiltIn> {
        (**self).take_built_in()
    }
}

/// The source; or in place of an error, a source that fails to start with it. The error of a constructor need not
/// be handled before the scope is built: the run of the scope returns it.
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

    fn start_with_cancel(
        self: Box<Self>,
        context: &SourceContext,
        cancel: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        match *self {
            Ok(source) => Box::new(source).start_with_cancel(context, cancel),
            Err(error) => Err(SourceError::new(error)),
        }
    }

    fn needs_runtime(&self) -> bool {
        self.as_ref().is_ok_and(Source::needs_runtime)
    }

    fn take_built_in(&mut self) -> Option<BuiltIn> {
        self.as_mut().ok()?.take_built_in()
    }
}
