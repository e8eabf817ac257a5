//! The `tracing` span of an operation, from its opening to its end, and the entry of a thread into the span of
//! its current operation. Without the feature `tracing` both are empty.

#[cfg(feature = "tracing")]
pub(crate) use spans::{InSpan, Span};

#[cfg(not(feature = "tracing"))]
pub(crate) use nothing::{InSpan, Span};

#[cfg(feature = "tracing")]
mod spans {
    use crate::cause::OperationLabel;
    use crate::cause::ambient::Ambient;
    use std::sync::Arc;

    /// An open span; `None` once the operation has ended.
    ///
    /// A subscriber is user code, and is called for each clone and drop of a span. So the span is in an `Arc`:
    /// under the record's lock only the reference is cloned or taken.
    pub(crate) struct Span(Option<Arc<tracing::Span>>);

    impl Span {
        /// Opens a span as a child of the span that is entered on this thread.
        pub(crate) fn open(label: &OperationLabel) -> Self {
            let (id, name) = (label.id().get(), label.shown_name());
            let span = tracing::debug_span!(target: "cancelable", "operation", id, name = &*name);
            // A disabled span is not stored.
            Self((!span.is_disabled()).then(|| Arc::new(span)))
        }

        pub(crate) fn get(&self) -> Option<Arc<tracing::Span>> {
            self.0.clone()
        }

        /// Takes the span out, to be closed with no lock held.
        pub(crate) fn take(&mut self) -> Self {
            Self(self.0.take())
        }

        pub(crate) fn close(self) {
            drop(self.0);
        }
    }

    /// Keeps a span entered on this thread while it lives.
    pub(crate) struct InSpan(Option<Arc<tracing::Span>>);

    impl InSpan {
        pub(crate) fn enter(ambient: Option<&Ambient>) -> Self {
            let span = ambient.and_then(|ambient| ambient.handle.span());
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
}

#[cfg(not(feature = "tracing"))]
mod nothing {
    use crate::cause::OperationLabel;
    use crate::cause::ambient::Ambient;

    pub(crate) struct Span;

    impl Span {
        pub(crate) fn open(_: &OperationLabel) -> Self {
            Self
        }

        pub(crate) fn take(&mut self) -> Self {
            Self
        }

        pub(crate) fn close(self) {}
    }

    pub(crate) struct InSpan;

    impl InSpan {
        pub(crate) fn enter(_: Option<&Ambient>) -> Self {
            Self
        }
    }
}
