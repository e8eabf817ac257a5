//! One behavioural suite for every runtime.
//!
//! "The same rule holds on every runtime" is a promise, and this is what keeps it: each behaviour is
//! written once, against a [`Subject`], and an adapter runs them all by one line in its tests:
//!
//! ```text
//! conformance::suite!(cancelable_tokio);
//! ```
//!
//! A behaviour is named by the rule that it keeps. It may rely on causes and on lower bounds of real
//! time, never on an upper bound, and waits for real time only where a timer is what it is about.

#![allow(
    missing_docs,
    reason = "a behaviour's name is the sentence that it keeps"
)]
#![allow(
    clippy::unwrap_used,
    reason = "this crate is nothing but tests, which fail by a panic"
)]

pub mod ambient;
pub mod blocking;
pub mod bounds;
pub mod children;
pub mod closing;
pub mod copies;
pub mod deadlines;
pub mod entrances;
pub mod finalizers;
pub mod grace;
pub mod held;
pub mod manual;
pub mod plain;
pub mod progress;
pub mod registries;
pub mod scopes;
pub mod shields;
pub mod sources;
pub mod spawning;
pub mod streams;
mod subject;
mod suite;
pub mod timing;
pub mod tokens;
pub mod watching;

pub use subject::Subject;
