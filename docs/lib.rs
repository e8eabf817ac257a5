//! Compiles every code block of the project's Markdown pages, so that none goes stale.
//!
//! Each page becomes the docs of a module, and so its blocks become doc tests: `cargo test` runs
//! them. The pages are found by `build.rs`; there is no list to keep. A block that is not Rust says
//! so (```` ```text ````, ```` ```sh ````, ```` ```toml ````), since Rust is what a block without a
//! name is taken for. A function with `#[test]` or `#[tokio::test(start_paused = true)]` in a block is run as
//! well, and a block with a test that fails has `should_panic`.

#[cfg(doctest)]
include!(concat!(env!("OUT_DIR"), "/pages.rs"));
