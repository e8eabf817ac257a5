//! Guards that cancel a token when they are dropped.
//!
//! The `must_use` attributes are those of tokio-util, as for all methods that tokio-util has too, so a crate that
//! denies warnings migrates unchanged.

use super::handle::CancellationToken;
use crate::cause::{Cause, Reason};
use std::panic::Location;

/// A guard that cancels its token when it is dropped, from [`CancellationToken::drop_guard`].
///
/// The cause is [`Reason::GuardDropped`], with the location at which the guard was made.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
///
/// let token = CancellationToken::new();
/// let guard = token.child_token().drop_guard();
/// let child = guard.token().clone();
/// drop(guard);
/// assert!(child.is_cancelled() && !token.is_cancelled());
/// ```
#[derive(Debug)]
pub struct DropGuard {
    /// The token to cancel; `None` once the guard is disarmed.
    token: Option<CancellationToken>,
    made_at: &'static Location<'static>,
}

impl DropGuard {
    #[track_caller]
    pub(super) fn new(token: CancellationToken) -> Self {
        Self {
            token: Some(token),
            made_at: Location::caller(),
        }
    }

    /// Returns the token that the guard cancels.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let guard = CancellationToken::new().drop_guard();
    /// assert!(!guard.token().is_cancelled());
    /// ```
    pub fn token(&self) -> &CancellationToken {
        // Only `disarm` takes the token, and it takes the guard with it.
        self.token
            .as_ref()
            .expect("a guard has its token until it is disarmed")
    }

    /// Returns the token. The guard does not cancel it.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let guard = CancellationToken::new().drop_guard();
    /// let token = guard.disarm();
    /// assert!(!token.is_cancelled());
    /// ```
    pub fn disarm(mut self) -> CancellationToken {
        self.token
            .take()
            .expect("a guard has its token until it is disarmed")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel_with(Cause::new(Reason::GuardDropped).with_location(self.made_at));
        }
    }
}

/// A guard that cancels the token it borrows when the guard is dropped, from
/// [`CancellationToken::drop_guard_ref`].
///
/// The cause is [`Reason::GuardDropped`], with the location at which the guard was made.
///
/// # Examples
///
/// ```
/// use cancelable_core::{CancellationToken, Reason};
///
/// let token = CancellationToken::new();
/// drop(token.drop_guard_ref());
/// assert_eq!(token.reason(), Some(Reason::GuardDropped));
/// ```
#[derive(Debug)]
pub struct DropGuardRef<'a> {
    token: &'a CancellationToken,
    armed: bool,
    made_at: &'static Location<'static>,
}

impl<'a> DropGuardRef<'a> {
    #[track_caller]
    pub(super) fn new(token: &'a CancellationToken) -> Self {
        Self {
            token,
            armed: true,
            made_at: Location::caller(),
        }
    }

    /// Returns the token that the guard cancels.
    pub fn token(&self) -> &CancellationToken {
        self.token
    }

    /// Returns the token. The guard does not cancel it.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let guard = token.drop_guard_ref();
    /// assert!(!guard.disarm().is_cancelled());
    /// ```
    pub fn disarm(mut self) -> &'a CancellationToken {
        self.armed = false;
        self.token
    }
}

impl Drop for DropGuardRef<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.token
                .cancel_with(Cause::new(Reason::GuardDropped).with_location(self.made_at));
        }
    }
}
