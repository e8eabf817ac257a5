//! Marks, which show that an error contains a [`Cancelled`](crate::error::Cancelled) of an operation.
//!
//! A body's error may be of any type, so its contents cannot be read. Instead, each `Cancelled` that an operation
//! returns for its own cancel holds a *mark* of the operation, wherever the error is moved: into a box, an
//! `io::Error`, a variant of an enum. The operation holds its mark weakly. So after a body has ended in an
//! error and was dropped, the mark is alive if the error holds it.
//!
//! An operation that ends in such an error hands the error to the operation that polls it. So the mark of the ended
//! operation then leads to the mark of the other. A running operation gives marks out, and an ended operation hands
//! them over, so no mark leads back to itself.

use crate::sync::unmodelled::OnceLock;
use std::sync::{Arc, Weak};

/// The mark of one operation, held by the errors that the operation has given out.
#[derive(Clone, Debug)]
pub(crate) struct Mark(Arc<Link>);

#[derive(Debug, Default)]
struct Link {
    outer: OnceLock<Mark>,
}

/// The operation's own weak reference to its mark.
#[derive(Debug, Default)]
pub(crate) struct MarkCell(Weak<Link>);

impl MarkCell {
    /// Returns the mark, made if nothing holds one.
    pub(crate) fn give_out(&mut self) -> Mark {
        Mark(self.0.upgrade().unwrap_or_else(|| {
            let link = Arc::default();
            self.0 = Arc::downgrade(&link);
            link
        }))
    }

    /// Returns the mark, if something holds it.
    pub(crate) fn held(&self) -> Option<Mark> {
        self.0.upgrade().map(Mark)
    }
}

impl Mark {
    /// Makes every holder of this mark hold `outer` too. Later calls change nothing.
    pub(crate) fn lead_to(&self, outer: Self) {
        // A second `outer` is dropped here; the drop of a mark runs no user code.
        let _ = self.0.outer.set(outer);
    }
}

/// A loop: the compiler's drop of a long chain would recurse.
impl Drop for Link {
    fn drop(&mut self) {
        let mut outer = self.outer.take();
        // Ends: each round moves one mark up, and no mark leads back to itself.
        while let Some(Mark(link)) = outer {
            outer = Arc::into_inner(link).and_then(|mut last| last.outer.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MarkCell;

    #[test]
    fn r12_a_long_chain_of_marks_is_dropped_on_a_small_stack() {
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
