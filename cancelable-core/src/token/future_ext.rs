//! Tokens at the end of a chain of calls on a future.

use super::handle::CancellationToken;
use super::run_until::{RunUntilCancelled, RunUntilCancelledOwned};
use std::future::Future;

/// [`CancellationToken::run_until_cancelled`] as a method of futures.
///
/// # Examples
///
/// ```
/// use cancelable_core::token::{CancellationToken, FutureExt};
///
/// # async fn fetch() -> u32 { 7 }
/// # async fn run(token: CancellationToken) {
/// match fetch().with_cancellation_token(&token).await {
///     Some(page) => println!("fetched {page}"),
///     None => println!("gave up"),
/// }
/// # }
/// ```
pub trait FutureExt: Future {
    /// Runs the future until it is ready or `token` is cancelled: `None` if it was cancelled first.
    ///
    /// It looks at the token when it is called: a future for a token that is cancelled already is dropped
    /// at once. [`run_until_cancelled`](CancellationToken::run_until_cancelled) looks when it is first
    /// polled.
    fn with_cancellation_token(self, token: &CancellationToken) -> RunUntilCancelled<'_, Self>
    where
        Self: Sized,
    {
        RunUntilCancelled::checked_now(token, self)
    }

    /// [`with_cancellation_token`](Self::with_cancellation_token) with a future that owns the token.
    fn with_cancellation_token_owned(self, token: CancellationToken) -> RunUntilCancelledOwned<Self>
    where
        Self: Sized,
    {
        RunUntilCancelledOwned::checked_now(token, self)
    }
}

impl<F: Future + ?Sized> FutureExt for F {}
