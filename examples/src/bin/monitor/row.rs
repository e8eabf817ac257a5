//! The tree as rows.

use std::collections::HashSet;
use std::time::Duration;

use cancelable_core::cause::OperationId;
use cancelable_core::operation::{OperationSnapshot, ProgressFigures};
use cancelable_core::registry::{Filter, Registry};
use cancelable_core::{Cause, Status};

use crate::words::{self, Detail};

/// One shown operation.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: OperationId,
    pub(crate) depth: usize,
    pub(crate) name: String,
    /// The number of open operations below it.
    pub(crate) below: usize,
    /// The operations below it are shown too.
    pub(crate) is_expanded: bool,
    pub(crate) status: Status,
    pub(crate) age: Option<Duration>,
    /// The time left.
    pub(crate) remaining: Option<Duration>,
    pub(crate) progress: Option<ProgressFigures>,
    /// The cause of its cancel, if it is cancelled.
    pub(crate) cause: Option<Cause>,
}

/// Returns the rows of the open operations: with a pattern, the operations with a matching name and
/// their ancestors; or else all that are not inside a collapsed operation.
pub(crate) fn rows(
    registry: &Registry,
    pattern: Option<&str>,
    collapsed: &HashSet<OperationId>,
) -> Vec<Row> {
    let tree = registry.tree();
    let entries = tree.entries();
    let wanted: Option<HashSet<OperationId>> = pattern.map(|pattern| {
        let found = registry.operations(&Filter::new().name(pattern.to_owned()));
        found.iter().map(|operation| operation.id()).collect()
    });
    // From the last to the first: descendants follow their ancestor.
    let mut below = vec![0; entries.len()];
    let mut is_shown = vec![wanted.is_none(); entries.len()];
    let mut open: Vec<(usize, usize, bool)> = Vec::new();
    for (place, entry) in entries.iter().enumerate().rev() {
        let (mut count, mut has_wanted) = (0, false);
        while let Some((depth, parts, wanted)) = open.pop() {
            if depth <= entry.depth() {
                open.push((depth, parts, wanted));
                break;
            }
            count += 1 + parts;
            has_wanted |= wanted;
        }
        if let Some(wanted) = &wanted {
            has_wanted |= wanted.contains(&entry.operation().id());
            is_shown[place] = has_wanted;
        }
        below[place] = count;
        open.push((entry.depth(), count, has_wanted));
    }
    let mut rows = Vec::new();
    let mut hidden_below = None;
    for (place, entry) in entries.iter().enumerate() {
        if hidden_below.is_some_and(|depth| entry.depth() > depth) {
            continue;
        }
        let id = entry.operation().id();
        let is_expanded = pattern.is_some() || !collapsed.contains(&id);
        hidden_below = (!is_expanded).then_some(entry.depth());
        if is_shown[place] {
            let (depth, below) = (entry.depth(), below[place]);
            rows.push(Row::of(entry.operation(), depth, below, is_expanded));
        }
    }
    rows
}

impl Row {
    fn of(operation: &OperationSnapshot, depth: usize, below: usize, is_expanded: bool) -> Self {
        Self {
            id: operation.id(),
            depth,
            name: operation.label().to_string(),
            below,
            is_expanded,
            status: operation.status(),
            age: operation.age(),
            remaining: operation.remaining(),
            progress: operation.progress().map(|progress| *progress.overall()),
            cause: operation.cause().cloned(),
        }
    }

    /// Returns the name, indented for its position in the tree.
    pub(crate) fn title(&self) -> String {
        let mark = match (self.below, self.is_expanded) {
            (0, _) => " ",
            (_, true) => "▾",
            (_, false) => "▸",
        };
        let mut title = format!("{}{mark} {}", "  ".repeat(self.depth), self.name);
        if self.below > 0 {
            title += &format!(" ({})", self.below);
        }
        title
    }

    /// Returns the status, or that the operation is about to end.
    pub(crate) fn state(&self) -> &'static str {
        match (self.status, &self.cause) {
            (Status::Running, Some(_)) => "stopping",
            (status, _) => status.as_str(),
        }
    }

    /// Returns the progress.
    pub(crate) fn progress(&self, detail: Detail) -> String {
        let figures = self.progress.as_ref();
        figures
            .map(|figures| words::progress(figures, detail))
            .unwrap_or_default()
    }

    /// Returns the cause of the cancel.
    pub(crate) fn cause(&self) -> String {
        self.cause.as_ref().map(words::cause).unwrap_or_default()
    }
}
