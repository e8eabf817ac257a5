//! Which operations are meant.

use super::chunk::{Chunk, Slots};
use super::pattern::Pattern;
use crate::cause::OperationId;
use crate::operation::{OperationSnapshot, Record, Status};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Which operations are meant: those for which all that it asks is so. A new one asks nothing.
///
/// # Examples
///
/// ```
/// use cancelable_core::Status;
/// use cancelable_core::registry::Filter;
/// use std::time::Duration;
///
/// let stuck = Filter::new()
///     .status(Status::Running)
///     .name("import-*")
///     .min_age(Duration::from_secs(60))
///     .when(|operation| operation.cause().is_some());
/// ```
#[derive(Clone, Default)]
#[must_use = "a filter does nothing by itself"]
pub struct Filter {
    /// One bit for each status that is asked for; zero is all.
    statuses: u8,
    parent: Option<OperationId>,
    name: Option<Pattern>,
    min_age: Option<Duration>,
    max_age: Option<Duration>,
    since: Option<Instant>,
    metadata: Vec<(Cow<'static, str>, Option<Cow<'static, str>>)>,
    predicates: Vec<Predicate>,
    limit: Option<usize>,
}

type Predicate = Arc<dyn Fn(&OperationSnapshot) -> bool + Send + Sync>;

impl Filter {
    /// Asks nothing: every operation is meant.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for this status, or for one of several if it is called for each.
    pub fn status(mut self, status: Status) -> Self {
        self.statuses |= bit(status);
        self
    }

    /// Asks for the direct parts of the operation with this number.
    pub fn parent(mut self, id: OperationId) -> Self {
        self.parent = Some(id);
        self
    }

    /// Asks for names like `pattern`, in which `*` is any number of characters and `?` is one. A backslash
    /// before a character means that character: `a\*` is the name `a*` and no other.
    pub fn name(mut self, pattern: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(Pattern::new(&pattern.into()));
        self
    }

    /// Asks for those that were open for this long at least. What has no runtime has no age, and is
    /// not meant.
    pub fn min_age(mut self, age: Duration) -> Self {
        self.min_age = Some(age);
        self
    }

    /// Asks for those that were open for this long at most. What has no runtime has no age, and is
    /// not meant.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Asks for those that ended at `point` or later; of those that are open, for those that were
    /// entered then or later.
    pub fn since(mut self, point: Instant) -> Self {
        self.since = Some(point);
        self
    }

    /// Asks for those that have `value` noted under `key`.
    pub fn metadata(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.metadata.push((key.into(), Some(value.into())));
        self
    }

    /// Asks for those that have anything noted under `key`.
    pub fn has_metadata(mut self, key: impl Into<Cow<'static, str>>) -> Self {
        self.metadata.push((key.into(), None));
        self
    }

    /// Asks for those for which `predicate` answers true. It is called with no lock held, for those
    /// that pass all else.
    pub fn when(
        mut self,
        predicate: impl Fn(&OperationSnapshot) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicates.push(Arc::new(predicate));
        self
    }

    /// Takes no more than `limit`: of those that are open the first opened, of the history the
    /// latest.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(super) fn most(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    pub(super) fn truncate(&self, found: &mut Vec<OperationSnapshot>) {
        found.truncate(self.most());
    }

    fn has_status(&self, status: Status) -> bool {
        self.statuses == 0 || self.statuses & bit(status) != 0
    }

    /// The rows of a page that pass what is asked at once, by a few loads: what takes no snapshot.
    pub(super) fn select(&self, page: &Chunk) -> Slots {
        // One that has ended is about to leave the list.
        let statuses = match self.statuses {
            0 => OPEN,
            asked => asked & OPEN,
        };
        let mut slots = match statuses {
            0 => 0,
            _ => page.taken(),
        };
        if let Some(id) = self.parent {
            slots = page.select(slots, |row| row.is_part_of(id));
        }
        if let Some(pattern) = &self.name {
            slots = page.select(slots, |row| row.may_have_prefix(pattern.start()));
        }
        if slots == 0 {
            return 0;
        }
        slots = page.select_records(slots, |record| statuses & bit(record.status()) != 0);
        match &self.name {
            Some(pattern) if !pattern.is_start() => {
                page.select_records(slots, |record| pattern.matches(record.label.name()))
            }
            _ => slots,
        }
    }

    fn has_name(&self, name: &str) -> bool {
        self.name
            .as_ref()
            .is_none_or(|pattern| pattern.matches(name))
    }

    /// Whether nothing is asked beyond that.
    pub(super) fn is_decided_at_once(&self) -> bool {
        self.min_age.is_none()
            && self.max_age.is_none()
            && self.since.is_none()
            && self.metadata.is_empty()
            && self.predicates.is_empty()
            && self.limit.is_none()
    }

    /// Whether a record that passed at once may pass the rest: spares snapshots.
    pub(super) fn needs_snapshot_of(&self, record: &Record) -> bool {
        if self.metadata.is_empty() {
            return true;
        }
        record
            .metadata()
            .is_some_and(|metadata| self.has_noted(|key| metadata.get(key)))
    }

    fn has_noted<'a>(&self, noted: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.metadata.iter().all(|(key, value)| {
            let found = noted(key);
            match value {
                Some(value) => found == Some(value),
                None => found.is_some(),
            }
        })
    }

    /// All that it asks.
    pub(super) fn passes(&self, snapshot: &OperationSnapshot) -> bool {
        let aged = |asked: Option<Duration>, fits: fn(&Duration, &Duration) -> bool| {
            asked.is_none_or(|asked| snapshot.age().is_some_and(|age| fits(&age, &asked)))
        };
        let moment = || snapshot.ended_at().or(snapshot.started_at());
        self.has_status(snapshot.status())
            && self
                .parent
                .is_none_or(|id| snapshot.parent().is_some_and(|parent| parent.id() == id))
            && self.has_name(snapshot.name())
            && aged(self.min_age, |age, asked| age >= asked)
            && aged(self.max_age, |age, asked| age <= asked)
            && self
                .since
                .is_none_or(|since| moment().is_some_and(|moment| moment >= since))
            && self.has_noted(|key| snapshot.metadata().get(key))
            && self.predicates.iter().all(|predicate| predicate(snapshot))
    }
}

const fn bit(status: Status) -> u8 {
    1 << status as u8
}

/// Those that are no ends.
const OPEN: u8 = bit(Status::Pending) | bit(Status::Running);

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("statuses", &self.statuses)
            .field("parent", &self.parent)
            .field("name", &self.name)
            .field("min_age", &self.min_age)
            .field("max_age", &self.max_age)
            .field("since", &self.since)
            .field("metadata", &self.metadata)
            .field("predicates", &self.predicates.len())
            .field("limit", &self.limit)
            .finish()
    }
}

// A condition is only called, and a filter does not change by its panic.
impl std::panic::UnwindSafe for Filter {}
impl std::panic::RefUnwindSafe for Filter {}
