//! What else is said about a run that has ended, beside its value: kept apart because most have
//! nothing to say.

use super::child_failure::ChildFailure;
use super::cleanup_error::CleanupError;
use super::partial::Value;
use super::straggler::Straggler;

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) stragglers: Vec<Straggler>,
    pub(crate) cleanup_errors: Vec<CleanupError>,
    pub(crate) child_failures: Vec<ChildFailure>,
    pub(crate) partial: Option<Value>,
}
