//! The extension trait for futures, with the methods of `tokio_util::future::FutureExt` that need no runtime.

use super::handle::CancellationToken;
use super::run_until::{RunUntilCancelled, RunUntilCancelledOwned};
use std::future::Future;

/// Methods of futures for [`CancellationToken::run_until_cancelled`].
///
/// # Examples
///
/// ```
/// use cancelable_core::token::{CancellationToken, FutureExt};
///
/// async fn fetch() -> u32 {
///     7
/// }
///
/// let token = CancellationToken::new();
/// let page = rt::block_on(fetch().with_cancellation_token(&token));
/// assert_eq!(page, Some(7));
/// ```
pub trait FutureExt: Future {
    /// Runs the future until it is ready or `token` is cancelled, which gives `None`.
    ///
    /// The token is read at this call: if it is already cancelled, the future is dropped at once.
    /// [`run_until_cancelled`](CancellationToken::run_until_cancelled) reads the token at the first poll instead.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::token::{CancellationToken, FutureExt};
    /// use std::future::ready;
    ///
    /// let token = CancellationToken::new();
    /// token.cancel();
    /// assert_eq!(rt::block_on(ready(7).with_cancellation_token(&token)), None);
    /// ```
    fn with_cancellation_token(self, token: &CancellationToken) -> RunUntilCancelled<'_, Self>
    where
        Self: Sized,
    {
        RunUntilCancelled::checked_now(token, self)
    }

    /// Runs the future as [`with_cancellation_token`](Self::with_cancellation_token) does, with a future that owns
    /// the token.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::token::{CancellationToken, FutureExt};
    /// use std::future::ready;
    ///
    /// let run = ready(7).with_cancellation_token_owned(CancellationToken::new());
    /// assert_eq!(rt::block_on(run), Some(7));
    /// ```
    fn with_cancellation_token_owned(self, token: CancellationToken) -> RunUntilCancelledOwned<Self>
    where
        Self: Sized,
    {
        RunUntilCancelledOwned::checked_now(token, self)
    }
}

impl<F: Future + ?Sized> FutureExt for F {}
