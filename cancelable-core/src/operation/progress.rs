//! The methods of an operation about its progress, and the way back from progress to operations.

use super::Operation;
use crate::error::{Refusal, RefusalReason, Rejected};
use crate::progress::{Progress, ProgressRegistration, ProgressUpdate, Throttle};
use crate::record::meters;
use std::time::Duration;

impl Operation {
    /// The progress of the operation, for writing and reading. The first call makes it.
    ///
    /// In a loop, keep the reference or a clone.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        meters::of(self.record())
    }

    /// Calls `hook` after each change of the progress of this operation or of anything below it, and once
    /// more when this operation ends. If it has ended already, that last call comes at once.
    ///
    /// The thread that makes a change makes the call, with no lock held. There is one call at a time. For
    /// changes during a call, on other threads or by the hook itself, the calling thread makes further calls
    /// after it, one for all changes of one operation. So a hook never sees a position fall, unless one was set
    /// back. A panic of the hook is logged and counted
    /// ([`isolated_panics`](crate::token::isolated_panics)), and the hook stays.
    ///
    /// # Fairness
    ///
    /// Where many threads make progress, one of them may be kept busy with calls for the others. A hook that
    /// makes progress of the same operation in every call is called for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use std::sync::mpsc;
    ///
    /// let scope = Scope::builder("import").build().expect("it is sound");
    /// let (sender, told) = mpsc::channel();
    /// let _registration = scope.on_progress(move |update| {
    ///     let by = update.made_by().name().to_owned();
    ///     let _ = sender.send((by, update.snapshot().overall().position()));
    /// });
    /// let file = scope.child("file").build().expect("it is sound");
    /// file.progress().advance(3);
    /// scope.progress().advance(1);
    /// assert_eq!(told.recv(), Ok(("file".to_owned(), 3)));
    /// assert_eq!(told.recv(), Ok(("import".to_owned(), 4)));
    /// ```
    pub fn on_progress<H>(&self, hook: H) -> ProgressRegistration
    where
        H: FnMut(&ProgressUpdate) + Send + 'static,
    {
        self.progress().subscribe(Box::new(hook), None)
    }

    /// [`on_progress`](Self::on_progress) with at most one call in each `interval` of the runtime's clock,
    /// and the last call.
    ///
    /// The first change is a call. A change that comes too early makes no call, because no timer is set: the
    /// next call includes it, or the last one. With an interval of zero each change is a call.
    ///
    /// # Errors
    ///
    /// The operation has no runtime, and so no clock. The hook comes back.
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
    /// The operations directly below that have progress, or something below them that has, and have not
    /// ended; in the order of opening.
    #[must_use]
    pub fn children(&self) -> Vec<Operation> {
        let below = self.operations_below().into_iter();
        let records = below.filter_map(|operation| operation.into_any().downcast().ok());
        records.map(Operation::new).collect()
    }
}
