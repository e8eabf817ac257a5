//! The span of `tracing` that an operation has from its opening to its end, if the feature of that
//! name is there: wherever the operation is the current one, its span is entered.
//!
//! Without the feature all of this is empty.

use super::record::Record;

#[cfg(feature = "tracing")]
pub(super) use spans::{InSpan, Span};

#[cfg(not(feature = "tracing"))]
pub(super) use nothing::{InSpan, Span};

#[cfg(feature = "tracing")]
mod spans {
    use super::Record;
    use crate::cause::OperationLabel;
    use crate::cause::ambient::Ambient;
    use tracing::span::EnteredSpan;

    /// None once the operation has ended.
    pub(in crate::operation) struct Span(Option<tracing::Span>);

    impl Span {
        /// Below the span that is entered where the operation is opened.
        pub(in crate::operation) fn open(label: &OperationLabel) -> Self {
            let (id, name) = (label.id().get(), label.name());
            Self(Some(
                tracing::debug_span!(target: "cancelable", "operation", id, name),
            ))
        }
    }

    /// While it lives, the span is entered on this thread.
    pub(in crate::operation) struct InSpan(#[expect(dead_code)] Option<EnteredSpan>);

    impl InSpan {
        pub(in crate::operation) fn enter(ambient: Option<&Ambient>) -> Self {
            let record = ambient.and_then(|ambient| ambient.handle.downcast_ref::<Record>());
            let span = record.and_then(|record| record.inner.lock().span.0.clone());
            Self(span.map(tracing::Span::entered))
        }
    }

    impl Record {
        /// Closes the span, if nothing has entered it any more.
        pub(in crate::operation) fn end_span(&self) {
            let span = self.inner.lock().span.0.take();
            // A subscriber is the user's code.
            drop(span);
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod nothing {
    use super::Record;
    use crate::cause::OperationLabel;
    use crate::cause::ambient::Ambient;

    pub(in crate::operation) struct Span;

    impl Span {
        pub(in crate::operation) fn open(_: &OperationLabel) -> Self {
            Self
        }
    }

    pub(in crate::operation) struct InSpan;

    impl InSpan {
        pub(in crate::operation) fn enter(_: Option<&Ambient>) -> Self {
            Self
        }
    }

    impl Record {
        pub(in crate::operation) fn end_span(&self) {}
    }
}
