//! The totals of a meter and of everything below it.

use super::meter::Reading;
use super::totals::Totals;
use crate::cause::OperationId;
use std::collections::HashMap;

/// The totals below each meter that has children, kept for a caller that reads many meters.
///
/// Such a caller walks down a deep tree once. Without the kept totals, the caller would walk to the leaves for each
/// meter on the way.
#[derive(Default)]
pub(crate) struct SubtreeTotals {
    below: HashMap<OperationId, Totals>,
}

/// A meter with children, on the way down.
struct Node {
    id: OperationId,
    /// The index of the parent's node.
    parent: usize,
    reading: Reading,
    below: Totals,
}

impl Node {
    fn new(id: OperationId, parent: usize, reading: Reading) -> Self {
        let below = reading.absorbed;
        Self {
            id,
            parent,
            reading,
            below,
        }
    }
}

impl SubtreeTotals {
    /// Returns the totals of the meter of `reading` and of everything below it.
    ///
    /// Kept totals are not used for a meter that has ended, because they may be older than the end.
    pub(super) fn of(&mut self, id: OperationId, reading: Reading) -> Totals {
        if reading.children.is_empty() {
            return reading.with(reading.absorbed);
        }
        match self.below.get(&id) {
            Some(below) if !reading.has_ended() => reading.with(*below),
            _ => self.walk(id, reading),
        }
    }

    /// Walks the tree below a meter. Not by recursion: the tree may be deep.
    fn walk(&mut self, id: OperationId, mut reading: Reading) -> Totals {
        let mut open: Vec<_> = reading.children.drain(..).map(|child| (0, child)).collect();
        let mut nodes = vec![Node::new(id, 0, reading)];
        // Ends: the tree has leaves.
        while let Some((parent, child)) = open.pop() {
            let mut reading = child.reading();
            if reading.children.is_empty() {
                nodes[parent].below.add_all(reading.with(reading.absorbed));
                continue;
            }
            let index = nodes.len();
            open.extend(reading.children.drain(..).map(|child| (index, child)));
            nodes.push(Node::new(child.label.id(), parent, reading));
        }
        let mut totals = Totals::default();
        // A node comes after its parent. So a node is complete when it is popped, and the root is popped last.
        while let Some(node) = nodes.pop() {
            self.below.insert(node.id, node.below);
            totals = node.reading.with(node.below);
            if let Some(parent) = nodes.get_mut(node.parent) {
                parent.below.add_all(totals);
            }
        }
        totals
    }
}
