//! What is noted about few operations and outlives their end: metadata, the text of a failure, what its
//! observers were notified of, and whether an error says so.
//!
//! It lies under the lock of its record.

use super::Record;
use super::notify::Notices;
use crate::cause::{Cause, Mark, MarkCell, ambient};
use crate::error::Cancelled;
use crate::report::Metadata;
use crate::report::Status;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) metadata: Arc<Metadata>,
    /// Why it failed, in words.
    pub(crate) error: Option<Arc<str>>,
    pub(crate) notices: Notices,
    /// Held by each error that says that this operation was cancelled.
    pub(crate) mark: MarkCell,
}

impl Record {
    /// Acts on the notes, which are made if there are none.
    pub(crate) fn with_notes<T>(&self, act: impl FnOnce(&mut Notes) -> T) -> T {
        act(self.inner.lock().notes.get_or_insert_default())
    }

    /// Acts on the notes, if there are any.
    pub(crate) fn on_notes<T>(&self, act: impl FnOnce(&mut Notes) -> T) -> Option<T> {
        Some(act(self.inner.lock().notes.as_mut()?))
    }

    /// Notes why the operation fails. The first words count.
    pub(crate) fn note_error(&self, text: &str) {
        let text = Arc::from(text);
        self.with_notes(|notes| notes.error.get_or_insert(text).len());
    }

    /// The error for work of this operation that stops for `cause`.
    pub(crate) fn cancelled_for(&self, cause: Cause, elapsed: Option<Duration>) -> Cancelled {
        Cancelled::new(cause)
            .or_marked(|cause| self.give_mark(cause))
            .of(self.label.clone(), elapsed)
    }

    /// The mark for an error that is given out with `cause`, while this runs and is cancelled for that.
    pub(crate) fn give_mark(&self, cause: &Cause) -> Option<Mark> {
        let is_for_this =
            self.status() == Status::Running && self.cause().is_some_and(|own| own.is_same(cause));
        is_for_this.then(|| self.with_notes(|notes| notes.mark.give_out()))
    }

    /// Whether an error that was given out for the cancel of this operation is alive.
    pub(crate) fn has_given_out(&self) -> bool {
        self.held_mark().is_some()
    }

    /// Hands what this operation has given out to the operation that polls its end here.
    pub(crate) fn hand_on(&self) {
        if let (Some(mark), Some(cause)) = (self.held_mark(), self.cause()) {
            if let Some(outer) = ambient::cancel_mark(&cause) {
                mark.lead_to(outer);
            }
        }
    }

    fn held_mark(&self) -> Option<Mark> {
        self.on_notes(|notes| notes.mark.held())?
    }

    /// Notes `value` under `key`, in the place of what was there.
    pub(crate) fn set_metadata(&self, key: Cow<'static, str>, value: Cow<'static, str>) {
        self.with_notes(|notes| Arc::make_mut(&mut notes.metadata).set(key, value));
    }

    pub(crate) fn metadata(&self) -> Option<Arc<Metadata>> {
        self.on_notes(|notes| Arc::clone(&notes.metadata))
    }

    pub(crate) fn error_text(&self) -> Option<Arc<str>> {
        self.on_notes(|notes| notes.error.clone())?
    }
}
