//! The behaviours that every adapter has.

conformance::suite!(cancelable_async_std);
