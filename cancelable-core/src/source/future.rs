//! Any future as a source.

use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::cause::{Cause, Reason};
use crate::sync::IsolatedDropFuture;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// The types that a future may resolve to if it serves as a source.
pub trait IntoCause {
    /// Returns the cause of the cancel. `location` is where the source was made.
    fn into_cause(self, location: &'static Location<'static>) -> Cause;
}

impl IntoCause for Cause {
    fn into_cause(self, _: &'static Location<'static>) -> Cause {
        self
    }
}

impl IntoCause for Reason {
    fn into_cause(self, location: &'static Location<'static>) -> Cause {
        Cause::new(self).with_location(location)
    }
}

impl IntoCause for () {
    fn into_cause(self, location: &'static Location<'static>) -> Cause {
        Reason::Source.into_cause(location)
    }
}

impl IntoCause for &'static str {
    fn into_cause(self, location: &'static Location<'static>) -> Cause {
        ().into_cause(location).with_message(self)
    }
}

impl IntoCause for String {
    fn into_cause(self, location: &'static Location<'static>) -> Cause {
        ().into_cause(location).with_message(self)
    }
}

/// The source that [`future()`] makes.
pub struct FutureSource<F> {
    future: F,
    /// `None` until one is given.
    name: Option<Cow<'static, str>>,
    location: &'static Location<'static>,
}

/// Fires when `future` is ready. Its output becomes the cause: nothing, a text, a [`Reason`] or a [`Cause`].
///
/// # Examples
///
/// The [name](FutureSource::named) is the text of a future that resolves to nothing:
///
/// ```
/// use cancelable_core::{Scope, source};
///
/// # async fn hung_up() {}
/// let reply = Scope::builder("reply")
///     .source(source::future(hung_up()).named("the client hung up"))
///     .build()?;
/// # Ok::<(), cancelable_core::scope::BuildError>(())
/// ```
#[must_use]
#[track_caller]
pub fn future<F>(future: F) -> FutureSource<F>
where
    F: Future + Send + 'static,
    F::Output: IntoCause,
{
    FutureSource {
        future,
        name: None,
        location: Location::caller(),
    }
}

impl<F> FutureSource<F> {
    /// Gives the source a name, for logs and errors, and for the message of its cause if the output of the future has
    /// no text of its own.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn called(&self) -> Cow<'static, str> {
        self.name.clone().unwrap_or("future".into())
    }
}

impl<F> Source for FutureSource<F>
where
    F: Future + Send + 'static,
    F::Output: IntoCause,
{
    fn name(&self) -> Cow<'static, str> {
        self.called()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        let Self {
            future,
            name,
            location,
        } = *self;
        Ok(Box::pin(async move {
            let cause = IsolatedDropFuture::new(future).await.into_cause(location);
            // Any other reason has a text of its own.
            let is_bare = cause.reason() == &Reason::Source
                && cause.message().is_none()
                && cause.error().is_none();
            match name {
                Some(name) if is_bare => cause.with_message(name),
                _ => cause,
            }
        }))
    }
}

impl<F> fmt::Debug for FutureSource<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureSource")
            .field("name", &self.called())
            .finish_non_exhaustive()
    }
}
