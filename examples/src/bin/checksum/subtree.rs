//! BLAKE3 of a large file, subtree by subtree, so that idle processors can take subtrees.
//!
//! The tree of BLAKE3 splits an input in two repeatedly, and the halves can be hashed separately.
//! Each split decides anew: while other files are waiting, a thread hashes its file alone; when
//! there are none, idle processors join in.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use blake3::Hasher;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};
use cancelable_core::CancellationToken;

use crate::hash::Unhashed;

/// The length at which the split stops. The hash of this length takes a millisecond, which makes
/// the hand-over to another thread negligible.
const LEAF: u64 = 4 * 1024 * 1024;

/// The number of bytes between two checks of the token. It fits into the cache of a processor.
const CHUNK: usize = 64 * 1024;

/// A positioned read, which many threads may call at once.
pub(crate) trait ReadAt: Sync {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }
}

/// The shared state of the threads that hash one input.
pub(crate) struct Input<'a, F, C> {
    pub(crate) file: &'a F,
    pub(crate) token: &'a CancellationToken,
    /// Called for every chunk.
    pub(crate) count: &'a C,
    /// Returns whether there are idle processors.
    pub(crate) spread: &'a AtomicBool,
}

/// The reason why a subtree has no value.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The input does not have the expected length, so its tree is another one.
    Changed,
    Unhashed(Unhashed),
}

/// The length below which an input is not split.
pub(crate) const fn is_worth_it(length: u64) -> bool {
    length > LEAF
}

impl<F: ReadAt, C: Fn(u64) + Sync> Input<'_, F, C> {
    /// Hashes a whole input for which [`is_worth_it`] is true.
    pub(crate) fn root(&self, length: u64) -> Result<blake3::Hash, Broken> {
        let (left, right) = self.halves(0, length)?;
        // The input may have grown meanwhile.
        match self.read(&mut [0], length)? {
            0 => Ok(merge_subtrees_root(&left, &right, Mode::Hash)),
            _ => Err(Broken::Changed),
        }
    }

    fn subtree(&self, offset: u64, length: u64) -> Result<ChainingValue, Broken> {
        if length <= LEAF {
            return self.leaf(offset, length);
        }
        let (left, right) = self.halves(offset, length)?;
        Ok(merge_subtrees_non_root(&left, &right, Mode::Hash))
    }

    fn halves(&self, offset: u64, length: u64) -> Result<(ChainingValue, ChainingValue), Broken> {
        let split = left_subtree_len(length);
        let left = || self.subtree(offset, split);
        let right = || self.subtree(offset + split, length - split);
        // Relaxed: only the choice of the thread depends on it.
        let (left, right) = if self.spread.load(Ordering::Relaxed) {
            rayon::join(left, right)
        } else {
            (Ok(left()?), right())
        };
        Ok((left?, right?))
    }

    fn leaf(&self, offset: u64, length: u64) -> Result<ChainingValue, Broken> {
        let mut hasher = Hasher::new();
        hasher.set_input_offset(offset);
        let mut buffer = [0; CHUNK];
        let (mut at, end) = (offset, offset + length);
        while at < end {
            self.token
                .check()
                .map_err(|cancelled| Broken::Unhashed(cancelled.into()))?;
            // At most a chunk, so it fits either type.
            let wanted = (end - at).min(CHUNK as u64) as usize;
            let count = self.read(&mut buffer[..wanted], at)?;
            if count == 0 {
                return Err(Broken::Changed);
            }
            hasher.update(&buffer[..count]);
            at += count as u64;
            (self.count)(count as u64);
        }
        Ok(hasher.finalize_non_root())
    }

    /// Reads, and retries after an interrupt. Ends: interrupts come one at a time.
    fn read(&self, buffer: &mut [u8], at: u64) -> Result<usize, Broken> {
        loop {
            match self.file.read_at(buffer, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Unhashed(Unhashed::Unreadable(error))),
                Ok(count) => return Ok(count),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// Returns its bytes in short reads, and cancels the token at the byte `cancel`.
    struct Bytes<'a>(&'a [u8], &'a CancellationToken, u64);

    impl ReadAt for Bytes<'_> {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if offset >= self.2 {
                self.1.cancel();
            }
            let rest = &self.0[self.0.len().min(offset as usize)..];
            let count = rest.len().min(buffer.len()).min(50_000);
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    fn root(bytes: &[u8], length: u64, spread: bool, cancel: u64) -> Result<blake3::Hash, Broken> {
        let token = CancellationToken::new();
        let counted = AtomicU64::new(0);
        let input = Input {
            file: &Bytes(bytes, &token, cancel),
            token: &token,
            count: &|bytes| {
                counted.fetch_add(bytes, Ordering::Relaxed);
            },
            spread: &AtomicBool::new(spread),
        };
        let root = input.root(length);
        if root.is_ok() {
            assert_eq!(counted.into_inner(), length);
        }
        root
    }

    fn bytes(length: u64) -> Vec<u8> {
        (0..length).map(|n| (n % 251) as u8).collect()
    }

    #[test]
    fn the_hash_is_that_of_the_whole_however_it_is_split() {
        for length in [LEAF + 1, 2 * LEAF, 3 * LEAF, 5 * LEAF + 1025] {
            let bytes = bytes(length);
            for spread in [false, true] {
                let hash = root(&bytes, length, spread, u64::MAX).unwrap();
                assert_eq!(hash, blake3::hash(&bytes), "{length} {spread}");
            }
        }
    }

    #[test]
    fn an_input_of_another_length_is_noticed() {
        let bytes = bytes(2 * LEAF);
        for length in [2 * LEAF - 1, 2 * LEAF + 1, 3 * LEAF] {
            for spread in [false, true] {
                let hash = root(&bytes, length, spread, u64::MAX);
                assert!(matches!(hash, Err(Broken::Changed)), "{length} {spread}");
            }
        }
    }

    #[test]
    fn a_cancel_stops_every_part_of_it() {
        let bytes = bytes(3 * LEAF);
        for spread in [false, true] {
            let hash = root(&bytes, 3 * LEAF, spread, LEAF);
            assert!(
                matches!(hash, Err(Broken::Unhashed(Unhashed::Cancelled))),
                "{spread}"
            );
        }
    }
}
