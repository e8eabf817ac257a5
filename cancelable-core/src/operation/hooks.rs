//! Hooks: user code that is called on the events of an operation.

use super::Operation;
use crate::cause::Cause;
use crate::progress::ProgressUpdate;
use crate::record::{Observer, Record, notes};
use crate::report::Status;
use crate::sync::isolate;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

type OnOperation = Arc<dyn Fn(&Operation) + Send + Sync>;
type OnCause = Arc<dyn Fn(&Operation, &Cause) + Send + Sync>;
type OnProgress = Arc<dyn Fn(&Operation, &ProgressUpdate) + Send + Sync>;
type OnText = Arc<dyn Fn(&Operation, &str) + Send + Sync>;

/// Functions that are called on the events of an operation, for one scope
/// ([`ScopeBuilder::hooks`](crate::scope::ScopeBuilder::hooks)) or for all of a registry
/// ([`Registry::add_hooks`](crate::Registry::add_hooks)).
///
/// Each hook is called with no lock held, on the thread that made the change, and delays that thread for as
/// long as it takes. Several hooks for one event are called in the order in which they were added. A panic of
/// a hook, or of its drop, is logged and [counted](crate::token::isolated_panics); the operation and the
/// other hooks go on.
///
/// # Examples
///
/// ```
/// use cancelable_core::operation::Hooks;
///
/// let hooks = Hooks::new()
///     .on_cancel_requested(|operation, cause| eprintln!("{} stops: {cause}", operation.name()))
///     .on_failed(|operation, error| eprintln!("{} failed: {error}", operation.name()));
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    list: Vec<Hook>,
}

#[derive(Clone)]
enum Hook {
    Start(OnOperation),
    CancelRequested(OnCause),
    Progress(OnProgress),
    Completed(OnOperation),
    Cancelled(OnCause),
    Failed(OnText),
    End(OnOperation),
}

impl Hooks {
    /// An empty list of hooks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a hook for the entry of the operation. It is called before the body starts.
    #[must_use]
    pub fn on_start(self, hook: impl Fn(&Operation) + Send + Sync + 'static) -> Self {
        self.and(Hook::Start(Arc::new(hook)))
    }

    /// Adds a hook for the request to cancel the operation or an operation around it. It is called at once, on
    /// the thread that cancels; where the operation is ending at the same time, perhaps on the thread that
    /// ends it. It may run beside the end of the operation.
    #[must_use]
    pub fn on_cancel_requested(
        self,
        hook: impl Fn(&Operation, &Cause) + Send + Sync + 'static,
    ) -> Self {
        self.and(Hook::CancelRequested(Arc::new(hook)))
    }

    /// Adds a hook for progress of the operation; see [`Operation::on_progress`].
    ///
    /// The hook of a scope is also called for progress of the operations below it, and once more at the end.
    /// The hook of a registry is called for each operation's own progress.
    #[must_use]
    pub fn on_progress(
        self,
        hook: impl Fn(&Operation, &ProgressUpdate) + Send + Sync + 'static,
    ) -> Self {
        self.and(Hook::Progress(Arc::new(hook)))
    }

    /// Adds a hook for the end of a completed operation.
    #[must_use]
    pub fn on_completed(self, hook: impl Fn(&Operation) + Send + Sync + 'static) -> Self {
        self.and(Hook::Completed(Arc::new(hook)))
    }

    /// Adds a hook for the end of an operation that was cancelled.
    #[must_use]
    pub fn on_cancelled(self, hook: impl Fn(&Operation, &Cause) + Send + Sync + 'static) -> Self {
        self.and(Hook::Cancelled(Arc::new(hook)))
    }

    /// Adds a hook for the end of an operation that failed, with [the error's text](Operation::error).
    #[must_use]
    pub fn on_failed(self, hook: impl Fn(&Operation, &str) + Send + Sync + 'static) -> Self {
        self.and(Hook::Failed(Arc::new(hook)))
    }

