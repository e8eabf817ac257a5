//! The notes on an operation that outlive its end: metadata, and the text of a failure.

use super::Record;
use crate::report::Metadata;
use std::borrow::Cow;
use std::sync::Arc;

/// Notes `value` under `key`, in the place of what was there.
pub(crate) fn set_metadata(record: &Record, key: Cow<'static, str>, value: Cow<'static, str>) {
    record.with_lasting(|lasting| Arc::make_mut(&mut lasting.metadata).set(key, value));
}

pub(crate) fn metadata(record: &Record) -> Option<Arc<Metadata>> {
    record.on_lasting(|lasting| Arc::clone(&lasting.metadata))
}

/// Notes why the operation fails. The first words count.
pub(crate) fn note_error(record: &Record, text: &str) {
    let text = Arc::from(text);
    record.with_lasting(|lasting| lasting.error.get_or_insert(text).len());
}

pub(crate) fn error(record: &Record) -> Option<Arc<str>> {
    record.on_lasting(|lasting| lasting.error.clone())?
}
