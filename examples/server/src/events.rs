//! Server-sent events, which end with `event: cancelled` when the server stops.

use axum::response::sse::{Event, Sse};
use cancelable_axum::RequestScope;
use cancelable_core::Cancelled;
use futures_util::{Stream, StreamExt, stream};
use std::time::Duration;

pub(crate) async fn events(
    RequestScope(request): RequestScope,
) -> Sse<impl Stream<Item = Result<Event, Cancelled>>> {
    let ticks = stream::iter(1_u64..).then(async |tick| {
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(Event::default().event("tick").data(tick.to_string()))
    });
    // Ends at the cancellation. Without `try_stream` the events would continue through the grace.
    Sse::new(request.try_stream(ticks))
}
