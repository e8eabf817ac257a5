//! An ordered map whose keys are numbers.
//!
//! The tree maps a number to a position in a vector of values, so all maps share one instance of `BTreeMap`. A
//! `BTreeMap` for each type of value made up a quarter of the code that the compiler had to optimise.

use std::collections::BTreeMap;
use std::mem;

/// A key that is ordered by a number.
pub(crate) trait Number: Copy {
    fn number(self) -> u64;
}

impl Number for u64 {
    fn number(self) -> u64 {
        self
    }
}

/// A map in the order of its keys. An empty map holds no memory.
#[derive(Clone, Debug)]
pub(crate) struct NumberMap<K, V> {
    /// The position of each key in `entries`.
    positions: BTreeMap<u64, usize>,
    /// The keys and values, unordered.
    entries: Vec<(K, V)>,
}

impl<K, V> Default for NumberMap<K, V> {
    fn default() -> Self {
        Self {
            positions: BTreeMap::new(),
            entries: Vec::new(),
        }
    }
}

impl<K: Number, V> NumberMap<K, V> {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.positions.contains_key(&key.number())
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let at = *self.positions.get(&key.number())?;
        Some(&self.entries.get(at)?.1)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = *self.positions.get(&key.number())?;
        Some(&mut self.entries.get_mut(at)?.1)
    }

    /// Inserts a value, and returns the value that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(old) = self.get_mut(&key) {
            return Some(mem::replace(old, value));
        }
        self.positions.insert(key.number(), self.entries.len());
        self.entries.push((key, value));
        None
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.positions.remove(&key.number())?;
        Some(self.take(at).1)
    }

    /// Removes the value with the least key.
    pub(crate) fn pop_first(&mut self) -> Option<(K, V)> {
        let (_, at) = self.positions.pop_first()?;
        Some(self.take(at))
    }

    /// Keeps the entries for whose keys `keeps` returns true.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(&K) -> bool) {
        let keys = self.entries.iter().map(|(key, _)| *key);
        let dropped: Vec<K> = keys.filter(|key| !keeps(key)).collect();
        for key in dropped {
            self.remove(&key);
        }
    }

    /// Takes the entry at `at`, whose key was removed from `positions`. The last entry moves to `at`.
    fn take(&mut self, at: usize) -> (K, V) {
        let entry = self.entries.swap_remove(at);
        if let Some((moved, _)) = self.entries.get(at) {
            self.positions.insert(moved.number(), at);
        }
        if self.entries.is_empty() {
            self.entries = Vec::new();
        }
        entry
    }

    /// Returns the entries in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let positions = self.positions.values();
        let entries = positions.filter_map(|at| self.entries.get(*at));
        entries.map(|(key, value)| (key, value))
    }

    /// The values in the order of their keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Takes the map apart, in the order of its keys.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = (K, V)> {
        let mut entries: Vec<Option<(K, V)>> = self.entries.into_iter().map(Some).collect();
        let positions = self.positions.into_values();
        positions.filter_map(move |at| entries.get_mut(at)?.take())
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = V> {
        self.into_entries().map(|(_, value)| value)
    }
}

impl<K: Number, V> Extend<(K, V)> for NumberMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Number, V> FromIterator<(K, V)> for NumberMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

#[cfg(test)]
mod tests {
    use super::NumberMap;
    use std::collections::BTreeMap;

    /// Compares with the standard library's map through a long run of steps.
    #[test]
    fn it_is_a_map_in_the_order_of_its_keys() {
        let (mut map, mut model) = (NumberMap::new(), BTreeMap::new());
        let mut state = 7_u64;
        for step in 0..20_000_u64 {
            // A linear congruence is random enough for keys that meet often.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let key = (state >> 40) % 64;
            match (state >> 33) % 5 {
                0 | 1 => assert_eq!(map.insert(key, step), model.insert(key, step)),
                2 | 3 => assert_eq!(map.remove(&key), model.remove(&key)),
                _ => assert_eq!(map.pop_first(), model.pop_first()),
            }
            assert_eq!(map.len(), model.len());
            assert_eq!(map.is_empty(), model.is_empty());
            assert_eq!(map.get(&key), model.get(&key));
            assert_eq!(map.contains_key(&key), model.contains_key(&key));
            assert!(map.iter().eq(model.iter()), "{step}");
        }
        map.retain(|key| key % 3 != 0);
        model.retain(|key, _| key % 3 != 0);
        let copy: NumberMap<u64, u64> = model.iter().map(|(key, value)| (*key, *value)).collect();
        assert!(copy.values().eq(model.values()));
        assert!(map.into_entries().eq(model.clone()));
        assert!(copy.into_values().eq(model.into_values()));
    }
}
