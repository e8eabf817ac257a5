//! What is a part of what.

use super::{Clock, Filter, Registry};
use crate::cause::OperationId;
use crate::operation::{OperationSnapshot, Record};
use crate::progress::SubtreeTotals;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// Operations with what is a part of each, from [`Registry::tree`].
///
/// It is flat, as a tree of operations may be deep: each entry is followed by what is below it, in the
/// order of opening.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    entries: Vec<TreeEntry>,
}

/// An operation at its place in a [`Tree`].
#[derive(Clone, Debug)]
pub struct TreeEntry {
    depth: usize,
    operation: OperationSnapshot,
}

impl TreeEntry {
    /// How many of the tree's operations it is below.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &OperationSnapshot {
        &self.operation
    }
}

impl Tree {
    /// All operations, each before what is below it.
    #[must_use]
    pub fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }
}

/// One line for each operation, indented by its depth.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{}{}", Indent(entry.depth), entry.operation)?;
        }
        Ok(())
    }
}

/// Two spaces for each level, up to where a line would be nothing else.
pub(super) struct Indent(pub(super) usize);

/// The deepest level that is shown by spaces alone.
const SHOWN: usize = 32;

impl fmt::Display for Indent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for _ in 0..self.0.min(SHOWN) {
            f.write_str("  ")?;
        }
        match self.0 > SHOWN {
            true => write!(f, "({} deep) ", self.0),
            false => Ok(()),
        }
    }
}

impl Registry {
    /// All that is open, as a tree. What is a part of something that is not listed stands below
    /// the nearest one above that is.
    #[must_use]
    pub fn tree(&self) -> Tree {
        self.tree_below(None)
    }

    /// The operation with this number and all below it that is open; empty if it is not.
    #[must_use]
    pub fn tree_of(&self, id: OperationId) -> Tree {
        self.tree_below(Some(id))
    }

    fn tree_below(&self, top: Option<OperationId>) -> Tree {
        let mut clock = Clock::default();
        let mut line = Line::default();
        let entries = self.arranged(top).into_iter().map(|(depth, record)| {
            let operation = line.snapshot(depth, &record, clock.read(&record));
            TreeEntry { depth, operation }
        });
        Tree {
            entries: entries.collect(),
        }
    }

    /// What is open, or what of it is below `top`, each with its depth and before what is below it.
    pub(super) fn arranged(&self, top: Option<OperationId>) -> Vec<(usize, Arc<Record>)> {
        let records = self.candidates(&Filter::new()).into_records();
        let places: HashMap<_, _> = records
            .iter()
            .enumerate()
            .map(|(place, record)| (record.label.id(), place))
            .collect();
        let mut below: Vec<Vec<usize>> = records.iter().map(|_| Vec::new()).collect();
        let mut roots = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let above = record.lineage().skip(1);
            let above = above.filter_map(|above| places.get(&above.label.id()));
            match above.copied().next().and_then(|above| below.get_mut(above)) {
                Some(parts) => parts.push(place),
                None => roots.push(place),
            }
        }
        if let Some(top) = top {
            roots = places.get(&top).copied().into_iter().collect();
        }
        // The next one is at the end. Ends: each is put here once, by the one above it.
        let mut next: Vec<_> = roots.into_iter().rev().map(|place| (0, place)).collect();
        let mut arranged = Vec::with_capacity(records.len());
        while let Some((depth, place)) = next.pop() {
            if let Some(record) = records.get(place) {
                arranged.push((depth, Arc::clone(record)));
            }
            let parts = below.get(place).into_iter().flatten();
            next.extend(parts.rev().map(|part| (depth + 1, *part)));
        }
        arranged
    }
}

/// What is known of the operations above the present one and below it, where every operation by itself
/// would ask all of them.
#[derive(Default)]
pub(super) struct Line {
    /// The deadlines of those above, outermost first.
    above: Vec<(Arc<Record>, Option<Instant>)>,
    totals: SubtreeTotals,
}

impl Line {
    /// The snapshot of the next record of an arrangement.
    pub(super) fn snapshot(
        &mut self,
        depth: usize,
        record: &Arc<Record>,
        now: Option<Instant>,
    ) -> OperationSnapshot {
        self.above.truncate(depth);
        let above = self.above.last().map(|(above, due)| (&**above, *due));
        let due = record.deadline_above(above);
        let snapshot = OperationSnapshot::among(record, due, now, &mut self.totals);
        self.above.push((Arc::clone(record), snapshot.deadline()));
        snapshot
    }
}
