//! Another token as a source.

use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::cause::{Cause, Reason};
use crate::token::CancellationToken;
use std::borrow::Cow;

/// The source that [`token()`] makes.
#[derive(Clone, Debug)]
pub struct TokenSource(CancellationToken);

/// Fires when `token` is cancelled, with its cause, marked as inherited.
///
/// A scope that should belong to a token is better built with
/// [`ScopeBuilder::token`](crate::scope::ScopeBuilder::token): its handles then report the
/// cancellation at once, not only when the scope is polled next. This source is for groups.
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
            // A cancelled token has a cause; the other arm only spares a panic.
            let cause = token
                .cause()
                .unwrap_or_else(|| Cause::new(Reason::Requested));
            cause.inherited()
        }))
    }
}
