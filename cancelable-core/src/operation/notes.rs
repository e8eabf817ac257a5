//! What is noted about few operations and outlives their end: metadata, the text of a failure, and
//! how those who listen are told of a cancel.
//!
//! It lies under the lock of its record.

use super::Operation;
use super::metadata::Metadata;
use super::notice::Notice;
use super::record::Record;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Notes {
    pub(super) metadata: Arc<Metadata>,
    /// Why it failed, in words.
    pub(super) error: Option<Arc<str>>,
    pub(super) notice: Notice,
}

impl Record {
    /// Acts on the notes, which are made if there are none.
    pub(super) fn with_notes<T>(&self, act: impl FnOnce(&mut Notes) -> T) -> T {
        act(self.inner.lock().notes.get_or_insert_default())
    }

    /// Acts on the notes, if there are any.
    pub(super) fn on_notes<T>(&self, act: impl FnOnce(&mut Notes) -> T) -> Option<T> {
        Some(act(self.inner.lock().notes.as_mut()?))
    }

    /// Notes why the operation fails. The first words count.
    pub(crate) fn note_error(&self, text: &str) {
        let text = Arc::from(text);
        self.with_notes(|notes| notes.error.get_or_insert(text).len());
    }

    pub(crate) fn error_text(&self) -> Option<Arc<str>> {
        self.on_notes(|notes| notes.error.clone())?
    }
}

impl Operation {
    /// Why it failed, in words: the text of a panic, of a failed child or of a source that did not
    /// start. For an error of its body see [`TryRun::with_error_text`].
    ///
    /// [`TryRun::with_error_text`]: crate::scope::TryRun::with_error_text
    #[must_use]
    pub fn error_text(&self) -> Option<Arc<str>> {
        self.record().error_text()
    }
}
