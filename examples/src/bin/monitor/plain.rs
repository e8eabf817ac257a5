//! The view as text, for standard output without a terminal.

use std::io::{self, Write};

use cancelable_core::Registry;
use common::{Stdout, unwritten};
use futures_util::StreamExt;

use crate::draw::ended_in_words;
use crate::view::View;
use crate::words::{self, Detail};

/// Reads the events until all operations are open or have ended, and takes the picture then.
pub(crate) async fn wait_until_open(view: &mut View, operations: usize) {
    let all = operations as u64;
    // Ends: each opening is an event, or a missed event, which is reported as well.
    while view.statistics.total() < all {
        if let Some(event) = view.events.next().await {
            view.note(&event);
        }
        view.refresh();
    }
}

/// Prints the picture without the levels below the jobs, and the statistics of the ended
/// operations.
pub(crate) fn print(view: &View, registry: &Registry) -> io::Result<()> {
    let mut out = Vec::new();
    writeln!(out, "{}", words::statistics(&view.statistics))?;
    for row in view.rows.iter().filter(|row| row.depth < 2) {
        let (title, state) = (row.title(), row.state());
        let span = |span: Option<_>| span.map(words::span).unwrap_or_default();
        let (age, left) = (span(row.age), span(row.remaining));
        let (progress, cause) = (row.progress(Detail::Rate), row.cause());
        let line = format!("{title:<22} {state:<9} {age:>6} {left:>6} {progress} {cause}");
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out, "{}", words::statistics(&registry.statistics()))?;
    writeln!(out, "{}", words::durations(&registry.statistics()))?;
    writeln!(out, "{} events were missed", view.missed())?;
    if let Some(last) = registry.history(&Default::default()).first() {
        writeln!(out, "last: {}", ended_in_words(last))?;
    }
    let written = Stdout::open().and_then(|mut to| to.write_all(&out));
    written.map_err(|error| unwritten(&error))
}
