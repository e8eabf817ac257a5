//! The data of a filter, which can be read from text and written as text.

use super::filter::Filter;
use super::pattern;
use crate::cause::OperationId;
use crate::operation::Status;
use std::time::Duration;

/// The criteria of a [`Filter`] as data: for a command line, the URL of a page, or another process.
///
/// [`FromStr`](std::str::FromStr) reads a query from text and [`Display`](std::fmt::Display) writes the same text back. With the feature
/// `serde` a query is serialised as that text. `Filter::from(query)` makes the filter. A filter has two criteria that
/// no query has: [`since`](Filter::since), because an `Instant` has no meaning in another process, and
/// [`matching`](Filter::matching).
///
/// A text has criteria, separated by spaces; all must match. An empty text selects all operations.
///
/// | criterion | selects |
/// |---|---|
/// | `status:running` | this status; may be repeated to select each of several |
/// | `name:import-*` | names that match the [pattern](Filter::name) |
/// | `age>30s` | operations that have been open for at least this time |
/// | `age<5m` | operations that have been open for at most this time |
/// | `meta.tenant=blue` | this value of a metadata key; may be repeated |
/// | `meta.tenant` | any value of a metadata key; may be repeated |
/// | `parent:7` | the children of an operation |
/// | `after:12` | operations that were opened after an operation |
/// | `limit:100` | at most this number of operations |
///
/// A time is a whole number and a unit: `ns`, `us`, `ms`, `s`, `m`, `h` or `d`. A backslash makes the next character
/// stand for itself, and quotation marks do so for all characters between them: `name:"import of "*`. A text that is
/// shown in a log needs [`escaped`](crate::cause::escaped), because a value may contain a line break.
///
/// # Examples
///
/// ```
/// use cancelable_core::registry::{Filter, Query};
/// use cancelable_core::{Registry, Scope};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let import = Scope::builder("import-7").metadata("tenant", "blue");
/// let _import = import.register_in(&registry).build()?;
///
/// let query: Query = "status:pending name:import-* meta.tenant=blue".parse()?;
/// assert_eq!(query.to_string(), "status:pending name:import-* meta.tenant=blue");
/// assert_eq!(registry.count(&Filter::from(query)), 1);
///
/// let error = "name:import-* age>soon".parse::<Query>().unwrap_err();
/// assert_eq!(error.position(), 18);
/// assert_eq!(error.to_string(), "invalid query at byte 18: expected a time, such as 30s");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[must_use = "a query has no effect until a registry uses its filter"]
pub struct Query {
    /// In the order of [`Status::ALL`], each at most once.
    pub(super) statuses: Vec<Status>,
    /// In its [canonical](pattern::canonical) form.
    pub(super) name: Option<String>,
    pub(super) min_age: Option<Duration>,
    pub(super) max_age: Option<Duration>,
    pub(super) metadata: Vec<(String, Option<String>)>,
    pub(super) parent: Option<OperationId>,
    pub(super) after: Option<OperationId>,
    pub(super) limit: Option<usize>,
}

impl Query {
    /// Makes a query that selects all operations.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Query;
    ///
    /// assert_eq!(Query::new().to_string(), "");
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects operations with this status. Several calls select each of their statuses.
    pub fn status(mut self, status: Status) -> Self {
        self.statuses.push(status);
        self.statuses.sort_by_key(|status| *status as u8);
        self.statuses.dedup();
        self
    }

    /// Selects operations whose name matches `pattern`, as [`Filter::name`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Query;
    ///
    /// assert_eq!(Query::new().name("import of *").to_string(), r"name:import\ of\ *");
    /// ```
    pub fn name(mut self, pattern: impl AsRef<str>) -> Self {
        self.name = Some(pattern::canonical(pattern.as_ref()));
        self
    }

    /// Selects operations that have been open for at least `age`, as [`Filter::min_age`] does.
    pub fn min_age(mut self, age: Duration) -> Self {
        self.min_age = Some(age);
        self
    }

    /// Selects operations that have been open for at most `age`, as [`Filter::max_age`] does.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Selects operations whose metadata has `value` under `key`. A server adds a criterion of its own to the query of
    /// a caller in this way.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Query;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let asked: Query = "status:running".parse()?;
    /// let allowed = asked.metadata("owner", "ann").at_most(100);
    /// assert_eq!(allowed.to_string(), "status:running meta.owner=ann limit:100");
    /// # Ok(())
    /// # }
    /// ```
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((key.into(), Some(value.into())));
        self
    }

    /// Selects operations whose metadata has any value under `key`.
    pub fn has_metadata(mut self, key: impl Into<String>) -> Self {
        self.metadata.push((key.into(), None));
        self
    }

    /// Selects the children of the operation with this number.
    pub fn parent(mut self, id: OperationId) -> Self {
        self.parent = Some(id);
        self
    }

    /// Selects operations that were opened after the operation with this number, as [`Filter::after`] does.
    pub fn after(mut self, id: OperationId) -> Self {
        self.after = Some(id);
        self
    }

    /// Selects at most `limit` operations, as [`Filter::limit`] does.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Lowers the limit to `limit`. A lower limit stays.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Query;
    ///
    /// assert_eq!(Query::new().at_most(100).to_string(), "limit:100");
    /// assert_eq!(Query::new().limit(7).at_most(100).to_string(), "limit:7");
    /// ```
    pub fn at_most(mut self, limit: usize) -> Self {
        self.limit = Some(self.limit.map_or(limit, |own| own.min(limit)));
        self
    }
}

impl From<Query> for Filter {
    fn from(query: Query) -> Self {
        let mut filter = query.statuses.into_iter().fold(Self::new(), Self::status);
        if let Some(pattern) = query.name {
            filter = filter.name(pattern);
        }
        if let Some(age) = query.min_age {
            filter = filter.min_age(age);
        }
        if let Some(age) = query.max_age {
            filter = filter.max_age(age);
        }
        for (key, value) in query.metadata {
            filter = match value {
                Some(value) => filter.metadata(key, value),
                None => filter.has_metadata(key),
            };
        }
        if let Some(id) = query.parent {
            filter = filter.parent(id);
        }
        if let Some(id) = query.after {
            filter = filter.after(id);
        }
        match query.limit {
            Some(limit) => filter.limit(limit),
            None => filter,
        }
    }
}
