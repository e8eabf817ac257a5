//! What this module adds to every stream.

use super::{TryUntilCancelled, UntilCancelled};
use crate::error::Cancelled;
use crate::token::CancellationToken;
use futures_core::Stream;

/// Cancellation by a token as methods of streams. For an operation there is
/// [`Operation::stream`](crate::Operation::stream).
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::stream::CancelStreamExt;
/// use futures_util::{StreamExt, stream};
///
/// # async fn sum(token: CancellationToken) -> u32 {
/// let mut numbers = stream::iter(1..).until_cancelled(&token);
/// let mut sum = 0;
/// while let Some(number) = numbers.next().await {
///     sum += number;
/// }
/// sum
/// # }
/// ```
pub trait CancelStreamExt: Stream {
    /// The items until `token` is cancelled; then the stream ends. An item that was pulled is
    /// delivered in any case.
    ///
    /// A token knows nothing of shields, and does not look at a clock.
    ///
    /// # Cancel safety
    ///
    /// As for [`UntilCancelled`].
    fn until_cancelled(self, token: &CancellationToken) -> UntilCancelled<Self>
    where
        Self: Sized,
    {
        UntilCancelled::new(self, token.into())
    }

    /// [`until_cancelled`](Self::until_cancelled) for a stream of results: it ends after the first
    /// error, and a cancel is the last item, as an error.
    ///
    /// # Cancel safety
    ///
    /// As for [`UntilCancelled`].
    fn try_until_cancelled<T, E>(self, token: &CancellationToken) -> TryUntilCancelled<Self>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
        E: From<Cancelled>,
    {
        TryUntilCancelled::new(self.until_cancelled(token))
    }
}

impl<S: Stream + ?Sized> CancelStreamExt for S {}
