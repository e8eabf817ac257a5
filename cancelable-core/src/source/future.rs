//! A future as a source.

use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::cause::{Cause, Reason};
use crate::sync::IsolatedDropFuture;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// The output of a future that is a source: nothing, a text, a [`Reason`] or a [`Cause`].
///
/// # Examples
///
/// ```
/// use cancelable_core::source::{self, IntoCause};
/// use cancelable_core::{Cause, Reason};
/// use std::panic::Location;
///
/// struct Evicted { node: u32 }
///
/// impl IntoCause for Evicted {
///     fn into_cause(self, location: &'static Location<'static>) -> Cause {
///         let cause = Cause::new(Reason::Source).with_location(location);
///         cause.with_message(format!("evicted from node {}", self.node))
///     }
/// }
///
/// let evicted = source::future(async { Evicted { node: 7 } });
/// let outcome = rt::block_on(rt::scope("job").source(evicted).run(async |_| ()));
/// assert_eq!(outcome.cause().and_then(Cause::message), Some("evicted from node 7"));
/// ```
pub trait IntoCause {
    /// Returns the cause of the cancel. `location` is the location of the call that made the source.
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

/// A source that fires when a future is ready, made by [`future()`].
///
/// # Examples
///
/// ```
/// use cancelable_core::source::{self, FutureSource};
/// use std::future::{Ready, ready};
///
/// let evicted: FutureSource<Ready<()>> = source::future(ready(())).named("evicted");
/// let outcome = rt::block_on(rt::scope("job").source(evicted).run(async |_| ()));
/// assert!(outcome.is_cancelled());
/// ```
pub struct FutureSource<F> {
    future: F,
    /// The name of the source; `None` until a name is given.
    name: Option<Cow<'static, str>>,
    location: &'static Location<'static>,
}

/// Returns a source that fires when `future` is ready. The output of the future becomes the cause: nothing, a text, a
/// [`Reason`] or a [`Cause`].
///
/// # Examples
///
/// The [name](FutureSource::named) is the message of the cause if the future resolves to nothing:
///
/// ```
/// use cancelable_core::{Cause, source};
///
/// # async fn hung_up() {}
/// let hung_up = source::future(hung_up()).named("the client hung up");
/// let outcome = rt::block_on(rt::scope("reply").source(hung_up).run(async |_| ()));
/// assert_eq!(outcome.cause().and_then(Cause::message), Some("the client hung up"));
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
    /// Gives the source a name, for logs and errors. The name is also the message of the cause if the output of the
    /// future has no text.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn name_or_default(&self) -> Cow<'static, str> {
        self.name.clone().unwrap_or("future".into())
    }
}

impl<F> Source for FutureSource<F>
where
    F: Future + Send + 'static,
    F::Output: IntoCause,
{
    fn name(&self) -> Cow<'static, str> {
        self.name_or_default()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        let Self {
            future,
            name,
            location,
        } = *self;
        Ok(Box::pin(async move {
            let cause = IsolatedDropFuture::new(future).await.into_cause(location);
            // Any other reason has a text.
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
            .field("name", &self.name_or_default())
            .finish_non_exhaustive()
    }
}
