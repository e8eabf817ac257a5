//! The tree of open operations.

use super::filter::Filter;
use super::shards::Shards;
use super::snapshot_filter;
use super::snapshots::Snapshots;
use crate::cause::OperationId;
use crate::operation::OperationSnapshot;
use crate::record::{Record, deadlines};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The tree of open operations, from [`Registry::tree`](super::Registry::tree).
///
/// The tree is a flat list, because operations may be nested deeply. Each entry is followed by its descendants,
/// in the order of opening.
///
/// # Examples
///
/// ```
/// use cancelable_core::{Registry, Scope};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let import = Scope::builder("import").register_in(&registry).build()?;
/// let _page = import.child("page").build()?;
/// for entry in registry.tree().entries() {
///     println!("{}{}", "  ".repeat(entry.depth()), entry.operation().name());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tree {
    entries: Vec<TreeEntry>,
}

/// An operation in a [`Tree`], with its depth.
///
/// # Examples
///
/// ```
/// use cancelable_core::{Registry, Scope};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let import = Scope::builder("import").register_in(&registry).build()?;
/// let _page = import.child("page").build()?;
/// let tree = registry.tree();
/// assert_eq!(tree.entries()[1].depth(), 1);
/// assert_eq!(tree.entries()[1].operation().name(), "page");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TreeEntry {
    depth: usize,
    operation: OperationSnapshot,
}

impl TreeEntry {
    /// Returns the number of ancestors in the tree.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the snapshot of the operation.
    #[must_use]
    pub fn operation(&self) -> &OperationSnapshot {
        &self.operation
    }
}

impl Tree {
    pub(super) fn of(shards: &Shards) -> Self {
        let mut entries = Vec::new();
        visit(shards, |entry, _, _| entries.push(entry));
        Self { entries }
    }

    /// Returns all entries, each before its descendants.
    #[must_use]
    pub fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    /// Returns the entry of the operation with this number and the entries of its descendants; empty if the
    /// operation is not in the tree.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// let _page = import.child("page").build()?;
    /// let _export = Scope::builder("export").register_in(&registry).build()?;
    /// let tree = registry.tree();
    /// assert_eq!(tree.entries().len(), 3);
    /// assert_eq!(tree.subtree(import.id()).len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn subtree(&self, id: OperationId) -> &[TreeEntry] {
        let mut entries = self.entries.iter();
        let Some(start) = entries.position(|entry| entry.operation.id() == id) else {
            return &[];
        };
        let top = self.entries[start].depth;
        let below = entries.take_while(|entry| entry.depth > top).count();
        &self.entries[start..=start + below]
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

/// The indentation of a line: two spaces for each level, and a number instead of very many spaces.
pub(super) struct Indent(pub(super) usize);

/// The maximum number of levels that are shown by spaces.
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

/// Visits the open operations, each before its descendants and with the time of its snapshot. An operation
/// whose parent is not listed comes below its nearest listed ancestor.
pub(super) fn visit(shards: &Shards, mut visit: impl FnMut(TreeEntry, &Record, Option<Instant>)) {
    let mut snapshots = Snapshots::default();
    // With the deadline of each ancestor, so that no deadline is computed again for each descendant.
    let mut ancestors: Vec<(Arc<Record>, Option<Instant>)> = Vec::new();
    for (depth, record) in in_tree_order(shards) {
        ancestors.truncate(depth);
        let parent = ancestors.last().map(|(parent, due)| (&**parent, *due));
        let (above, now) = (
            deadlines::inherited(&record, parent),
            snapshots.now(&record),
        );
        let operation = snapshots.take(&record, above, now);
        let deadline = operation.deadline();
        visit(TreeEntry { depth, operation }, &record, now);
        ancestors.push((record, deadline));
    }
}

fn in_tree_order(shards: &Shards) -> Vec<(usize, Arc<Record>)> {
    let records = snapshot_filter::matching(shards, &Filter::new()).into_records();
    let indices: HashMap<_, _> = records
        .iter()
        .enumerate()
        .map(|(index, record)| (record.label.id(), index))
        .collect();
    let mut children: Vec<Vec<usize>> = records.iter().map(|_| Vec::new()).collect();
    let mut roots = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let ancestors = record.with_ancestors().skip(1);
        let mut listed = ancestors.filter_map(|above| indices.get(&above.label.id()));
        match listed.next() {
            Some(parent) => children[*parent].push(index),
            None => roots.push(index),
        }
    }
    // A stack with the next index at its end. Ends: each index is pushed once, for its parent.
    let mut stack: Vec<_> = roots.into_iter().rev().map(|index| (0, index)).collect();
    let mut ordered = Vec::with_capacity(records.len());
    while let Some((depth, index)) = stack.pop() {
        ordered.push((depth, Arc::clone(&records[index])));
        let children = children[index].iter().rev();
        stack.extend(children.map(|child| (depth + 1, *child)));
    }
    ordered
}
