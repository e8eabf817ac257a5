//! The keys and values that a user attaches to an operation, for lists, filters and reports.

use crate::sync::escape;
use std::borrow::Cow;
use std::fmt;

type Text = Cow<'static, str>;

/// The keys and values that a user has attached to an operation, in the order of the keys.
///
/// [`ScopeBuilder::metadata`](crate::scope::ScopeBuilder::metadata) and
/// [`Operation::set_metadata`](crate::Operation::set_metadata) set them.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("import").metadata("user", "7").metadata("file", "a.csv").build()?;
/// let metadata = scope.metadata();
/// assert_eq!(metadata.get("user"), Some("7"));
/// assert_eq!(metadata.iter().next(), Some(("file", "a.csv")));
/// assert_eq!(metadata.to_string(), "file=a.csv, user=7");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    // A sorted list: with few keys, a search is as fast as in a map.
    entries: Vec<(Text, Text)>,
}

impl Metadata {
    pub(crate) const EMPTY: &'static Self = &Self {
        entries: Vec::new(),
    };

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.search(key).ok()?;
        Some(&self.entries.get(at)?.1)
    }

    /// All keys with their values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (&**key, &**value))
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the index of the key, or the index at which to insert it.
    fn search(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(own, _)| (**own).cmp(key))
    }

    /// Sets the value of `key`.
    pub(crate) fn set(&mut self, key: Text, value: Text) {
        match self.search(&key) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(at) => self.entries.insert(at, (key, value)),
        }
    }
}

/// A list of `key=value`, separated by commas.
impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}={}", escape(key), escape(value))?;
        }
        Ok(())
    }
}
