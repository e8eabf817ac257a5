//! The rules of the workspace that no compiler keeps, and the suite on the manual runtime.
//!
//! Each rule is a function that finds what is wrong and gives it as text. A test asks that nothing
//! is found in the workspace; beside it another shows that the function finds a fault when there
//! is one, since a check that can't fail is no check.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod circles;
mod facts;
mod graph;
mod guides;
mod headings;
mod impls;
mod imports;
mod lengths;
mod listing;
mod runtimes;
mod seam;
mod surfaces;
mod tree;

mod manual {
    use conformance::manual::Manual;
    conformance::common! { Manual }
}
