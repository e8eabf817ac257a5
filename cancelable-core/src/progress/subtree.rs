//! What is below a meter, added up, and kept for a look at many operations.

use super::meter::Reading;
use super::totals::Sum;
use crate::cause::OperationId;
use std::collections::HashMap;

/// What a look at many operations has found out on its way: the sums below those that have something
/// below. A deep line is walked down once for all of them, where each by itself would walk to the end.
#[derive(Default)]
pub(crate) struct Below {
    sums: HashMap<OperationId, Sum>,
}

/// A meter that has parts, on the way down.
struct Node {
    id: OperationId,
    /// Where the one above it is.
    above: usize,
    reading: Reading,
    below: Sum,
}

impl Node {
    fn new(id: OperationId, above: usize, reading: Reading) -> Self {
        let below = reading.left;
        Self {
            id,
            above,
            reading,
            below,
        }
    }
}

impl Below {
    /// Everything there is of the meter of which this was read. What was found before is as good, but
    /// not for one that has ended: it may be from before the end.
    pub(super) fn sum(known: Option<&mut Self>, id: OperationId, reading: Reading) -> Sum {
        if reading.parts.is_empty() {
            return reading.with(reading.left);
        }
        let Some(known) = known else {
            return alone(reading);
        };
        match known.sums.get(&id) {
            Some(below) if !reading.has_ended() => reading.with(*below),
            _ => known.walk(id, reading),
        }
    }

    /// Not by recursion: the tree may be deep.
    fn walk(&mut self, id: OperationId, mut reading: Reading) -> Sum {
        let mut open: Vec<_> = reading.parts.drain(..).map(|part| (0, part)).collect();
        let mut nodes = vec![Node::new(id, 0, reading)];
        // Ends: the tree has an end below.
        while let Some((above, part)) = open.pop() {
            let mut reading = part.reading();
            if reading.parts.is_empty() {
                nodes[above].below.add_all(reading.with(reading.left));
                continue;
            }
            let place = nodes.len();
            open.extend(reading.parts.drain(..).map(|part| (place, part)));
            nodes.push(Node::new(part.label.id(), above, reading));
        }
        let mut sum = Sum::default();
        // Each comes after the one above it, and the last to go is the first.
        while let Some(node) = nodes.pop() {
            self.sums.insert(node.id, node.below);
            sum = node.reading.with(node.below);
            if let Some(above) = nodes.get_mut(node.above) {
                above.below.add_all(sum);
            }
        }
        sum
    }
}

/// The same for one that is looked at alone: nothing is kept on the way.
fn alone(reading: Reading) -> Sum {
    let mut sum = reading.with(reading.left);
    let mut open = reading.parts;
    // Ends: the tree has an end below.
    while let Some(part) = open.pop() {
        sum.add_all(part.sum_to(&mut open));
    }
    sum
}
