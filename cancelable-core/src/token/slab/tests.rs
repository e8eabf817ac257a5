//! The list compared with a model of it, in pages so small that a few entries fill many.

use super::{NO_KEY, PAGE, Page, Slab, SlabIter};
use std::collections::BTreeMap;

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

impl<T> Slab<T> {
    fn all(&self) -> impl Iterator<Item = &Page<T>> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// Returns the number of pages that have memory.
    fn pages(&self) -> usize {
        let has_room = |page: &&Page<T>| page.entries.capacity() > 0;
        self.all().filter(has_room).count()
    }

    /// Checks the invariants in the module's header.
    fn check(&self) {
        let mut open = Vec::new();
        let mut next = self.open;
        while next != NO_KEY {
            assert!(!open.contains(&next), "page {next} is open twice");
            open.push(next);
            next = self.all().nth(next as usize).unwrap().next;
        }
        let (mut live, mut idle) = (0, 0);
        for (index, page) in self.all().enumerate() {
            let index = index as u32;
            assert_eq!(open.contains(&index), page.live < PAGE, "page {index}");
            live += page.live;
            idle += u32::from(page.live == 0 && page.entries.capacity() > 0);
        }
        assert_eq!(live, self.live);
        assert!(idle <= 1, "{idle} empty pages have memory");
    }
}

#[test]
fn r12_entries_keep_their_keys_and_empty_pages_are_freed() {
    for seed in 0..200 {
        let mut numbers = Numbers(seed);
        let mut slab = Slab::default();
        let mut model = BTreeMap::new();
        for step in 0..400_usize {
            // The slab grows, shrinks and grows again.
            let grows = match step / 100 % 2 {
                0 => 3,
                _ => 1,
            };
            if model.is_empty() || numbers.below(4) < grows {
                let key = slab.insert(step);
                assert_eq!(model.insert(key, step), None, "the key {key} was taken");
            } else {
                let nth = numbers.below(model.len());
                let key = *model.keys().nth(nth).unwrap();
                assert_eq!(slab.remove(key), model.remove(&key));
                assert_eq!(slab.remove(key), None);
            }
            slab.check();
            for key in 0..slab.bound() + 2 {
                assert_eq!(slab.get_mut(key).copied(), model.get(&key).copied());
            }
            assert_eq!(slab.is_empty(), model.is_empty());
            assert!(slab.pages() <= model.len() + 1);
        }
        let rest: Vec<_> = SlabIter::of(slab).into_iter().flatten().collect();
        assert_eq!(rest, model.into_values().collect::<Vec<_>>());
    }
}

#[test]
fn r12_a_single_entry_that_comes_and_goes_keeps_its_page() {
    let mut slab = Slab::default();
    for number in 0..PAGE {
        slab.insert(number);
    }
    for number in 0..10 {
        let key = slab.insert(number);
        assert_eq!((key / PAGE, slab.pages()), (1, 2));
        assert_eq!(slab.remove(key), Some(number));
        assert_eq!(slab.pages(), 2);
    }
    for key in 0..PAGE {
        slab.remove(key);
    }
    assert_eq!((slab.pages(), slab.bound()), (0, 0));

    // Two pages have become empty: the page that is filled next has memory.
    let keys: Vec<_> = (0..3 * PAGE).map(|number| slab.insert(number)).collect();
    for key in keys.into_iter().filter(|key| key / PAGE > 0) {
        slab.remove(key);
    }
    for number in 0..10 {
        let room = |slab: &Slab<u32>| {
            slab.all()
                .map(|page| page.entries.capacity())
                .collect::<Vec<_>>()
        };
        let before = room(&slab);
        let key = slab.insert(number);
        assert_eq!(room(&slab), before);
        assert_eq!(slab.remove(key), Some(number));
        assert_eq!(room(&slab), before);
    }
}

#[test]
fn a_taken_slab_knows_at_each_step_whether_entries_are_left() {
    let mut slab = Slab::default();
    let keys: Vec<_> = (0..3 * PAGE).map(|number| slab.insert(number)).collect();
    for key in keys.iter().filter(|key| *key % 3 != 1) {
        slab.remove(*key);
    }
    let mut rest = SlabIter::of(slab).unwrap();
    for number in (0..3 * PAGE).filter(|number| number % 3 == 1) {
        assert!(!rest.is_done());
        assert_eq!(rest.next(), Some(number));
    }
    assert!(rest.is_done());
    assert_eq!(rest.next(), None);
    assert!(SlabIter::of(Slab::<u8>::default()).is_none());
}
