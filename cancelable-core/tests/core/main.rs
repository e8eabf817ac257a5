//! The tests of `cancelable-core`: one file per noun, mirroring `src`.

mod probe;

#[cfg(feature = "testing")]
mod join;
#[cfg(feature = "testing")]
mod manual_runtime;
#[cfg(feature = "testing")]
mod runtime;
