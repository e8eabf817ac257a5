//! The content of the screen, and the effects of keys. It knows no terminal.

use std::collections::{BTreeMap, HashSet};

use cancelable_core::Operation;
use cancelable_core::cause::OperationId;
use cancelable_core::operation::OperationSnapshot;
use cancelable_core::registry::{CancelResult, Event, Events, Filter, Registry, Statistics};

use crate::keys::Action;
use crate::row::{Row, rows};

/// The number of ended operations that are shown.
pub(crate) const HISTORY: usize = 5;

/// The present meaning of the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Browse,
    /// The keys type a name.
    Filter,
    /// The keys answer whether all shown operations are cancelled.
    Confirm,
    /// The next key closes the help.
    Help,
}

/// The state of the screen.
#[derive(Debug)]
pub(crate) struct View {
    registry: Registry,
    pub(crate) events: Events,
    /// The number of events of each kind.
    pub(crate) told: BTreeMap<&'static str, u64>,
    pub(crate) mode: Mode,
    pub(crate) filter: String,
    collapsed: HashSet<OperationId>,
    pub(crate) rows: Vec<Row>,
    /// The index of the selected row. The selection stays on its operation as long as that is
    /// shown.
    pub(crate) selected: usize,
    /// The first row on the screen.
    pub(crate) top: usize,
    /// The number of rows with room on the screen, set by the drawing.
    pub(crate) room: usize,
    pub(crate) statistics: Statistics,
    pub(crate) history: Vec<OperationSnapshot>,
    /// The effect of the last key, in words.
    pub(crate) message: String,
    pub(crate) is_quitting: bool,
}

impl View {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            events: registry.events(),
            statistics: registry.statistics(),
            registry: registry.clone(),
            told: BTreeMap::new(),
            mode: Mode::Browse,
            filter: String::new(),
            collapsed: HashSet::new(),
            rows: Vec::new(),
            selected: 0,
            top: 0,
            room: 1,
            history: Vec::new(),
            message: String::new(),
            is_quitting: false,
        }
    }

    /// Counts an event.
    pub(crate) fn note(&mut self, event: &Event) {
        // Missed events are counted by the stream of events itself.
        if event.operation().is_some() {
            *self.told.entry(event.as_str()).or_default() += 1;
        }
    }

    /// Reads the events, and then the present operations.
    pub(crate) fn refresh(&mut self) {
        // Ends: at most as many events can wait as the queue has room for.
        for _ in 0..10_000 {
            let Some(event) = self.events.try_next() else {
                break;
            };
            self.note(&event);
        }
        // Read first, so that every counted operation is in the tree or has ended.
        self.statistics = self.registry.statistics();
        let selected = self.selected_id();
        self.rows = rows(&self.registry, self.pattern().as_deref(), &self.collapsed);
        let place = self.rows.iter().position(|row| Some(row.id) == selected);
        self.select(place.unwrap_or(self.selected));
        self.history = self.registry.history(&Filter::new().limit(HISTORY));
    }

    /// Returns the filter on names, if there is one: names that contain the typed text, or that
    /// match it if it has a `*` or a `?`.
    pub(crate) fn pattern(&self) -> Option<String> {
        match self.filter.as_str() {
            "" => None,
            text if text.contains(['*', '?']) => Some(text.to_owned()),
            text => Some(format!("*{text}*")),
        }
    }

    /// Returns the number of missed events.
    pub(crate) fn missed(&self) -> u64 {
        self.events.missed()
    }

    /// Executes the command of a key. `load` is cancelled when the user leaves.
    pub(crate) fn act(&mut self, action: Action, load: &Operation) {
        self.message.clear();
        match action {
            Action::Up(by) => self.select(self.selected.saturating_sub(by)),
            Action::Down(by) => self.select(self.selected.saturating_add(by)),
            Action::PageUp => self.select(self.selected.saturating_sub(self.room)),
            Action::PageDown => self.select(self.selected.saturating_add(self.room)),
            Action::Collapse => self.collapse(),
            Action::Expand => {
                if let Some(id) = self.selected_id() {
                    self.collapsed.remove(&id);
                }
            }
            Action::CollapseAll => {
                let parents = self
                    .rows
                    .iter()
                    .filter(|row| row.below > 0 && row.depth > 0);
                self.collapsed.extend(parents.map(|row| row.id));
            }
            Action::ExpandAll => self.collapsed.clear(),
            Action::Cancel => self.cancel_selected(),
            Action::AskCancelAll => self.mode = Mode::Confirm,
            Action::CancelAll => {
                self.mode = Mode::Browse;
                self.cancel_all();
            }
            Action::Filter => self.mode = Mode::Filter,
            Action::Type(character) => self.filter.push(character),
            Action::Erase => {
                self.filter.pop();
            }
            Action::ClearFilter => {
                self.filter.clear();
                self.mode = Mode::Browse;
            }
            Action::Browse => self.mode = Mode::Browse,
            Action::Help => self.mode = Mode::Help,
            Action::Quit => self.quit(load),
            Action::Nothing => {}
        }
    }

    fn selected_id(&self) -> Option<OperationId> {
        self.rows.get(self.selected).map(|row| row.id)
    }

    fn select(&mut self, place: usize) {
        self.selected = place.min(self.rows.len().saturating_sub(1));
    }

    /// Collapses the selected row, or selects its parent if there is nothing to collapse.
    fn collapse(&mut self) {
        let Some(row) = self.rows.get(self.selected) else {
            return;
        };
        if row.below > 0 && row.is_expanded && self.filter.is_empty() {
            self.collapsed.insert(row.id);
            return;
        }
        let before = self.rows.iter().take(self.selected);
        if let Some(parent) = before.rev().position(|above| above.depth < row.depth) {
            self.select(self.selected - parent - 1);
        }
    }

    fn cancel_selected(&mut self) {
        let Some(row) = self.rows.get(self.selected) else {
            return;
        };
        self.message = match self
            .registry
            .cancel_with(row.id, "cancelled in the monitor")
        {
            CancelResult::Cancelled => format!("{} is being cancelled", row.name),
            CancelResult::Already(_) => format!("{} was asked before", row.name),
            CancelResult::Ended | CancelResult::Unknown => format!("{} has ended", row.name),
        };
    }

    fn cancel_all(&mut self) {
        let filter = match self.pattern() {
            Some(pattern) => Filter::new().name(pattern),
            None => Filter::new(),
        };
        let count = self
            .registry
            .cancel_all_with(&filter, "cancelled in the monitor");
        self.message = format!("{count} operations are being cancelled");
    }

    /// Requests the end at the first call; the second does not wait.
    fn quit(&mut self, load: &Operation) {
        match self.is_quitting {
            false => load.cancel_with("the monitor was quit"),
            true => load.cancel_now("the monitor was quit twice"),
        };
        self.is_quitting = true;
        self.mode = Mode::Browse;
    }
}

#[cfg(test)]
mod tests;
