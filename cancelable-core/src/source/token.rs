//! A token as a source.
//!
//! A scope makes its own token a child of it. Only inside an all-of, where it does not cancel alone, is it polled.

use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::cause::{Cause, Reason};
use crate::token::CancellationToken;
use std::borrow::Cow;

/// The source that [`token()`] makes.
#[derive(Clone, Debug)]
pub struct TokenSource(CancellationToken);

/// Fires when `token` is cancelled, with its cause.
///
/// Alone, it is the same as [`ScopeBuilder::token`](crate::scope::ScopeBuilder::token). As a source it can be a
/// member of a group.
#[must_use]
pub fn token(token: &CancellationToken) -> TokenSource {
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
            // A cancelled token has a cause. The other arm only spares a panic.
            let cause = token
                .cause()
                .unwrap_or_else(|| Cause::new(Reason::Requested));
            cause.inherited()
        }))
    }

    fn token(&self) -> Option<CancellationToken> {
        Some(self.0.clone())
    }
}
