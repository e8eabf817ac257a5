//! The rules of the workspace that the compiler does not check, and the suite on the manual runtime.
//!
//! Each rule is a function that returns the faults as text. One test requires that the workspace has no fault. A
//! second test shows that the function finds a fault, because a check that cannot fail proves nothing.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod cheat_sheet;
mod circles;
mod facts;
mod getting_started;
mod graph;
mod guides;
mod headings;
mod impls;
mod imports;
mod lengths;
mod listing;
mod rules;
mod runtimes;
mod seam;
mod surfaces;
mod tree;
mod troubleshooting;

mod manual {
    use conformance::manual::Manual;
    conformance::common! { Manual }
}
