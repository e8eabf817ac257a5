//! Concurrent work as a stream that knows whether it was cut.

use super::CutStream;
use crate::error::Cancelled;
use crate::operation::Operation;
use crate::scope::MapConcurrent;
use futures_core::Stream;
use std::future::Future;

/// It is cut where the cancel kept items from being pulled, or came while work on some was under way. The
/// results of that come first.
impl<S, F, Fut> CutStream for MapConcurrent<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future,
{
    fn cut(&self) -> Option<Cancelled> {
        let operation = MapConcurrent::operation(self);
        let cause = operation.cause().filter(|_| self.is_cut())?;
        Some(operation.record().cancelled_for(cause, operation.elapsed()))
    }

    fn operation(&self) -> Option<&Operation> {
        Some(MapConcurrent::operation(self))
    }
}
