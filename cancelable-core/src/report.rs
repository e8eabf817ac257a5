//! Plain values that describe an operation: status, failures, metadata, work that still runs.
//!
//! The values know causes, and neither records nor progress. Their public path is [`operation`](crate::operation).

mod child_failure;
mod cleanup_error;
mod failure;
mod metadata;
mod partial;
#[cfg(feature = "serde")]
mod serde;
mod status;
mod straggler;

pub use child_failure::ChildFailure;
pub use cleanup_error::CleanupError;
pub(crate) use failure::Failure;
pub use metadata::Metadata;
pub use partial::PartialSnapshot;
pub(crate) use partial::Value;
pub use status::Status;
pub(crate) use status::StatusCell;
pub use straggler::{ShieldSite, Straggler, StragglerKind};

/// The failures and the stragglers of an operation that has ended, and of everything below it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) stragglers: Vec<Straggler>,
    pub(crate) cleanup_errors: Vec<CleanupError>,
    pub(crate) child_failures: Vec<ChildFailure>,
    pub(crate) partial: Option<Value>,
}

impl Report {
    pub(crate) fn is_empty(&self) -> bool {
        self.stragglers.is_empty()
            && self.cleanup_errors.is_empty()
            && self.child_failures.is_empty()
            && self.partial.is_none()
    }
}
