//! The position and the total of one operation, or of several added up.

/// A position and a total, of one operation or of several added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) position: u64,
    pub(super) total: Option<u64>,
    /// The part of the position that was done before the start of this run.
    pub(super) before: u64,
}

impl Count {
    /// Returns the steps since the start.
    pub(super) fn done(&self) -> u64 {
        self.position.saturating_sub(self.before)
    }
}

/// The counts of several operations, added up.
///
/// There is a total if any operation has one, and every operation that advances has one. An operation that
/// has ended without a total counts as done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    position: u64,
    total: u64,
    done: u64,
    /// True if an operation has a total.
    has_total: bool,
    /// True if an operation advances without a total.
    is_unbounded: bool,
}

impl Totals {
    pub(super) fn add(&mut self, count: Count, has_ended: bool) {
        let is_unbounded = count.total.is_none() && count.position > 0 && !has_ended;
        self.add_all(Self {
            position: count.position,
            total: count.total.unwrap_or(count.position),
            done: count.done(),
            has_total: count.total.is_some(),
            is_unbounded,
        });
    }

    pub(super) fn add_all(&mut self, other: Self) {
        self.position = self.position.saturating_add(other.position);
        self.total = self.total.saturating_add(other.total);
        self.done = self.done.saturating_add(other.done);
        self.has_total |= other.has_total;
        self.is_unbounded |= other.is_unbounded;
    }

    pub(super) fn count(&self) -> Count {
        Count {
            position: self.position,
            total: (self.has_total && !self.is_unbounded).then_some(self.total),
            before: self.position.saturating_sub(self.done),
        }
    }

    /// Returns the steps since the start.
    pub(super) fn done(&self) -> u64 {
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, Totals};

    fn total_of(children: &[(u64, Option<u64>, bool)]) -> (u64, Option<u64>) {
        let mut totals = Totals::default();
        for &(position, total, has_ended) in children {
            let count = Count {
                position,
                total,
                ..Count::default()
            };
            totals.add(count, has_ended);
        }
        let count = totals.count();
        (count.position, count.total)
    }

    #[test]
    fn r38_there_is_a_total_if_every_operation_that_advances_has_one() {
        assert_eq!(total_of(&[]), (0, None));
        assert_eq!(
            total_of(&[(0, None, false), (3, Some(4), false)]),
            (3, Some(4))
        );
        assert_eq!(
            total_of(&[(1, None, false), (3, Some(4), false)]),
            (4, None)
        );
        assert_eq!(
            total_of(&[(1, None, true), (3, Some(4), false)]),
            (4, Some(5))
        );
        assert_eq!(total_of(&[(1, None, true), (2, None, true)]), (3, None));
        assert_eq!(total_of(&[(0, None, true)]), (0, None));
    }

    #[test]
    fn r38_a_sum_stops_at_the_largest_number() {
        let most = (u64::MAX, Some(u64::MAX), false);
        assert_eq!(total_of(&[most, most]), (u64::MAX, Some(u64::MAX)));
    }
}
