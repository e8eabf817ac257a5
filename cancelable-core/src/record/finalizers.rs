//! What an operation has to do after its body: the finalizers that were deferred to it.

use super::Record;
use super::aside::Finalizing;
use super::finalizer::{CleanupOutput, Finalizer};
use crate::cause::Named;
use crate::report::{CleanupError, DeferError, Failure};
use crate::sync::{Ordering, escape, log};
use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;

impl Record {
    /// Puts `future` before all that was deferred so far.
    ///
    /// # Errors
    ///
    /// The record is sealed; the future comes back.
    pub(crate) fn defer<C>(
        &self,
        name: Cow<'static, str>,
        deferred_at: &'static Location<'static>,
        future: C,
    ) -> Result<(), DeferError<C>>
    where
        C: Future<Output: CleanupOutput> + Send + 'static,
    {
        {
            let mut inner = self.inner.lock();
            if inner.sealed {
                drop(inner);
                return Err(DeferError::new(self.label.clone(), future));
            }
            // Boxed here and not before, so that a future that is refused comes back as it was.
            let finalizer = Finalizer::new(name, deferred_at, future);
            inner
                .aside
                .get_or_insert_default()
                .finalizers
                .push(finalizer);
            self.note_deferral(&mut inner);
            // Relaxed: a hint. Who closes looks under the lock.
            self.deferred.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether anything was ever deferred, as far as this thread has heard.
    pub(crate) fn has_deferred(&self) -> bool {
        self.deferred.load(Ordering::Relaxed)
    }

    /// Takes out the finalizer that is next, which from then on is the one that runs.
    pub(crate) fn next_finalizer(&self) -> Option<Finalizer> {
        let now = self.now();
        self.on_aside(|aside| {
            let next = aside.finalizers.pop();
            aside.finalizing = next.as_ref().map(|next| Finalizing {
                name: next.name.clone(),
                deferred_at: next.deferred_at,
                polled: now,
            });
            next
        })?
    }

    pub(crate) fn note_finalizer_poll(&self) {
        let now = self.now();
        self.on_aside(|aside| {
            if let Some(finalizing) = &mut aside.finalizing {
                finalizing.polled = now;
            }
        });
    }

    /// Keeps what went wrong in a finalizer, for the outcome, and logs it: where the run was dropped
    /// and nothing is above there is no outcome.
    pub(crate) fn note_cleanup_error(&self, error: CleanupError) {
        log!(
            Warn,
            operation = &*self.label.shown_name(), id = self.label.id().get(),
            finalizer = &*escape(error.name()), deferred_at:% = error.deferred_at();
            "{}: {error}", self.label
        );
        self.with_aside(|aside| aside.cleanup_errors.push(error));
    }

    /// Does the same for a finalizer that nothing will run.
    pub(crate) fn note_lost(&self, finalizer: &Finalizer) {
        let (name, place) = (&finalizer.name, finalizer.deferred_at);
        log!(
            Warn,
            operation = &*self.label.shown_name(), id = self.label.id().get(),
            finalizer = &*escape(name), deferred_at:% = place;
            "{} of {} is lost, because no runtime runs it: it was deferred at {place}",
            Named("finalizer", name), self.label
        );
        let error = CleanupError::new(name.clone(), place, Failure::Lost);
        self.with_aside(|aside| aside.cleanup_errors.push(error));
    }
}
