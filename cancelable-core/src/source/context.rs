//! The context that a source gets when it starts, and the handle that cancels its scope.

use crate::cause::Cause;
use crate::runtime::RuntimeHandle;
use crate::token::CancellationToken;
use std::fmt;
use std::sync::Weak;

/// The runtime and the token of the scope, for a source that starts.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
/// use cancelable_core::{Cause, Reason};
/// use std::{borrow::Cow, time::Duration};
///
/// /// Fires a second after the entry of the scope.
/// struct Fuse;
///
/// impl Source for Fuse {
///     fn name(&self) -> Cow<'static, str> {
///         "fuse".into()
///     }
///
///     fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
///         let runtime = context.runtime().ok_or_else(|| SourceError::new("a fuse needs a runtime"))?;
///         let sleep = runtime.sleep(Duration::from_secs(1));
///         Ok(Box::pin(async move {
///             sleep.await;
///             Cause::new(Reason::Source)
///         }))
///     }
///
///     fn needs_runtime(&self) -> bool {
///         true
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SourceContext {
    runtime: Option<RuntimeHandle>,
    token: CancellationToken,
}

impl SourceContext {
    pub(crate) fn new(runtime: Option<RuntimeHandle>, token: CancellationToken) -> Self {
        Self { runtime, token }
    }

    /// The runtime of the scope, for timers and blocking work. Always `Some` for a source whose
    /// [`needs_runtime`](super::Source::needs_runtime) returns true.
    #[must_use]
    pub fn runtime(&self) -> Option<&RuntimeHandle> {
        self.runtime.as_ref()
    }

    /// The token of the scope.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}

/// The receiver of a source's cancel: the scope, or a member of a group.
pub(crate) trait CancelTarget: Send + Sync {
    /// Takes the request. Returns whether the request is on record.
    fn request(&self, cause: Cause) -> bool;
}

/// A handle that cancels a scope at once, from any thread, for
/// [`Source::start_with_cancel`](super::Source::start_with_cancel).
///
/// The handle does not keep the scope alive.
///
/// # Examples
///
/// A source that cancels on the thread of a callback:
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::source::{ScopeCancel, Source, SourceContext, SourceError, SourceFuture};
/// use std::{borrow::Cow, future::pending};
///
/// struct Button(CancellationToken);
///
/// impl Source for Button {
///     fn name(&self) -> Cow<'static, str> {
///         "button".into()
///     }
///
///     fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
///         Err(SourceError::new("a button cancels a scope only"))
///     }
///
///     fn start_with_cancel(
///         self: Box<Self>,
///         _: &SourceContext,
///         cancel: ScopeCancel,
///     ) -> Result<SourceFuture, SourceError> {
///         let pressed = self.0.on_cancel(move |_| {
///             let on_record = cancel.cancel_with("the button was pressed");
///             println!("on record: {on_record}");
///         });
///         Ok(Box::pin(async move {
///             let _pressed = pressed; // The callback is registered until the scope has ended.
///             pending().await
///         }))
///     }
/// }
/// ```
#[derive(Clone)]
pub struct ScopeCancel {
    target: Weak<dyn CancelTarget>,
}

impl ScopeCancel {
    pub(crate) fn new(target: Weak<dyn CancelTarget>) -> Self {
        Self { target }
    }

    /// Cancels the scope. Returns true if the request is on record: it is the cause of the scope's cancellation, and
    /// the outcome will have it.
    ///
    /// Returns false if the scope has ended or was cancelled for another cause. Returns false as well if the source is a
    /// member of an [`all_of`](super::all_of) and other members have not fired; in that case the same call may return
    /// true later.
    ///
    /// Wakers and callbacks of the scope's token run inside this call, as in any cancel.
    #[must_use = "if this returns false, the scope has not recorded the request, and the source keeps it"]
    pub fn cancel_with(&self, cause: impl Into<Cause>) -> bool {
        let target = self.target.upgrade();
        target.is_some_and(|target| target.request(cause.into()))
    }
}

impl fmt::Debug for ScopeCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeCancel").finish_non_exhaustive()
    }
}
