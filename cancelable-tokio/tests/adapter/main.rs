//! The behaviours that every adapter has, and those that are Tokio's own.

mod clock;
mod entering;

conformance::suite!(cancelable_tokio);
