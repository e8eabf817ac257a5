//! A source that could not be made, for where its error cannot be handed on at once.

use super::{Limit, ScopeCancel, Source, SourceContext, SourceError, SourceFuture};
use crate::token::CancellationToken;
use std::borrow::Cow;
use std::error::Error;

/// The source, or one that does not start, with the error as the reason. So a scope can be given a
/// source of which it is not known yet whether it makes sense, and says so when it is run.
impl<S: Source, E: Error + Send + Sync + 'static> Source for Result<S, E> {
    fn name(&self) -> Cow<'static, str> {
        match self {
            Ok(source) => source.name(),
            Err(_) => "source".into(),
        }
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        match *self {
            Ok(source) => Box::new(source).start(context),
            Err(error) => Err(SourceError::new(error)),
        }
    }

    fn start_deciding(
        self: Box<Self>,
        context: &SourceContext,
        scope: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        match *self {
            Ok(source) => Box::new(source).start_deciding(context, scope),
            Err(error) => Err(SourceError::new(error)),
        }
    }

    fn needs_runtime(&self) -> bool {
        self.as_ref().is_ok_and(Source::needs_runtime)
    }

    fn limit(&self) -> Option<Limit> {
        self.as_ref().ok()?.limit()
    }

    fn token(&self) -> Option<CancellationToken> {
        self.as_ref().ok()?.token()
    }

    fn alternatives(&mut self) -> Vec<Box<dyn Source>> {
        self.as_mut()
            .map_or_else(|_| Vec::new(), Source::alternatives)
    }
}
