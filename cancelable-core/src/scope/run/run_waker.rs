//! Whether a run can be called.

use crate::operation::{Followed, Record};
use crate::sync::WakerId;
use std::task::Context;

/// The waker that a run left with the record, and how often the run had been called until then. As long
/// as that number is the same the waker lies there; see `record/run_waker.rs`.
#[derive(Default)]
pub(super) struct Reach {
    /// None until the run has left its waker.
    left: Option<Left>,
}

#[derive(PartialEq, Eq)]
struct Left {
    calls: u64,
    waker: Option<WakerId>,
}

impl Reach {
    /// Notes what the run found when it left its waker.
    pub(super) fn note(&mut self, followed: &Followed) {
        self.left = Some(Left {
            calls: followed.calls,
            waker: followed.waker,
        });
    }

    /// Whether the run was called since it left its waker: its deadline may have been moved.
    pub(super) fn was_called(&self, record: &Record) -> bool {
        let left = self.left.as_ref();
        left.is_some_and(|left| left.calls != record.calls())
    }

    /// Leaves the waker of `cx`, unless it lies there. What the run found then, if it did.
    pub(super) fn keep(&mut self, record: &Record, cx: &Context<'_>) -> Option<Followed> {
        let present = Left {
            calls: record.calls(),
            waker: Some(WakerId::of(cx.waker())),
        };
        if self.left.as_ref() == Some(&present) {
            return None;
        }
        let followed = record.follow(cx.waker());
        self.note(&followed);
        Some(followed)
    }
}
