//! Whether Tokio's clocks can be paused, which they can only in a build with Tokio's feature `test-util`.
//!
//! A crate cannot ask for the features of another. But with that feature there is a
//! `tokio::time::pause`, and a name that a block imports by a glob hides the same name outside of the
//! block. So the name below is Tokio's function where it exists, and the one of this module else; and
//! their types tell which.

use std::convert::Infallible;

/// Stands in for Tokio's function. Nobody calls either.
#[allow(dead_code, reason = "Tokio's hides it, where there is one")]
fn pause() -> Option<Infallible> {
    None
}

trait Pause {
    const IS_TOKIOS: bool;
}

impl Pause for fn() -> Option<Infallible> {
    const IS_TOKIOS: bool = false;
}

impl Pause for fn() {
    const IS_TOKIOS: bool = true;
}

const fn is_tokios<R>(_: fn() -> R) -> bool
where
    fn() -> R: Pause,
{
    <fn() -> R>::IS_TOKIOS
}

/// A clock of Tokio's may be paused, and then its time is not the system's.
pub(crate) const MAY_BE_PAUSED: bool = {
    #[allow(unused_imports, reason = "as above")]
    use tokio::time::*;
    is_tokios(pause)
};
