//! Detection of Tokio's feature `test-util`, with which Tokio's clock can be paused.
//!
//! A crate cannot read the features of another crate. But with that feature Tokio has a function
//! `tokio::time::pause`, and a name that a block imports by a glob hides the same name outside the block. So the
//! name `pause` below is Tokio's function if that function exists, and this module's otherwise. The types of the
//! two functions differ.

use std::convert::Infallible;

/// The substitute for Tokio's function. Neither function is called.
#[allow(dead_code, reason = "Tokio's function hides it, if that exists")]
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

/// True if Tokio's clock can be paused, so that its time may differ from the system's.
pub(crate) const MAY_BE_PAUSED: bool = {
    #[allow(unused_imports, reason = "as above")]
    use tokio::time::*;
    is_tokios(pause)
};
