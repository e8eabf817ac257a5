//! The guide as a book, and the same pages in the documentation of the core: every link leads somewhere, and the
//! search of each finds the page that answers a question.
//!
//! `ci/book.sh` builds both and runs this program with their folders in `CANCELABLE_BOOK` and `CANCELABLE_API`. Without
//! these variables the tests that need the book say so and pass.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod browser;
mod links;
mod questions;
mod server;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// The folders of the book and of the API documentation, as `ci/book.sh` built them.
struct Built {
    book: PathBuf,
    api: PathBuf,
}

impl Built {
    /// Returns the folders, or `None` after one line that says how to get them.
    fn get() -> Option<Self> {
        let folder = |variable| std::env::var_os(variable).map(PathBuf::from);
        let built = folder("CANCELABLE_BOOK").zip(folder("CANCELABLE_API"));
        let Some((book, api)) = built else {
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                // Written around the capture of a test's output, which hides the output of a test that passes.
                let line = "book: not tested; ci/book.sh builds the book and runs these tests in a browser";
                let _ = writeln!(std::io::stderr(), "{line}");
            });
            return None;
        };
        for folder in [&book, &api] {
            assert!(folder.is_dir(), "no folder {}", folder.display());
        }
        Some(Self { book, api })
    }
}

/// The root of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Asserts that a check has found no fault.
#[track_caller]
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
