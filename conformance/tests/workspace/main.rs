//! The rules of the workspace that no compiler keeps, and the suite on the manual runtime.

mod manual {
    use conformance::manual::Manual;
    conformance::common! { Manual }
}
