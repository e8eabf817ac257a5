//! A list whose entries keep their key, with room for one entry in place.
//!
//! Most tokens have one waiter and most branches one member: that one costs no allocation. Further
//! entries share one allocation that grows by doubling and is given back when they are all gone.

/// The key of an entry. Good until the entry is removed or the bag is taken.
pub(super) type Key = u32;

/// A key that no entry has.
pub(super) const NO_KEY: Key = Key::MAX;

/// Room for more entries than this is given back when the last of them is removed.
const KEPT: usize = 16;

/// An unordered list: insert, reach and remove by key in constant time.
#[derive(Debug)]
pub(super) struct Bag<T> {
    /// The entry with key 0.
    first: Option<T>,
    /// The entries with keys from 1.
    rest: Option<Box<Slab<T>>>,
}

impl<T> Default for Bag<T> {
    fn default() -> Self {
        Self {
            first: None,
            rest: None,
        }
    }
}

impl<T> Bag<T> {
    pub(super) fn insert(&mut self, value: T) -> Key {
        if self.first.is_none() {
            self.first = Some(value);
            return 0;
        }
        self.rest.get_or_insert_default().insert(value) + 1
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match key.checked_sub(1) {
            None => self.first.as_mut(),
            Some(key) => self.rest.as_mut()?.get_mut(key),
        }
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let Some(key) = key.checked_sub(1) else {
            return self.first.take();
        };
        self.rest.as_mut()?.remove(key)
    }

    /// A number above all keys.
    pub(super) fn bound(&self) -> Key {
        self.rest
            .as_ref()
            .map_or(1, |rest| rest.entries.len() as Key + 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.as_ref().is_none_or(|rest| rest.live == 0)
    }
}

impl<T> Bag<T> {
    /// Takes the entry that has its room in place, and the others, if there are any.
    pub(super) fn split(&mut self) -> (Option<T>, Option<Rest<T>>) {
        let rest = self.rest.take().and_then(|rest| Rest::of(*rest));
        (self.first.take(), rest)
    }
}

impl<T> IntoIterator for Bag<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, Flatten<T>>;

    fn into_iter(mut self) -> Self::IntoIter {
        let (first, rest) = self.split();
        first.into_iter().chain(rest.into_iter().flatten())
    }
}

type Flatten<T> = std::iter::Flatten<std::option::IntoIter<Rest<T>>>;

/// The entries with keys from 1, of a bag that was taken apart.
#[derive(Debug)]
pub(super) struct Rest<T> {
    /// The last one is not vacant, so that whoever takes an entry knows whether it was the last.
    entries: std::vec::IntoIter<Entry<T>>,
}

impl<T> Rest<T> {
    fn of(slab: Slab<T>) -> Option<Self> {
        let mut entries = slab.entries;
        while let Some(Entry::Vacant { .. }) = entries.last() {
            entries.pop();
        }
        (!entries.is_empty()).then(|| Self {
            entries: entries.into_iter(),
        })
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.entries.as_slice().is_empty()
    }
}

impl<T> Iterator for Rest<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.entries.find_map(|entry| match entry {
            Entry::Full(value) => Some(value),
            Entry::Vacant { .. } => None,
        })
    }

    fn fold<A, F: FnMut(A, T) -> A>(self, start: A, mut step: F) -> A {
        self.entries.fold(start, |sum, entry| match entry {
            Entry::Full(value) => step(sum, value),
            Entry::Vacant { .. } => sum,
        })
    }
}

/// A vector with a list of its vacant places running through it.
#[derive(Debug)]
pub(super) struct Slab<T> {
    entries: Vec<Entry<T>>,
    /// The vacant place to fill next, or `NO_KEY`.
    vacant: Key,
    live: u32,
}

#[derive(Debug)]
pub(super) enum Entry<T> {
    Full(T),
    Vacant { next: Key },
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            vacant: NO_KEY,
            live: 0,
        }
    }
}

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, value: T) -> Key {
        self.live += 1;
        let key = self.vacant;
        if let Some(place) = self.entries.get_mut(key as usize) {
            if let Entry::Vacant { next } = *place {
                self.vacant = next;
            }
            *place = Entry::Full(value);
            return key;
        }
        self.entries.push(Entry::Full(value));
        // Fits: four thousand million entries of 16 bytes are more than memory holds.
        (self.entries.len() - 1) as Key
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.entries.get_mut(key as usize)? {
            Entry::Full(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.entries.get_mut(key as usize)?;
        if matches!(place, Entry::Vacant { .. }) {
            return None;
        }
        let taken = std::mem::replace(place, Entry::Vacant { next: self.vacant });
        self.vacant = key;
        self.live -= 1;
        if self.live == 0 && self.entries.capacity() > KEPT {
            *self = Self::default();
        }
        match taken {
            Entry::Full(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }
}
