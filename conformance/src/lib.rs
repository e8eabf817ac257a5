//! One behavioural suite for every runtime.
//!
//! The suite checks that the same rule holds on every runtime. Each behaviour is
//! written once, against a [`Subject`], and an adapter runs all behaviours by one line in its tests:
//!
//! ```text
//! conformance::suite!(cancelable_tokio);
//! ```
//!
//! The name of a behaviour has the rule that it checks. A behaviour may rely on causes and on lower bounds of real
//! time, but never on an upper bound. Only behaviours of timers wait for real time.

#![allow(
    missing_docs,
    reason = "the name of a behaviour is a sentence that describes it"
)]
#![allow(
    clippy::unwrap_used,
    reason = "this crate has only tests, which fail by a panic"
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
