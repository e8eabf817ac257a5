//! What is deferred to the end of an operation, whichever way it ends.

use crate::sync::{IsolatedDrop, IsolatedDropFuture};
use std::borrow::Cow;
use std::error::Error;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;

/// A future that is run at the end of an operation.
pub(crate) struct Finalizer {
    pub(crate) name: Cow<'static, str>,
    pub(crate) deferred_at: &'static Location<'static>,
    pub(crate) future: IsolatedDrop<Cleanup>,
}

/// It is made of the user's future, which may panic in its poll, in its drop, and in both.
pub(crate) type Cleanup = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

impl Finalizer {
    pub(crate) fn new<C>(
        name: Cow<'static, str>,
        deferred_at: &'static Location<'static>,
        future: C,
    ) -> Self
    where
        C: Future<Output: CleanupOutput> + Send + 'static,
    {
        Self {
            name,
            deferred_at,
            future: IsolatedDrop::new(Box::pin(async move {
                IsolatedDropFuture::new(future).await.into_cleanup()
            })),
        }
    }
}

/// What a finalizer may answer: nothing, or whether it failed.
pub trait CleanupOutput {
    /// The answer as a result.
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
