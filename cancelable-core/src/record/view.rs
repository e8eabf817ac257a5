//! The parts of an operation that a snapshot reads at once under the record's lock.

use super::Record;
use crate::report::Metadata;
use std::sync::Arc;
use std::time::Instant;

pub(crate) struct View {
    pub(crate) started: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    /// The own deadline.
    pub(crate) due: Option<Instant>,
    pub(crate) error: Option<Arc<str>>,
    pub(crate) metadata: Option<Arc<Metadata>>,
    pub(crate) has_partial: bool,
}

impl View {
    pub(crate) fn of(record: &Record) -> Self {
        let inner = record.inner.lock();
        let lasting = inner.lasting.as_ref();
        Self {
            started: inner.started,
            ended: inner.ended,
            due: inner.deadlines.own_due(),
            error: lasting.and_then(|lasting| lasting.error.clone()),
            metadata: lasting.map(|lasting| Arc::clone(&lasting.metadata)),
            has_partial: inner.partial.is_some(),
        }
    }
}
