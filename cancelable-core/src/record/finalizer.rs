//! The finalizers of one operation.

use crate::report::CleanupError;
use crate::sync::{IsolatedDrop, IsolatedDropFuture};
use std::borrow::Cow;
use std::error::Error;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::time::Instant;

/// A future that runs at the end of an operation.
pub(crate) struct Finalizer {
    pub(crate) name: Cow<'static, str>,
    pub(crate) location: &'static Location<'static>,
    pub(crate) future: IsolatedDrop<CleanupFuture>,
}

/// Contains the user's future, which may panic in its poll, in its drop, and in both.
pub(crate) type CleanupFuture = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

impl Finalizer {
    pub(crate) fn new<C>(
        name: Cow<'static, str>,
        location: &'static Location<'static>,
        future: C,
    ) -> Self
    where
        C: Future<Output: CleanupOutput> + Send + 'static,
    {
        Self {
            name,
            location,
            future: IsolatedDrop::new(Box::pin(async move {
                IsolatedDropFuture::new(future).await.into_cleanup()
            })),
        }
    }
}

/// The cleanup of an operation, under the record's lock.
#[derive(Default)]
pub(super) struct Cleanup {
    /// The finalizers that have not begun; the last one runs next.
    waiting: Vec<Finalizer>,
    running: Option<RunningFinalizer>,
    pub(super) errors: Vec<CleanupError>,
}

/// The finalizer that runs, for reports.
#[derive(Clone)]
pub(super) struct RunningFinalizer {
    pub(super) name: Cow<'static, str>,
    pub(super) location: &'static Location<'static>,
    pub(super) polled: Option<Instant>,
}

impl Cleanup {
    pub(super) fn push(&mut self, finalizer: Finalizer) {
        self.waiting.push(finalizer);
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Removes the next finalizer, which becomes the running finalizer.
    pub(super) fn next(&mut self, now: Option<Instant>) -> Option<Finalizer> {
        let next = self.waiting.pop();
        self.running = next.as_ref().map(|next| RunningFinalizer {
            name: next.name.clone(),
            location: next.location,
            polled: now,
        });
        next
    }

    pub(super) fn note_poll(&mut self, now: Option<Instant>) {
        if let Some(running) = &mut self.running {
            running.polled = now;
        }
    }

    pub(super) fn running(&self) -> Option<&RunningFinalizer> {
        self.running.as_ref()
    }
}

/// The output of a finalizer, for [`Operation::defer`](crate::Operation::defer): `()` or a `Result<(), E>`.
///
/// # Examples
///
/// ```
/// use std::io;
///
/// async fn flush() -> io::Result<()> {
///     Err(io::Error::other("disk full"))
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// scope.defer(async { println!("done") })?;
/// scope.defer(flush())?;
/// let outcome = rt::block_on(scope.run(async |_| ()));
/// assert_eq!(outcome.cleanup_errors().len(), 1);
/// # Ok(())
/// # }
/// ```
pub trait CleanupOutput {
    /// Returns the output as a result.
    ///
    /// # Errors
    ///
    /// The finalizer failed.
    fn into_cleanup(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl CleanupOutput for () {
    fn into_cleanup(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> CleanupOutput for Result<(), E> {
    fn into_cleanup(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}
