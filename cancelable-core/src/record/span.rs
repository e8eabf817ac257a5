//! The span of `tracing` that an operation has from its opening to its end, if the feature of that
//! name is there: wherever the operation is the current one, its span is entered.
//!
//! Without the feature all of this is empty.

use super::Record;

#[cfg(feature = "tracing")]
pub(crate) use spans::{InSpan, Span};

#[cfg(not(feature = "tracing"))]
pub(crate) use nothing::{InSpan, Span};

#[cfg(feature = "tracing")]
mod spans {
    use super::Record;
    use crate::cause::OperationLabel;
    use crate::cause::ambient::Ambient;
    use std::sync::Arc;

    /// None once the operation has ended.
    ///
    /// A subscriber is the user's code, and hears of each clone and drop of a span, of each entry and
    /// exit. So the span lies behind a reference of its own: under the record's lock that is cloned or
    /// taken out, and the subscriber hears of nothing.
    pub(crate) struct Span(Option<Arc<tracing::Span>>);

    impl Span {
        /// Below the span that is entered where the operation is opened.
        pub(crate) fn open(label: &OperationLabel) -> Self {
            let (id, name) = (label.id().get(), label.shown_name());
            let span = tracing::debug_span!(target: "cancelable", "operation", id, name = &*name);
            // One that no subscriber wants costs nothing more.
            Self((!span.is_disabled()).then(|| Arc::new(span)))
        }
    }

    /// While it lives, the span is entered on this thread.
    pub(crate) struct InSpan(Option<Arc<tracing::Span>>);

    impl InSpan {
        pub(crate) fn enter(ambient: Option<&Ambient>) -> Self {
            let handle = ambient.map(|ambient| ambient.handle.as_any());
            let record = handle.and_then(|handle| handle.downcast_ref::<Record>());
            let span = record.and_then(|record| record.inner.lock().span.0.clone());
            if let Some(span) = &span {
                span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
            }
            Self(span)
        }
    }

    /// A drop, so that a panic leaves the span too.
    impl Drop for InSpan {
        fn drop(&mut self) {
            if let Some(span) = &self.0 {
                span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
            }
        }
    }

    impl Record {
        /// Closes the span, as soon as nothing is inside it any more.
        pub(crate) fn end_span(&self) {
            let span = self.inner.lock().span.0.take();
            drop(span);
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod nothing {
    use super::Record;
    use crate::cause::OperationLabel;
    use crate::cause::ambient::Ambient;

    pub(crate) struct Span;

    impl Span {
        pub(crate) fn open(_: &OperationLabel) -> Self {
            Self
        }
    }

    pub(crate) struct InSpan;

    impl InSpan {
        pub(crate) fn enter(_: Option<&Ambient>) -> Self {
            Self
        }
    }

    impl Record {
        pub(crate) fn end_span(&self) {}
    }
}
