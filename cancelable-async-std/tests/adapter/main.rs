//! The behaviours of every adapter.

conformance::suite!(cancelable_async_std);
