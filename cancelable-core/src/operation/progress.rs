//! The methods of an operation about its progress, and the way from progress back to operations.

use super::Operation;
use crate::error::{Refusal, RefusalReason, Rejected};
use crate::progress::{Progress, ProgressRegistration, ProgressUpdate, Throttle};
use crate::record::meters;
use std::time::Duration;

impl Operation {
    /// The progress of the operation, for writing and reading. The first call makes it.
    ///
    /// In a loop, keep the reference or a clone. [`snapshot`](Self::snapshot) reads progress without making it.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("import").build()?;
    /// assert!(scope.snapshot().progress().is_none());
    /// scope.progress().set_total(8);
    /// scope.progress().advance(2);
    /// assert_eq!(scope.progress().snapshot().fraction(), Some(0.25));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn progress(&self) -> &Progress {
        meters::of(self.record())
    }

    /// Calls `hook` after each change of the progress of this operation or of an operation below, and once more
    /// when this operation ends. If the operation has ended already, that last call is made at once.
    ///
    /// The thread that makes a change makes the call, with no lock held. Calls do not overlap. Changes that are
    /// made during a call, on other threads or by the hook, are delivered after it by the thread that makes the
    /// call: one further call for all changes of one operation. So a hook never sees a position fall, unless a
    /// position was set back. A panic of the hook is logged and counted
    /// ([`isolated_panics`](crate::token::isolated_panics)), and the hook stays.
    ///
    /// # Fairness
    ///
    /// If many threads make progress, one of them may be kept busy with calls for the others. A hook that makes
    /// progress of the same operation in every call is called for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use std::sync::mpsc;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let import = Scope::builder("import").build()?;
    /// let (sender, updates) = mpsc::channel();
    /// let _registration = import.on_progress(move |update| {
    ///     let name = update.made_by().name().to_owned();
    ///     let _ = sender.send((name, update.snapshot().overall().position()));
    /// });
    /// let file = import.child("file").build()?;
    /// file.progress().advance(3);
    /// import.progress().advance(1);
    /// assert_eq!(updates.recv()?, ("file".to_owned(), 3));
    /// assert_eq!(updates.recv()?, ("import".to_owned(), 4));
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_progress<H>(&self, hook: H) -> ProgressRegistration
    where
        H: FnMut(&ProgressUpdate) + Send + 'static,
    {
        self.progress().subscribe(Box::new(hook), None)
    }

    /// Registers a hook as [`on_progress`](Self::on_progress) does, with at most one call in each `interval` of
    /// the runtime's clock, and the last call.
    ///
    /// The first change makes a call. A change that comes too early makes no call, because no timer is set: the
    /// next call or the last call includes it. With an interval of zero each change makes a call.
    ///
    /// # Errors
    ///
    /// The operation has no runtime, and so no clock. The error contains the hook.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let scope = rt::scope("import").build()?;
    ///     let print = |update: &cancelable_core::operation::ProgressUpdate| println!("{}", update.snapshot());
    ///     scope.on_progress_every(Duration::from_secs(1), print)?.detach();
    ///     scope.progress().advance(1); // prints "1"
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn on_progress_every<H>(
        &self,
        interval: Duration,
        hook: H,
    ) -> Result<ProgressRegistration, Rejected<H>>
    where
        H: FnMut(&ProgressUpdate) + Send + 'static,
    {
        let Some(runtime) = self.runtime() else {
            let refusal = Refusal {
                operation: self.label().clone(),
                request: "an interval for a progress hook",
                reason: RefusalReason::NoRuntime,
            };
            return Err(refusal.with(hook));
        };
        let throttle = Throttle::new(runtime.clone(), interval);
        Ok(self.progress().subscribe(Box::new(hook), Some(throttle)))
    }
}

impl Progress {
    /// Returns the operations directly below that have progress, or have something below them that has, and have
    /// not ended; in the order of opening.
    #[must_use]
    pub fn children(&self) -> Vec<Operation> {
        let below = self.operations_below().into_iter();
        let records = below.filter_map(|operation| operation.into_any().downcast().ok());
        records.map(Operation::new).collect()
    }
}
