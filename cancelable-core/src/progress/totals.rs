//! What several operations have done together.

/// What one operation says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) position: u64,
    pub(super) total: Option<u64>,
    /// How much of the position was there at the start, and is no work of this run.
    pub(super) before: u64,
}

impl Own {
    /// How many steps were done since the start.
    pub(super) fn done(&self) -> u64 {
        self.position.saturating_sub(self.before)
    }
}

/// Positions and totals, added up.
///
/// The total is known if someone said one and everyone who moves did. Who has ended without one has
/// done what there was to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    position: u64,
    total: u64,
    done: u64,
    /// Someone said a total.
    said: bool,
    /// Someone moves and has not said one.
    unknown: bool,
}

impl Sum {
    pub(super) fn add(&mut self, own: Own, ended: bool) {
        self.position = self.position.saturating_add(own.position);
        self.total = self.total.saturating_add(own.total.unwrap_or(own.position));
        self.done = self.done.saturating_add(own.done());
        self.said |= own.total.is_some();
        self.unknown |= own.total.is_none() && own.position > 0 && !ended;
    }

    pub(super) fn add_all(&mut self, other: Self) {
        self.position = self.position.saturating_add(other.position);
        self.total = self.total.saturating_add(other.total);
        self.done = self.done.saturating_add(other.done);
        self.said |= other.said;
        self.unknown |= other.unknown;
    }

    pub(super) fn read(&self) -> Own {
        Own {
            position: self.position,
            total: (self.said && !self.unknown).then_some(self.total),
            before: self.position.saturating_sub(self.done),
        }
    }

    /// How many steps were done since the start.
    pub(super) fn done(&self) -> u64 {
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::{Own, Sum};

    fn sum(parts: &[(u64, Option<u64>, bool)]) -> (u64, Option<u64>) {
        let mut sum = Sum::default();
        for &(position, total, ended) in parts {
            let own = Own {
                position,
                total,
                ..Own::default()
            };
            sum.add(own, ended);
        }
        let Own {
            position, total, ..
        } = sum.read();
        (position, total)
    }

    #[test]
    fn r38_a_total_is_known_if_everyone_who_moves_said_one() {
        assert_eq!(sum(&[]), (0, None));
        assert_eq!(sum(&[(0, None, false), (3, Some(4), false)]), (3, Some(4)));
        assert_eq!(sum(&[(1, None, false), (3, Some(4), false)]), (4, None));
        assert_eq!(sum(&[(1, None, true), (3, Some(4), false)]), (4, Some(5)));
        assert_eq!(sum(&[(1, None, true), (2, None, true)]), (3, None));
        assert_eq!(sum(&[(0, None, true)]), (0, None));
    }

    #[test]
    fn r38_a_sum_stops_at_the_largest_number() {
        let most = (u64::MAX, Some(u64::MAX), false);
        assert_eq!(sum(&[most, most]), (u64::MAX, Some(u64::MAX)));
    }
}
