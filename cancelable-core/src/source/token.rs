//! A token as a source.
//!
//! A scope makes its own token a child of the token. The token is polled only inside an all-of, where it does not cancel
//! alone.

use super::built_in::{BuiltIn, Kind};
use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::cause::{Cause, Reason};
use crate::token::CancellationToken;
use std::borrow::Cow;

/// The source that [`token()`] returns.
struct TokenSource(CancellationToken);

/// Returns a source that fires when `token` is cancelled, with its cause.
///
/// Alone, it is the same as [`ScopeBuilder::token`](crate::scope::ScopeBuilder::token). As a source it can be a
/// member of a group.
#[must_use]
pub fn token(token: &CancellationToken) -> impl Source + use<> {
    TokenSource(token.clone())
}

impl Source for TokenSource {
    fn name(&self) -> Cow<'static, str> {
        "token".into()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        let token = self.0;
        Ok(Box::pin(async move {
            token.cancelled().await;
            // A cancelled token has a cause. The other arm only avoids a panic.
            let cause = token
                .cause()
                .unwrap_or_else(|| Cause::new(Reason::Requested));
            cause.inherited()
        }))
    }

    fn take_built_in(&mut self) -> Option<BuiltIn> {
        Some(BuiltIn::new(Kind::Token(self.0.clone())))
    }
}
