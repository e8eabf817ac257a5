//! Keys and values that a user attaches to an operation, for lists, filters and reports.

use crate::sync::escape;
use std::borrow::Cow;
use std::fmt;

type Text = Cow<'static, str>;

/// Keys and values that a user has attached to an operation, in the order of the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    // Few, so a list is searched as fast as a map.
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

    /// All keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (&**key, &**value))
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the index of the key, or the one where it belongs.
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

/// `key=value`, separated by commas.
impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}={}", escape(key), escape(value))?;
        }
        Ok(())
    }
}
