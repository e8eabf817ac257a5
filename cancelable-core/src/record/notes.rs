//! The metadata and the error text of an operation, which outlive its end.

use super::Record;
use crate::report::Metadata;
use std::borrow::Cow;
use std::sync::Arc;

/// Sets the value of `key`, in place of the previous value.
pub(crate) fn set_metadata(record: &Record, key: Cow<'static, str>, value: Cow<'static, str>) {
    record.with_lasting(|lasting| Arc::make_mut(&mut lasting.metadata).set(key, value));
}

pub(crate) fn metadata(record: &Record) -> Option<Arc<Metadata>> {
    record.on_lasting(|lasting| Arc::clone(&lasting.metadata))
}

/// Keeps the text of a failure. The first text counts.
pub(crate) fn note_error(record: &Record, text: &str) {
    let text = Arc::from(text);
    record.with_lasting(|lasting| lasting.error.get_or_insert(text).len());
}

pub(crate) fn error(record: &Record) -> Option<Arc<str>> {
    record.on_lasting(|lasting| lasting.error.clone())?
}
