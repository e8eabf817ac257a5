//! Detection of Tokio's feature `test-util`, with which Tokio's clock can be paused.
//!
//! A crate cannot read the features of another. But with that feature there is a function
//! `tokio::time::pause`, and a name that a block imports by a glob hides the same name outside of the
//! block. So the name `pause` below is Tokio's function if that exists, and this module's otherwise. The
//! types of the two functions differ.

use std::convert::Infallible;

/// The substitute for Tokio's function. Neither is called.
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

/// Whether Tokio's clock may be paused. Then its time is not the system's.
pub(crate) const MAY_BE_PAUSED: bool = {
    #[allow(unused_imports, reason = "as above")]
    use tokio::time::*;
    is_tokios(pause)
};
