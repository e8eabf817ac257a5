//! An unordered list with stable keys, in pages that are freed one by one.
//!
//! The owner of an entry holds its key, so an entry cannot be moved. A long-lived entry must not keep the memory of the
//! entries around it that were removed, so memory is freed page by page.
//!
//! # Invariants
//!
//! 1. A page with a vacant slot is in the free list that begins at `open`, once. A full page is not. All slots
//!    of a page that was freed are vacant.
//! 2. At most one empty page has memory: `idle`. So repeated insertion and removal of a single entry does not
//!    allocate a page each time.

/// The key of an entry. Valid until the entry is removed or the list is taken.
pub(super) type Key = u32;

/// The key of no entry.
pub(super) const NO_KEY: Key = Key::MAX;

/// The number of slots in a page.
const PAGE: u32 = if cfg!(test) { 4 } else { 512 };

/// The capacity above which a list frees its memory when its last entry is removed.
const KEPT: usize = if cfg!(test) { 2 } else { 16 };

/// An unordered list: insert, access and remove by key in constant time.
#[derive(Debug)]
pub(super) struct Slab<T> {
    /// The page 0, the only page of most lists. Grows by doubling.
    first: Page<T>,
    /// The pages from 1.
    more: Vec<Page<T>>,
    /// The first page with a vacant slot, or `NO_KEY`.
    open: u32,
    /// An empty page with memory, or `NO_KEY`.
    idle: u32,
    live: u32,
}

/// A vector with a free list of its vacant slots. A freed page has no memory.
#[derive(Debug)]
struct Page<T> {
    entries: Vec<Entry<T>>,
    /// The next slot to fill, or `NO_KEY`.
    vacant: u32,
    live: u32,
    /// The next page with a vacant slot, or `NO_KEY`.
    next: u32,
}

#[derive(Debug)]
enum Entry<T> {
    Full(T),
    Vacant { next: u32 },
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            first: Page::open(NO_KEY),
            more: Vec::new(),
            open: 0,
            idle: NO_KEY,
            live: 0,
        }
    }
}

impl<T> Slab<T> {
    #[inline]
    pub(super) fn insert(&mut self, value: T) -> Key {
        if self.open == NO_KEY {
            // Fits: a waiting future for each key would need more than all memory.
            self.open = self.more.len() as u32 + 1;
            self.more.push(Page::open(NO_KEY));
        }
        let index = self.open;
        if self.idle == index {
            self.idle = NO_KEY;
        }
        self.live += 1;
        let page = match index.checked_sub(1) {
            None => &mut self.first,
            Some(slot) => self.more[slot as usize].with_room(),
        };
        let place = page.insert(value);
        if page.live == PAGE {
            self.open = page.next;
        }
        index * PAGE + place
    }

    #[inline]
    fn page_mut(&mut self, index: u32) -> Option<&mut Page<T>> {
        match index.checked_sub(1) {
            None => Some(&mut self.first),
            Some(slot) => self.more.get_mut(slot as usize),
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let page = self.page_mut(key / PAGE)?;
        match page.entries.get_mut((key % PAGE) as usize)? {
            Entry::Full(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let (index, open) = (key / PAGE, self.open);
        let page = self.page_mut(index)?;
        let was_full = page.live == PAGE;
        let removed = page.remove(key % PAGE)?;
        let is_empty = page.live == 0;
        if was_full {
            page.next = open;
            self.open = index;
        }
        self.live -= 1;
        let is_last = self.live == 0;
        if is_empty && (!is_last || self.has_much_room()) {
            self.note_empty(index);
        }
        Some(removed)
    }

    fn has_much_room(&self) -> bool {
        !self.more.is_empty() || self.first.entries.capacity() > KEPT
    }

    /// Handles the page `index` having become empty: its memory may be freed.
    #[cold]
    fn note_empty(&mut self, index: u32) {
        if self.live == 0 {
            *self = Self::default();
            return;
        }
        if self.idle == NO_KEY {
            self.idle = index;
            return;
        }
        // The next entry is put into the first open page, so that page keeps its memory.
        let given_back = match self.open == index {
            true => std::mem::replace(&mut self.idle, index),
            false => index,
        };
        if let Some(page) = self.page_mut(given_back) {
            page.entries = Vec::new();
            page.vacant = NO_KEY;
        }
        // There may never be as many pages again.
        self.more.shrink_to_fit();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Returns the exclusive upper bound of the keys.
    pub(super) fn bound(&self) -> Key {
        match self.more.len() as u32 {
            0 => self.first.entries.len() as u32,
            more => (more + 1) * PAGE,
        }
    }
}

impl<T> Page<T> {
    fn open(next: u32) -> Self {
        Self {
            entries: Vec::new(),
            vacant: NO_KEY,
            live: 0,
            next,
        }
    }

    /// Returns the page, with memory for all of its slots.
    #[inline]
    fn with_room(&mut self) -> &mut Self {
        if self.entries.capacity() == 0 {
            self.entries.reserve_exact(PAGE as usize);
        }
        self
    }

    #[inline]
    fn insert(&mut self, value: T) -> u32 {
        self.live += 1;
        let place = self.vacant;
        if let Some(entry) = self.entries.get_mut(place as usize) {
            if let Entry::Vacant { next } = *entry {
                self.vacant = next;
            }
            *entry = Entry::Full(value);
            return place;
        }
        self.entries.push(Entry::Full(value));
        (self.entries.len() - 1) as u32
    }

    #[inline]
    fn remove(&mut self, place: u32) -> Option<T> {
        let entry = self.entries.get_mut(place as usize)?;
        if matches!(entry, Entry::Vacant { .. }) {
            return None;
        }
        let removed = std::mem::replace(entry, Entry::Vacant { next: self.vacant });
        self.vacant = place;
        self.live -= 1;
        match removed {
            Entry::Full(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }
}

/// The entries of a list that was taken.
#[derive(Debug)]
pub(super) struct SlabIter<T> {
    page: std::vec::IntoIter<Entry<T>>,
    more: std::vec::IntoIter<Page<T>>,
    live: u32,
}

impl<T> SlabIter<T> {
    pub(super) fn of(slab: Slab<T>) -> Option<Self> {
        (slab.live > 0).then(|| Self {
            page: slab.first.entries.into_iter(),
            more: slab.more.into_iter(),
            live: slab.live,
        })
    }

    /// Returns whether no entry is left.
    pub(super) fn is_done(&self) -> bool {
        self.live == 0
    }
}

impl<T> Iterator for SlabIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        // Ends: each round takes a page.
        loop {
            let found = self.page.find_map(|entry| match entry {
                Entry::Full(value) => Some(value),
                Entry::Vacant { .. } => None,
            });
            if found.is_some() {
                self.live -= 1;
                return found;
            }
            self.page = self.more.next()?.entries.into_iter();
        }
    }

    fn fold<A, F: FnMut(A, T) -> A>(self, start: A, mut step: F) -> A {
        let mut fold = |sum, page: std::vec::IntoIter<Entry<T>>| {
            page.fold(sum, |sum, entry| match entry {
                Entry::Full(value) => step(sum, value),
                Entry::Vacant { .. } => sum,
            })
        };
        let sum = fold(start, self.page);
        self.more
            .fold(sum, |sum, page| fold(sum, page.entries.into_iter()))
    }
}

#[cfg(test)]
mod tests;
