//! The filter for operations.

use super::chunk::{Chunk, Slots};
use super::list;
use super::pattern::Pattern;
use crate::cause::OperationId;
use crate::operation::{OperationSnapshot, Status};
use crate::record::Record;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A filter for operations. All criteria must match; a new filter has no criterion and selects all.
///
/// # Examples
///
/// ```
/// use cancelable_core::registry::Filter;
/// use cancelable_core::{Registry, Status};
/// use std::time::Duration;
///
/// let stuck = Filter::new()
///     .status(Status::Running)
///     .name("import-*")
///     .min_age(Duration::from_secs(60))
///     .matching(|operation| operation.cause().is_some());
/// for operation in Registry::global().list(&stuck) {
///     println!("cancelled but still running: {operation}");
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a filter has no effect until a registry uses it"]
pub struct Filter {
    /// A bit for each status that matches; zero if all match.
    statuses: u8,
    parent: Option<OperationId>,
    name: Option<Pattern>,
    min_age: Option<Duration>,
    max_age: Option<Duration>,
    since: Option<Instant>,
    metadata: Vec<(Cow<'static, str>, Option<Cow<'static, str>>)>,
    predicates: Vec<Predicate>,
    after: Option<OperationId>,
    limit: Option<usize>,
}

#[derive(Clone)]
struct Predicate(Arc<dyn Fn(&OperationSnapshot) -> bool + Send + Sync>);

impl Filter {
    /// Makes a filter that selects all operations.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let _import = Scope::builder("import").register_in(&registry).build()?;
    /// assert_eq!(registry.list(&Filter::new()).len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects operations with this status. Several calls select each of their statuses.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Status};
    ///
    /// let stopped = Filter::new().status(Status::Cancelled).status(Status::Failed);
    /// assert!(Registry::new().history(&stopped).is_empty());
    /// ```
    pub fn status(mut self, status: Status) -> Self {
        self.statuses |= bit(status);
        self
    }

    /// Selects the children of the operation with this number.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// let _page = import.child("page").build()?;
    /// let children = registry.list(&Filter::new().parent(import.id()));
    /// assert_eq!(children[0].name(), "page");
    /// # Ok(())
    /// # }
    /// ```
    pub fn parent(mut self, id: OperationId) -> Self {
        self.parent = Some(id);
        self
    }