    /// Adds a hook for every end of the operation. It is called after the other hooks.
    #[must_use]
    pub fn on_end(self, hook: impl Fn(&Operation) + Send + Sync + 'static) -> Self {
        self.and(Hook::End(Arc::new(hook)))
    }

    /// Adds all hooks of `other` after these.
    #[must_use]
    pub fn and_all(mut self, mut other: Self) -> Self {
        self.list.append(&mut other.list);
        self
    }

    fn and(mut self, hook: Hook) -> Self {
        self.list.push(hook);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    #[cold]
    fn release(&mut self) {
        for hook in self.list.drain(..) {
            isolate("the drop of a hook", || drop(hook));
        }
    }

    pub(crate) fn has_cancel_hook(&self) -> bool {
        let mut list = self.list.iter();
        list.any(|hook| matches!(hook, Hook::CancelRequested(_)))
    }

    pub(crate) fn has_progress_hook(&self) -> bool {
        let mut list = self.list.iter();
        list.any(|hook| matches!(hook, Hook::Progress(_)))
    }
}

impl Observer for Hooks {
    fn wants_cancels(&self, _: &Record) -> bool {
        self.has_cancel_hook()
    }

    fn wants_progress(&self) -> bool {
        self.has_progress_hook()
    }

    fn entered(&self, record: &Arc<Record>) {
        let mut operation = None;
        for hook in &self.list {
            if let Hook::Start(hook) = hook {
                let operation = operation_of(&mut operation, record);
                isolate("a start hook", || hook(operation));
            }
        }
    }

    fn cancel_requested(&self, record: &Arc<Record>, cause: &Cause) {
        let mut operation = None;
        for hook in &self.list {
            if let Hook::CancelRequested(hook) = hook {
                let operation = operation_of(&mut operation, record);
                isolate("a cancel hook", || hook(operation, cause));
            }
        }
    }

    fn progressed(&self, record: &Arc<Record>, update: &ProgressUpdate) {
        let mut operation = None;
        for hook in &self.list {
            if let Hook::Progress(hook) = hook {
                let operation = operation_of(&mut operation, record);
                isolate("a progress hook", || hook(operation, update));
            }
        }
    }

    fn closed(&self, record: &Arc<Record>, end: Status, _: Option<Duration>) {
        let mut operation = None;
        for hook in &self.list {
            match (hook, end) {
                (Hook::Completed(hook), Status::Completed) => {
                    let operation = operation_of(&mut operation, record);
                    isolate("a completion hook", || hook(operation));
                }
                (Hook::Cancelled(hook), Status::Cancelled) => {
                    let operation = operation_of(&mut operation, record);
                    if let Some(cause) = operation.cause() {
                        isolate("a cancellation hook", || hook(operation, &cause));
                    }
                }
                (Hook::Failed(hook), Status::Failed) => {
                    let operation = operation_of(&mut operation, record);
                    let text = notes::error(record);
                    let text = text.as_deref().unwrap_or("no reason was given");
                    isolate("a failure hook", || hook(operation, text));
                }
                _ => {}
            }
        }
        for hook in &self.list {
            if let Hook::End(hook) = hook {
                let operation = operation_of(&mut operation, record);
                isolate("an end hook", || hook(operation));
            }
        }
    }
}

/// Not left to the compiler: what a hook holds is dropped wherever the last handle of an operation or
/// the guard of a registry's hooks goes, also while another panic unwinds.
impl Drop for Hooks {
    #[inline]
    fn drop(&mut self) {
        // Most scopes have none, and pay for this look.
        if !self.is_empty() {
            self.release();
        }
    }
}

/// The handle for hooks, which is made for the first of them.
fn operation_of<'a>(made: &'a mut Option<Operation>, record: &Arc<Record>) -> &'a Operation {
    made.get_or_insert_with(|| Operation::new(Arc::clone(record)))
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("count", &self.list.len())
            .finish_non_exhaustive()
    }
}

// Hooks are called in isolation: one that panics is as good for the next call as any.
impl std::panic::UnwindSafe for Hooks {}
impl std::panic::RefUnwindSafe for Hooks {}
