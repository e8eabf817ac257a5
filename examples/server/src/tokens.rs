//! A stream of words, as a language model gives. Its client stops it by its key from another connection.

use axum::response::sse::{Event, Sse};
use cancelable_axum::RequestScope;
use cancelable_core::Cancelled;
use futures_util::{Stream, StreamExt, stream};
use std::time::Duration;

const WORDS: [&str; 6] = ["a", "model", "that", "never", "stops", "talking"];

pub(crate) async fn tokens(
    RequestScope(request): RequestScope,
) -> Sse<impl Stream<Item = Result<Event, Cancelled>>> {
    let words = stream::iter(WORDS.into_iter().cycle()).then(async |word| {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(Event::default().data(word))
    });
    Sse::new(request.try_stream(words))
}