    /// Selects operations whose name matches `pattern`. `*` matches any number of characters and `?` one
    /// character. A backslash escapes the next character: `a\*` matches the name `a*` and no other.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let _import = Scope::builder("import-7").register_in(&registry).build()?;
    /// assert_eq!(registry.list(&Filter::new().name("import-?")).len(), 1);
    /// assert!(registry.list(&Filter::new().name("import")).is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(mut self, pattern: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(Pattern::new(&pattern.into()));
        self
    }

    /// Selects operations that have been open for at least `age`. An operation without a runtime has no age
    /// and does not match.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Registry;
    /// use cancelable_core::registry::Filter;
    /// use std::time::Duration;
    ///
    /// let old = Filter::new().min_age(Duration::from_secs(3600));
    /// Registry::global().cancel_all_with(&old, "older than an hour");
    /// ```
    pub fn min_age(mut self, age: Duration) -> Self {
        self.min_age = Some(age);
        self
    }

    /// Selects operations that have been open for at most `age`. An operation without a runtime has no age
    /// and does not match.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use std::time::Duration;
    ///
    /// // Ended operations too have an age: the time from opening to end.
    /// let brief = Filter::new().max_age(Duration::from_millis(10));
    /// # let _ = brief;
    /// ```
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Selects operations that ended at `point` or later, and open operations that were entered at `point`
    /// or later.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Registry;
    /// use cancelable_core::registry::Filter;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let registry = Registry::new();
    ///     let start = rt::current()?.now();
    ///     rt::scope("import").register_in(&registry).run(async |_| ()).await.complete()?;
    ///     assert_eq!(registry.history(&Filter::new().since(start)).len(), 1);
    /// #   Ok(())
    /// })
    /// # }
    /// ```
    pub fn since(mut self, point: Instant) -> Self {
        self.since = Some(point);
        self
    }

    /// Selects operations whose metadata has `value` under `key`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").metadata("tenant", "blue");
    /// let _import = import.register_in(&registry).build()?;
    /// assert_eq!(registry.cancel_all(&Filter::new().metadata("tenant", "blue")), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn metadata(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.metadata.push((key.into(), Some(value.into())));
        self
    }

    /// Selects operations whose metadata has any value under `key`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").metadata("tenant", "blue");
    /// let _import = import.register_in(&registry).build()?;
    /// assert_eq!(registry.list(&Filter::new().has_metadata("tenant")).len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn has_metadata(mut self, key: impl Into<Cow<'static, str>>) -> Self {
        self.metadata.push((key.into(), None));
        self
    }

    /// Selects operations for which `predicate` returns true. The registry calls `predicate` with no lock held,
    /// and only for operations that match all other criteria.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use std::time::Duration;
    ///
    /// let urgent = Filter::new().matching(|operation| {
    ///     operation.remaining().is_some_and(|left| left < Duration::from_secs(1))
    /// });
    /// # let _ = urgent;
    /// ```
    pub fn matching(
        mut self,
        predicate: impl Fn(&OperationSnapshot) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicates.push(Predicate(Arc::new(predicate)));
        self
    }

    /// Selects at most `limit` operations: of the open operations those that were opened first, of the history
    /// those that ended last.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// for page in ["page-1", "page-2", "page-3"] {
    ///     drop(Scope::builder(page).register_in(&registry).build()?);
    /// }
    /// let latest = registry.history(&Filter::new().limit(1));
    /// assert_eq!(latest[0].name(), "page-3");
    /// # Ok(())
    /// # }
    /// ```
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Selects operations that were opened after the operation with this number: the next page of a list. The
    /// operation need not be open any more.
    ///
    /// A [list](super::Registry::list) is in the order of opening, so the number of the last operation of a page is
    /// the cursor for the next page. An operation that another thread opens while a page is read may be in no page. The
    /// [history](super::Registry::history) is in the order of ends; there `after` selects, and makes no pages.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let open = |name| Scope::builder(name).register_in(&registry).build();
    /// let _open = (open("a")?, open("b")?, open("c")?);
    /// let filter = Filter::new().limit(2);
    /// let first = registry.list(&filter);
    /// let cursor = first.last().ok_or("an empty page")?.id();
    /// let second = registry.list(&filter.after(cursor));
    /// assert_eq!((first.len(), second[0].name()), (2, "c"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn after(mut self, id: OperationId) -> Self {
        self.after = Some(id);
        self
    }

    /// Returns the number of the first chunk that may have a selected operation.
    pub(super) fn first_chunk(&self) -> u64 {
        self.after.map_or(0, |id| list::position(id).0)
    }

    fn is_after(&self, id: OperationId) -> bool {
        self.after.is_none_or(|after| id > after)
    }

    /// Returns the maximum number of selected operations.
    pub(super) fn max(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    fn has_status(&self, status: Status) -> bool {
        self.statuses == 0 || self.statuses & bit(status) != 0
    }

    /// Returns the slots that match the criteria without a need for snapshots.
    pub(super) fn select(&self, chunk: &Chunk) -> Slots {
        // An ended operation is about to leave the list.
        let statuses = match self.statuses {
            0 => OPEN,
            wanted => wanted & OPEN,
        };
        let mut slots = match statuses {
            0 => 0,
            _ => chunk.taken(),
        };
        if let Some(id) = self.parent {
            slots = chunk.select(slots, |row| row.has_parent(id));
        }
        if let Some(pattern) = &self.name {
            slots = chunk.select(slots, |row| row.may_have_prefix(pattern.prefix()));
        }
        if slots == 0 {
            return 0;
        }
        if self.after.is_some() {
            slots = chunk.select_records(slots, |record| self.is_after(record.label.id()));
        }
        slots = chunk.select_records(slots, |record| statuses & bit(record.status()) != 0);
        match &self.name {
            Some(pattern) if !pattern.is_prefix() => {
                chunk.select_records(slots, |record| pattern.matches(record.label.name()))
            }
            _ => slots,
        }
    }

    fn has_name(&self, name: &str) -> bool {
        self.name
            .as_ref()
            .is_none_or(|pattern| pattern.matches(name))
    }

    /// Returns whether [`select`](Self::select) checks all criteria.
    pub(super) fn is_decided_by_rows(&self) -> bool {
        !self.reads_snapshots() && !self.reads_metadata() && self.limit.is_none()
    }

    /// Returns whether a criterion can be checked on a snapshot alone.
    pub(super) fn reads_snapshots(&self) -> bool {
        self.min_age.is_some()
            || self.max_age.is_some()
            || self.since.is_some()
            || !self.predicates.is_empty()
    }

    pub(super) fn reads_metadata(&self) -> bool {
        !self.metadata.is_empty()
    }

    /// Returns whether a selected record may match the other criteria. False saves a snapshot.
    pub(super) fn needs_snapshot_of(&self, record: &Record) -> bool {
        if self.metadata.is_empty() {
            return true;
        }
        record
            .metadata()
            .is_some_and(|metadata| self.has_metadata_of(|key| metadata.get(key)))
    }

    fn has_metadata_of<'a>(&self, get: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.metadata.iter().all(|(key, value)| {
            let found = get(key);
            match value {
                Some(value) => found == Some(value),
                None => found.is_some(),
            }
        })
    }

    /// Returns whether all criteria except the limit match.
    pub(super) fn passes(&self, snapshot: &OperationSnapshot) -> bool {
        let aged = |wanted: Option<Duration>, fits: fn(&Duration, &Duration) -> bool| {
            wanted.is_none_or(|wanted| snapshot.age().is_some_and(|age| fits(&age, &wanted)))
        };
        let moment = || snapshot.ended_at().or(snapshot.started_at());
        self.has_status(snapshot.status())
            && self.is_after(snapshot.id())
            && self
                .parent
                .is_none_or(|id| snapshot.parent().is_some_and(|parent| parent.id() == id))
            && self.has_name(snapshot.name())
            && aged(self.min_age, |age, wanted| age >= wanted)
            && aged(self.max_age, |age, wanted| age <= wanted)
            && self
                .since
                .is_none_or(|since| moment().is_some_and(|moment| moment >= since))
            && self.has_metadata_of(|key| snapshot.metadata().get(key))
            && self
                .predicates
                .iter()
                .all(|predicate| predicate.0(snapshot))
    }
}

const fn bit(status: Status) -> u8 {
    1 << status as u8
}

/// The statuses of open operations.
const OPEN: u8 = bit(Status::Pending) | bit(Status::Running);

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predicate")
    }
}

// A filter only calls a predicate, so a panic of the predicate leaves the filter unchanged.
impl std::panic::UnwindSafe for Filter {}
impl std::panic::RefUnwindSafe for Filter {}
