//! Guards that cancel a token when they are dropped.
//!
//! Their attributes `must_use` are those of tokio-util, as for all methods that tokio-util has too: a crate
//! that denies warnings moves over unchanged.

use super::handle::CancellationToken;
use crate::cause::{Cause, Reason};
use std::panic::Location;

/// Cancels its token when it is dropped, from [`CancellationToken::drop_guard`]. The cause is
/// [`Reason::GuardDropped`], located where the guard was made.
#[derive(Debug)]
pub struct DropGuard {
    /// None once disarmed.
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

    /// The token that it guards.
    pub fn token(&self) -> &CancellationToken {
        // Only `disarm` takes the token, and it takes the guard with it.
        self.token
            .as_ref()
            .expect("a guard has its token until it is disarmed")
    }

    /// Gives the token back, not cancelled by this guard.
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

/// Cancels the token it borrows when it is dropped, from [`CancellationToken::drop_guard_ref`]. The
/// cause is [`Reason::GuardDropped`], located where the guard was made.
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

    /// The token that it guards.
    pub fn token(&self) -> &CancellationToken {
        self.token
    }

    /// Gives the token back, not cancelled by this guard.
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
