//! What may cancel a scope: a time limit, a token, a condition, a future, or a type of the user.
//!
//! A source only watches. It is polled by the scope, beside the work, and says why when it has
//! seen what it waits for. It owns no task, so nothing of it is left when the scope has ended.

mod all_of;
mod answer;
mod any_of;
mod cancel_after;
mod cancel_on;
mod condition;
mod condition_async;
mod condition_blocking;
mod context;
mod error;
mod fallible;
mod future;
mod limit;
mod pace;
mod scope_cancel;
mod timeout;
mod token;
mod watched;

pub use all_of::{AllOf, all_of};
pub use answer::Answer;
pub use any_of::{AnyOf, any_of};
pub use cancel_after::{CancelAfter, cancel_after};
pub use cancel_on::cancel_on;
pub use condition::{Condition, condition};
pub use condition_async::{AsyncCondition, condition_async};
pub use condition_blocking::{BlockingCondition, condition_blocking};
pub use context::SourceContext;
pub use error::{EmptyGroup, SourceError, ZeroInterval};
pub use future::{FutureSource, IntoCause, future};
pub use limit::Limit;
pub(crate) use limit::{LimitKind, Words};
pub(crate) use scope_cancel::Decide;
pub use scope_cancel::ScopeCancel;
pub use timeout::{TimeLimit, deadline, timeout};
pub use token::{TokenSource, token};
pub(crate) use watched::{Unstarted, Watched};

use crate::cause::Cause;
use crate::token::CancellationToken;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

/// A source that has been started: it resolves to the cause, once there is one.
///
/// It is polled on the task of the scope, beside the work, so it must not block.
pub type SourceFuture = Pin<Box<dyn Future<Output = Cause> + Send>>;

/// Something that may cancel a scope.
///
/// Two methods make a type of your own a source. The rest have defaults that fit a source which
/// needs nothing from a runtime.
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
    /// What the source is called in logs and errors.
    fn name(&self) -> Cow<'static, str>;

    /// Begins to watch. It is called once, when the scope is entered.
    ///
    /// # Errors
    ///
    /// When the source cannot watch. The scope then ends as failed and its work is not started.
    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError>;

    /// [`start`](Self::start) for a source whose request is enough: a scope calls it for each of its own
    /// sources, and one of a group is given what the group makes of it.
    ///
    /// A source that hears of its event outside its future's poll, as one of signals does, cancels by
    /// `scope` at once, so that the request is on record although nobody polls: while the work
    /// computes, and in its last poll. What the future resolves to later counts as ever. A source that
    /// does not override this only reports by its future. So does one that is started by
    /// [`start`](Self::start), for example by a source of yours that wraps it.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    fn start_deciding(
        self: Box<Self>,
        context: &SourceContext,
        scope: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        // Most sources have nothing to say outside their poll.
        drop(scope);
        self.start(context)
    }

    /// Whether [`start`](Self::start) needs a runtime in its context. A scope that has none is
    /// then refused when it is built.
    fn needs_runtime(&self) -> bool {
        false
    }

    /// The time limit that this source stands for, if it is nothing else than one. A scope makes
    /// it part of its own deadline and does not start the source.
    fn limit(&self) -> Option<Limit> {
        None
    }

    /// The token that this source stands for, if it is nothing else than one. A scope puts its own
    /// token below it and does not start the source.
    fn token(&self) -> Option<CancellationToken> {
        None
    }

    /// Takes out the sources of which any one is enough, if this is no more than a group of such
    /// sources. A scope then watches each as its own, so that time limits among them count towards
    /// its deadline.
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
