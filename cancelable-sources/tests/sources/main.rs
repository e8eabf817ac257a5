//! The tests of `cancelable-sources`: one file per noun.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "files")]
mod drive;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "files")]
mod files_invalid;
#[cfg(all(feature = "files", target_os = "linux"))]
mod files_refused;
#[cfg(all(feature = "files", target_os = "linux"))]
mod files_shared;
#[cfg(feature = "resources")]
mod resources;
#[cfg(feature = "resources")]
mod resources_real;
