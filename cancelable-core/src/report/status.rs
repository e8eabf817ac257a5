//! The status of an operation, and the table of its legal changes.

use crate::sync::{AtomicU8, Ordering};
use std::fmt;

/// The status of an operation.
///
/// The status changes forward only: `Pending` to `Running` or `NeverRun`, and `Running` to `Completed`, `Cancelled`
/// or `Failed`.
///
/// # Examples
///
/// ```
/// use cancelable_core::Status;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// assert_eq!(scope.status(), Status::Pending);
/// let outcome = rt::block_on(scope.run(async |op| op.status()));
/// assert_eq!(outcome.into_value(), Some(Status::Running));
/// assert_eq!(scope.status(), Status::Completed);
/// assert!(scope.status().is_terminal());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Opened and not entered.
    Pending,
    /// Entered and not ended.
    Running,
    /// Ended with a value, whether or not cancel was requested.
    Completed,
    /// Ended because cancel was requested.
    Cancelled,
    /// Ended in an error or a panic, or because a source did not start.
    Failed,
    /// Dropped without having been entered.
    NeverRun,
}

impl Status {
    pub(crate) const ALL: [Self; 6] = [
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Cancelled,
        Self::Failed,
        Self::NeverRun,
    ];

    /// Returns whether the operation has ended. A terminal status does not change any more.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        // A test checks with the table that these lead nowhere.
        matches!(
            self,
            Self::Completed | Self::Cancelled | Self::Failed | Self::NeverRun
        )
    }

    /// Returns the status as a lower-case word, for logs and labels: `never_run` for [`Status::NeverRun`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::NeverRun => "never_run",
        }
    }

    /// The status as words, for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NeverRun => "never run",
            _ => self.as_str(),
        }
    }

    /// The table of legal changes. No change leads out of a terminal status.
    fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Running | Self::NeverRun)
                | (
                    Self::Running,
                    Self::Completed | Self::Cancelled | Self::Failed
                )
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A status that any thread reads without a lock, and that changes under the lock of its record.
pub(crate) struct StatusCell(AtomicU8);

impl StatusCell {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(Status::Pending as u8))
    }

    /// Acquire: pairs with the Release in `change`, so that a reader that sees an end also sees what was
    /// written before it, such as the time of the end.
    pub(crate) fn get(&self) -> Status {
        Self::decode(self.0.load(Ordering::Acquire))
    }

    /// Changes to `next` if the table allows it. The caller holds the lock of the record, so no other thread
    /// changes it at the same time.
    ///
    /// # Errors
    ///
    /// The present status, which does not lead to `next`.
    pub(crate) fn change(&self, next: Status) -> Result<(), Status> {
        let present = self.get();
        if !present.may_become(next) {
            return Err(present);
        }
        // Release: pairs with the Acquire in `get`.
        self.0.store(next as u8, Ordering::Release);
        Ok(())
    }

    fn decode(number: u8) -> Status {
        // Only numbers of statuses are stored; the default replaces a panic.
        Status::ALL
            .get(usize::from(number))
            .copied()
            .unwrap_or(Status::NeverRun)
    }
}

#[cfg(test)]
mod tests {
    use super::{Status, StatusCell};

    #[test]
    fn r34_the_table_of_changes_is_the_one_in_the_documentation() {
        let legal: Vec<_> = Status::ALL
            .iter()
            .flat_map(|&from| Status::ALL.iter().map(move |&to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        assert_eq!(
            legal,
            [
                (Status::Pending, Status::Running),
                (Status::Pending, Status::NeverRun),
                (Status::Running, Status::Completed),
                (Status::Running, Status::Cancelled),
                (Status::Running, Status::Failed),
            ]
        );
        let closed: Vec<_> = Status::ALL
            .into_iter()
            .filter(|status| status.is_terminal())
            .collect();
        assert_eq!(
            closed,
            [
                Status::Completed,
                Status::Cancelled,
                Status::Failed,
                Status::NeverRun
            ]
        );
        for status in Status::ALL {
            let leads_on = Status::ALL.iter().any(|next| status.may_become(*next));
            assert_eq!(status.is_terminal(), !leads_on);
        }
    }

    #[test]
    fn r34_an_illegal_change_changes_nothing() {
        let cell = StatusCell::new();
        assert_eq!(cell.change(Status::Completed), Err(Status::Pending));
        assert_eq!(cell.change(Status::Running), Ok(()));
        assert_eq!(cell.change(Status::Failed), Ok(()));
        assert_eq!(cell.change(Status::Completed), Err(Status::Failed));
        assert_eq!(cell.get(), Status::Failed);
    }

    #[test]
    fn every_status_survives_its_number() {
        for status in Status::ALL {
            assert_eq!(StatusCell::decode(status as u8), status);
        }
    }
}
