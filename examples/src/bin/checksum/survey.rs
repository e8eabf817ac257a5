//! A walk ahead of the workers that only counts, so that the display has a total and the report has
//! the rest.
//!
//! The survey takes a small part of the time of the hashes and little memory: a record of each
//! visited file would make memory grow with the tree.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use cancelable_core::CancellationToken;

use crate::output::Own;
use crate::tally::Tally;
use crate::walk::{Found, Walk};

/// Counts the files of the tree and their bytes until the token is cancelled.
pub(crate) fn survey(
    root: &Path,
    follow: bool,
    own: &Own,
    tally: &Tally,
    token: &CancellationToken,
) {
    for found in Walk::new(root, follow) {
        if token.is_cancelled() {
            return;
        }
        let Found::File(entry) = found else { continue };
        // A file that is gone by now is reported by the workers.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let path = entry.into_path();
        if own.has(&metadata, &path) {
            continue;
        }
        tally.counted.fetch_add(1, Relaxed);
        tally.counted_bytes.fetch_add(metadata.len(), Relaxed);
    }
    tally.counted_all.store(true, Relaxed);
}
