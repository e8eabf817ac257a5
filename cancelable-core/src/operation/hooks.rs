//! Hooks: user code that is called on the events of an operation.

use super::Operation;
use crate::cause::Cause;
use crate::progress::ProgressUpdate;
use crate::record::{Observer, Record};
use crate::report::Status;
use crate::sync::isolate;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

type OnOperation = Arc<dyn Fn(&Operation) + Send + Sync>;
type OnCause = Arc<dyn Fn(&Operation, &Cause) + Send + Sync>;
type OnProgress = Arc<dyn Fn(&Operation, &ProgressUpdate) + Send + Sync>;
type OnText = Arc<dyn Fn(&Operation, &str) + Send + Sync>;

/// Functions that are called on the events of an operation: of one scope
/// ([`ScopeBuilder::hooks`](crate::scope::ScopeBuilder::hooks)) or of every scope in a registry
/// ([`Registry::add_hooks`](crate::Registry::add_hooks)).
///
/// A hook is called on the thread that made the change, with no lock held, and delays that thread. Hooks for the
/// same event are called in the order in which they were added. A panic of a hook, or of its drop, is logged and
/// [counted](crate::token::isolated_panics), and stops neither the operation nor the other hooks.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::operation::Hooks;
/// use std::sync::mpsc;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, lines) = mpsc::channel();
/// let ended = sender.clone();
/// let hooks = Hooks::new()
///     .on_cancel_requested(move |operation, cause| {
///         let _ = sender.send(format!("{}: {:?}", operation.name(), cause.message()));
///     })
///     .on_end(move |operation| {
///         let _ = ended.send(format!("{}: {}", operation.name(), operation.status()));
///     });
/// let scope = Scope::builder("import").hooks(hooks).build()?;
/// let outcome = rt::block_on(scope.run(async |op| op.cancel_with("deploy")));
/// assert_eq!(outcome.into_value(), Some(true));
/// assert_eq!(lines.recv()?, r#"import: Some("deploy")"#);
/// assert_eq!(lines.recv()?, "import: completed");
/// # Ok(())
/// # }
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
    /// Returns an empty list of hooks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a hook for the entry of the operation. The hook is called before the body starts.
    #[must_use]
    pub fn on_start(self, hook: impl Fn(&Operation) + Send + Sync + 'static) -> Self {
        self.and(Hook::Start(Arc::new(hook)))
    }

    /// Adds a hook for the request to cancel the operation or an ancestor.
    ///
    /// The hook is called at once, on the thread that cancels. If the operation ends at the same time, the thread
    /// that ends it may make the call instead. The call may overlap with the end of the operation.
    #[must_use]
    pub fn on_cancel_requested(
        self,
        hook: impl Fn(&Operation, &Cause) + Send + Sync + 'static,
    ) -> Self {
        self.and(Hook::CancelRequested(Arc::new(hook)))
    }

    /// Adds a hook for progress of the operation; see [`Operation::on_progress`].
    ///
    /// The hook of a scope is called also for progress of the operations below, and once more at the end. The hook
    /// of a registry is called for each operation's own progress.
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

    /// Adds a hook for the end of a cancelled operation.
    #[must_use]
    pub fn on_cancelled(self, hook: impl Fn(&Operation, &Cause) + Send + Sync + 'static) -> Self {
        self.and(Hook::Cancelled(Arc::new(hook)))
    }

    /// Adds a hook for the end of a failed operation, with [the text of its failure](Operation::error).
    #[must_use]
    pub fn on_failed(self, hook: impl Fn(&Operation, &str) + Send + Sync + 'static) -> Self {
        self.and(Hook::Failed(Arc::new(hook)))
    }

    /// Adds a hook for every end of the operation. The hook is called after the other hooks.
    #[must_use]
    pub fn on_end(self, hook: impl Fn(&Operation) + Send + Sync + 'static) -> Self {
        self.and(Hook::End(Arc::new(hook)))
    }

    /// Adds all hooks of `other` after the hooks of `self`.
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

    fn ended(&self, record: &Arc<Record>, end: Status, _: Option<Duration>) {
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
                    let text = record.error();
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

/// The values that hooks hold are dropped in isolation: the drop runs wherever the last handle of an operation or
/// the guard of a registry's hooks is dropped, also while another panic unwinds.
impl Drop for Hooks {
    #[inline]
    fn drop(&mut self) {
        // Most scopes have no hooks, and pay only for this check.
        if !self.is_empty() {
            self.release();
        }
    }
}

/// Returns the handle for hooks, which is made for the first of them.
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

// Hooks are called in isolation, so a hook that has panicked can be called again.
impl std::panic::UnwindSafe for Hooks {}
impl std::panic::RefUnwindSafe for Hooks {}
