//! The verbs of an operation about its progress, and the way back from progress to operations.

use super::Operation;
use crate::progress::{
    Progress, ProgressRegistration, ProgressSnapshot, ProgressUpdate, Throttle,
    ThrottleWithoutRuntime,
};
use std::time::Duration;

impl Operation {
    /// How far it has come, for writing and reading. It is made by the first call.
    ///
    /// In a loop, keep a clone or the reference.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        self.record().progress()
    }

    /// What is known of how far it has come; `None` if nobody here or below ever asked for its
    /// [`progress`](Self::progress).
    #[must_use]
    pub fn progress_snapshot(&self) -> Option<ProgressSnapshot> {
        self.record().progress.get().map(Progress::snapshot)
    }

    /// Calls `hook` after each change of its progress and of the progress of everything below it,
    /// and once more when it ends. If it has ended already, that last call comes at once.
    ///
    /// A call comes on the thread that made the change, with no lock held. There is one call at a
    /// time: what changes meanwhile, on other threads or by the hook itself, is told afterwards by
    /// the thread that calls. Then several changes of one operation are one call. So a hook never
    /// sees a position lower than before, unless one was set back. Its panic is logged and counted
    /// ([`isolated_panics`](crate::token::isolated_panics)), and the hook stays.
    ///
    /// # Fairness
    ///
    /// Where many threads make progress, one of them may be kept with calls for the others. A hook
    /// that makes progress of the same operation at every call is called for ever.
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

    /// [`on_progress`](Self::on_progress) with at most one call in each `interval` of the runtime's
    /// clock, beside the last one.
    ///
    /// The first change is told at once. What comes too early is not told by itself: the next call
    /// has it, or the last one, because no timer is set. An interval of zero tells each change.
    ///
    /// # Errors
    ///
    /// The operation has no runtime to tell the time. The hook comes back.
    pub fn on_progress_every<H>(
        &self,
        interval: Duration,
        hook: H,
    ) -> Result<ProgressRegistration, ThrottleWithoutRuntime<H>>
    where
        H: FnMut(&ProgressUpdate) + Send + 'static,
    {
        let Some(runtime) = self.runtime() else {
            return Err(ThrottleWithoutRuntime::new(self.label().clone(), hook));
        };
        let throttle = Throttle::new(runtime.clone(), interval);
        Ok(self.progress().subscribe(Box::new(hook), Some(throttle)))
    }
}

impl Progress {
    /// The operations directly below that have progress, or something below them that has, and have
    /// not ended; in the order of their opening.
    #[must_use]
    pub fn parts(&self) -> Vec<Operation> {
        let below = self.operations_below().into_iter();
        let records = below.filter_map(|operation| operation.into_any().downcast().ok());
        records.map(Operation::new).collect()
    }
}
