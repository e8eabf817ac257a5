//! Whether an error holds a [`Cancelled`](crate::error::Cancelled) that an operation has given out.
//!
//! The error of a body can be of any type, so nobody can look into it. Each `Cancelled` that is given out for the
//! cancel of an operation holds a *mark* of that operation instead, wherever the error goes: into a box, into
//! an `io::Error`, into a variant of an enum. The operation itself holds its mark weakly. So when a body has ended
//! in an error and is dropped, the mark is alive if the error holds it.
//!
//! What an operation hands over as it ends goes on in whatever polls it, so its mark leads on to the mark of
//! that. A mark is given out by an operation that runs and handed over by one that has ended, so no mark leads
//! back to itself.

use crate::sync::unmodelled::OnceLock;
use std::sync::{Arc, Weak};

/// The mark of one operation, held by whatever it has given out.
#[derive(Clone, Debug)]
pub(crate) struct Mark(Arc<Link>);

#[derive(Debug, Default)]
struct Link {
    outer: OnceLock<Mark>,
}

/// The mark as the operation knows it.
#[derive(Debug, Default)]
pub(crate) struct MarkCell(Weak<Link>);

impl MarkCell {
    /// The mark, which is made if nothing holds one.
    pub(crate) fn give_out(&mut self) -> Mark {
        Mark(self.0.upgrade().unwrap_or_else(|| {
            let link = Arc::default();
            self.0 = Arc::downgrade(&link);
            link
        }))
    }

    /// The mark, if something holds it.
    pub(crate) fn held(&self) -> Option<Mark> {
        self.0.upgrade().map(Mark)
    }
}

impl Mark {
    /// Whatever holds this mark holds `outer` too from now on. The first call counts.
    pub(crate) fn lead_to(&self, outer: Self) {
        // What is left over is another hold on a mark, whose drop runs no code of a user.
        let _ = self.0.outer.set(outer);
    }
}

/// Not left to the compiler: it would drop a long line of marks by recursion.
impl Drop for Link {
    fn drop(&mut self) {
        let mut outer = self.outer.take();
        // Ends: every turn goes one mark up, and none leads back to itself.
        while let Some(Mark(link)) = outer {
            outer = Arc::into_inner(link).and_then(|mut last| last.outer.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MarkCell;

    #[test]
    fn r12_a_long_line_of_marks_is_dropped_on_a_small_stack() {
        let mut cells: Vec<_> = (0..200_000).map(|_| MarkCell::default()).collect();
        let mut marks = cells.iter_mut().map(MarkCell::give_out).collect::<Vec<_>>();
        for pair in marks.windows(2) {
            pair[0].lead_to(pair[1].clone());
        }
        let first = marks.swap_remove(0);
        drop(marks);
        assert!(cells.iter().all(|cell| cell.held().is_some()));
        drop(first);
        assert!(cells.iter().all(|cell| cell.held().is_none()));
    }
}
