//! An unordered list with stable keys, which stores its first entry in place.
//!
//! Most tokens have one waiter and most branches have one member, so the first entry needs no allocation. The other
//! entries share a slab, which grows by doubling, and in pages once it is large (`slab.rs`).

use super::slab::{Slab, SlabIter};

pub(super) use super::slab::{Key, NO_KEY};

/// An unordered list: insert, access and remove by key in constant time.
#[derive(Debug)]
pub(super) struct InlineList<T> {
    /// The entry with key 0.
    first: Option<T>,
    /// The entries with keys from 1.
    rest: Option<Box<Slab<T>>>,
}

impl<T> Default for InlineList<T> {
    fn default() -> Self {
        Self {
            first: None,
            rest: None,
        }
    }
}

impl<T> InlineList<T> {
    #[inline]
    pub(super) fn insert(&mut self, value: T) -> Key {
        if self.first.is_none() {
            self.first = Some(value);
            return 0;
        }
        self.rest.get_or_insert_default().insert(value) + 1
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match key.checked_sub(1) {
            None => self.first.as_mut(),
            Some(key) => self.rest.as_mut()?.get_mut(key),
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let Some(key) = key.checked_sub(1) else {
            return self.first.take();
        };
        self.rest.as_mut()?.remove(key)
    }

    /// Returns the exclusive upper bound of the keys.
    pub(super) fn bound(&self) -> Key {
        self.rest.as_ref().map_or(1, |rest| rest.bound() + 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.as_ref().is_none_or(|rest| rest.is_empty())
    }
}

impl<T> InlineList<T> {
    /// Takes all entries: the entry in place, and the others, if there are any.
    pub(super) fn split(&mut self) -> (Option<T>, Option<SlabIter<T>>) {
        let rest = self.rest.take().and_then(|rest| SlabIter::of(*rest));
        (self.first.take(), rest)
    }
}

impl<T> IntoIterator for InlineList<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, Flatten<T>>;

    fn into_iter(mut self) -> Self::IntoIter {
        let (first, rest) = self.split();
        first.into_iter().chain(rest.into_iter().flatten())
    }
}

type Flatten<T> = std::iter::Flatten<std::option::IntoIter<SlabIter<T>>>;
